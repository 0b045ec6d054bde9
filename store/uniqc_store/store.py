"""The task store: uniqc's ``TaskStore``, and what a reader needs beyond it."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from uniqc_store import validation
from uniqc_store.clearing.policy import ClearPolicy
from uniqc_store.database import reader
from uniqc_store.database.connection import Access
from uniqc_store.database.files import identity_of
from uniqc_store.database.writer import Writer
from uniqc_store.errors import (
    AmbiguousIdError,
    InterruptedReadError,
    InvalidValueError,
    ReadOnlyStoreError,
    StoreBusyError,
    StoreMissingError,
    StoreNewerError,
    UnknownReceiptError,
    WouldBlockError,
)
from uniqc_store.query import conditions, statements
from uniqc_store.snapshot import Snapshot
from uniqc_store.tasks import TERMINAL_STATUSES, status_text, utc_now

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Sequence

    from uniqc_store.clearing.backup import Receipt
    from uniqc_store.clearing.batches import Progress
    from uniqc_store.clearing.commit import Clearing, ClearResult
    from uniqc_store.clearing.plan import ClearPlan
    from uniqc_store.clearing.restore import UndoResult
    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Column, TaskFilter
    from uniqc_store.query.pages import Page
    from uniqc_store.snapshot import Group
    from uniqc_store.tasks import TaskInfo

DEFAULT_CACHE_DIR = Path.home() / ".uniqc" / "cache"
"""Where uniqc keeps its tasks."""

DB_FILENAME = "tasks.sqlite"

Answer = TypeVar("Answer")

_EVERY_FINISHED = ClearPolicy()


def _no_progress(through: int, total: int) -> None:
    """Nobody asked to be told."""


def _never() -> bool:
    return False


class TaskStore:
    """The tasks in one directory's ``tasks.sqlite``.

    The API is that of uniqc's own class of this name. Each call opens the file, asks or changes
    it in one transaction, and closes it, so that an instance may be shared by threads, carried
    over a fork, and outlive the file: after ``clear_all`` the next call starts a fresh one.

    Args:
        cache_dir: The directory; ``DEFAULT_CACHE_DIR`` if None. A relative one means what it
            means now, whatever the current directory becomes.
        read_only: Nothing is created, migrated or stamped, and no connection can write. A
            missing file is then an empty store; :attr:`Snapshot.state` says that it is missing.
        must_exist: A missing file is an error instead.
        busy_timeout: Seconds to wait for another process; uniqc's own is 5.
        should_stop: Asked every millisecond or so while a query runs; true stops it.

    Raises:
        StoreError: Every method raises the error of the tree in ``uniqc_store.errors`` that
            fits, this one too. Another place for the file is never taken silently.
    """

    def __init__(
        self,
        cache_dir: Path | str | None = None,
        *,
        read_only: bool = False,
        must_exist: bool = False,
        busy_timeout: float = 5.0,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        if cache_dir == "":
            raise InvalidValueError("cache_dir", "must not be empty")
        if "\0" in str(cache_dir):
            raise InvalidValueError("cache_dir", "must not hold a NUL character")
        directory = DEFAULT_CACHE_DIR if cache_dir is None else Path(cache_dir)
        self.cache_dir = directory.absolute()
        self.db_path = self.cache_dir / DB_FILENAME
        self._must_exist = must_exist
        self._access = Access(path=self.db_path, busy_timeout=busy_timeout, should_stop=should_stop)
        self._writer = None if read_only else Writer(self._access)
        if must_exist or not read_only:
            self.read(lambda _: None)

    @property
    def read_only(self) -> bool:
        return self._writer is None

    def __repr__(self) -> str:
        return f"TaskStore({str(self.cache_dir)!r}, read_only={self.read_only})"

    # uniqc's API

    def save(self, task: TaskInfo) -> None:
        """Insert the task, or update the one of its id, whose submit time is then kept.

        Stamps ``task.update_time`` once the row is committed.

        Raises:
            InvalidValueError: A field can't be stored; nothing is written, and the task is as
                it was.
        """
        now = utc_now()
        parameters = validation.task_parameters(task, update_time=now)
        self._writing().write(lambda session: _save(session, parameters))
        task.update_time = now

    def get(self, task_id: str) -> TaskInfo | None:
        """The task of this id, or of this platform's id; None if there is none.

        Raises:
            AmbiguousIdError: Several tasks have this platform's id.
        """

        def answer(snapshot: Snapshot) -> TaskInfo | None:
            matches = snapshot.find(task_id)
            live = [match for match in matches.found if not match.archived]
            if matches.by == "prefix" or not live:
                return None
            if len(live) > 1:
                raise AmbiguousIdError(task_id, [match.task_id for match in live])
            return snapshot.info(live[0])

        return self.read(answer)

    def list(
        self, *, status: str | None = None, backend: str | None = None, limit: int | None = None
    ) -> builtins.list[TaskInfo]:
        """The tasks with exactly this status and backend, newest first by submit time."""
        checked = None if limit is None else validation.limit(limit)
        equal = conditions.where_equal(**_checked(status, backend))
        return self.read(lambda snapshot: snapshot.infos(equal, limit=checked))

    def count(self, *, status: str | None = None, backend: str | None = None) -> int:
        """How many tasks have exactly this status and backend."""
        equal = conditions.where_equal(**_checked(status, backend))
        return self.read(lambda snapshot: snapshot.count_where(equal))

    def delete(self, task_id: str) -> bool:
        """Remove one task and its shards. Whether there was one of this id."""
        parameters = {"task_id": validation.text("task_id", task_id)}
        return self._writing().write(
            lambda session: (
                session.connection.execute(statements.DELETE_TASK, parameters).rowcount > 0
            )
        )

    def clear_completed(self, terminal_statuses: str | Sequence[str] = TERMINAL_STATUSES) -> int:
        """Remove the tasks with one of these statuses, and their shards. How many there were.

        One status may be given by itself.
        """
        if isinstance(terminal_statuses, str):
            terminal_statuses = (terminal_statuses,)
        statuses = [_status("terminal_statuses", status) for status in terminal_statuses]

        def change(session: Session) -> int:
            return sum(
                session.connection.execute(
                    statements.DELETE_WITH_STATUS, {"status": status}
                ).rowcount
                for status in statuses
            )

        return self._writing().write(change)

    def clear_all(self) -> None:
        """Remove the file, its ``-wal`` and its ``-shm``.

        The next call, on any instance, starts a fresh store.

        Raises:
            StoreBusyError: Another connection is in the file; nothing was removed.
        """
        self._writing().remove()

    # Beyond it

    def read(self, question: Callable[[Snapshot], Answer]) -> Answer:
        """Ask several things of one consistent state of the file.

        The function may be called again from the start, so it should change nothing.
        """

        def ask(session: Session) -> Answer:
            if self._must_exist and not session.exists:
                raise StoreMissingError(self.db_path)
            return question(Snapshot(session, self.db_path))

        if self._writer is not None:
            self._check_exists()
            try:
                return self._writer.read(ask)
            except StoreNewerError:
                pass  # It can't be written; whether it can be read is seen below.
        try:
            return reader.read(self._access, ask)
        except (InterruptedReadError, StoreBusyError) as error:
            if self._access.nonblocking:
                raise WouldBlockError from error
            raise

    def nonblocking(self) -> TaskStore:
        """The same store, to be read by who can't wait, such as an event loop.

        Where an answer takes more than a millisecond or two, because the query is long, the
        result large, or another process in the way, its methods raise ``WouldBlockError``. Then
        ask this store, on a thread. What either found out about the file, both know.
        """
        nonblocking = copy.copy(self)
        nonblocking._writer = None  # noqa: SLF001 - of its own class
        nonblocking._access = replace(  # noqa: SLF001 - likewise
            self._access, busy_timeout=0, should_stop=lambda: True, nonblocking=True
        )
        return nonblocking

    def search(self, task_filter: TaskFilter, *, limit: int, cursor: str = "") -> Page:
        """See :meth:`Snapshot.search`."""
        return self.read(lambda snapshot: snapshot.search(task_filter, limit=limit, cursor=cursor))

    def tally(
        self, task_filter: TaskFilter, *, by: Sequence[Column] = ("status", "backend")
    ) -> tuple[Group, ...]:
        """See :meth:`Snapshot.tally`."""
        return self.read(lambda snapshot: snapshot.tally(task_filter, by=by))

    # Clearing that can be undone

    def plan_clear(
        self,
        task_filter: TaskFilter,
        *,
        older_than: timedelta = timedelta(0),
        policy: ClearPolicy = _EVERY_FINISHED,
    ) -> ClearPlan:
        """What a clear of these tasks would remove. Nothing is written.

        Args:
            task_filter: Which tasks.
            older_than: How long ago they must have been touched last.
            policy: The limits that hold whatever is asked for.
        """
        now = datetime.now(UTC)
        from uniqc_store.clearing import plan  # noqa: PLC0415 - few clear, and it takes a while to import

        return self._ask(
            lambda snapshot: plan.plan(
                snapshot, task_filter, older_than=older_than, policy=policy, now=now
            ),
        )

    def clear(
        self,
        plan: ClearPlan,
        *,
        keep: timedelta = timedelta(days=30),
        progress: Progress = _no_progress,
        should_stop: Callable[[], bool] = _never,
    ) -> ClearResult:
        """Remove the tasks of a plan that are still as they were, and keep copies of them.

        Args:
            plan: From :meth:`plan_clear`.
            keep: How long copies are kept; older ones are dropped now.
            progress: Called after each batch with how many rows of how many are through.
            should_stop: Asked before each batch; true ends the clear there.
        """
        return self._clearing().commit(plan, keep=keep, progress=progress, should_stop=should_stop)

    def undo_clear(
        self,
        receipt_id: str,
        *,
        progress: Progress = _no_progress,
        should_stop: Callable[[], bool] = _never,
    ) -> UndoResult:
        """Put back what a clear removed, byte for byte, but for ids that are there again."""
        return self._clearing().undo(receipt_id, progress=progress, should_stop=should_stop)

    def receipts(self) -> tuple[Receipt, ...]:
        """The clears of which something can be put back, newest first."""
        from uniqc_store.clearing.backup import ClearedFile  # noqa: PLC0415 - see plan_clear

        return ClearedFile(self._access).receipts()

    def check_receipt(self, receipt_id: str) -> None:
        """Raise ``UnknownReceiptError`` where nothing is held for a receipt; makes no file."""
        if not any(receipt.receipt_id == receipt_id for receipt in self.receipts()):
            raise UnknownReceiptError(receipt_id)

    def _clearing(self) -> Clearing:
        from uniqc_store.clearing.backup import ClearedFile  # noqa: PLC0415 - see plan_clear
        from uniqc_store.clearing.commit import Clearing  # noqa: PLC0415 - likewise

        return Clearing(self._writing(), ClearedFile(self._access))

    def _ask(self, question: Callable[[Snapshot], Answer]) -> Answer:
        """Ask through a connection that can't write, wherever that answers."""
        return reader.read(self._access, lambda session: question(Snapshot(session, self.db_path)))

    def _writing(self) -> Writer:
        if self._writer is None:
            raise ReadOnlyStoreError(self.db_path)
        self._check_exists()
        return self._writer

    def _check_exists(self) -> None:
        if self._must_exist and identity_of(self.db_path) is None:
            raise StoreMissingError(self.db_path)


def _save(session: Session, parameters: dict[str, object]) -> None:
    session.connection.execute(statements.SAVE_TASK, parameters)
    if "error_message" in session.layout.columns("tasks"):
        session.connection.execute(statements.SAVE_ERROR_MESSAGE, parameters)
    elif parameters["error_message"] is not None:
        raise InvalidValueError(
            "error_message",
            f"a file of schema version {session.layout.version} has no place for it; put it into "
            "metadata.failure_error, as uniqc does",
        )


def _status(field: str, status: str) -> str:
    return validation.text(field, status_text(status))


def _checked(status: str | None, backend: str | None) -> dict[str, str | None]:
    return {
        "status": None if status is None else _status("status", status),
        "backend": None if backend is None else validation.text("backend", backend),
    }
