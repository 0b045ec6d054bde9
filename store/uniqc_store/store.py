"""The task store: the API of uniqc's own ``TaskStore``, and more reads and writes beside it."""

from __future__ import annotations

import copy
import itertools
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from uniqc_store import validation
from uniqc_store.clearing.policy import ClearPolicy
from uniqc_store.database import reader
from uniqc_store.database.connection import Access
from uniqc_store.database.files import CLEARED_FILENAME, DEFAULT_CACHE_DIR, identity_of
from uniqc_store.database.write_connection import check_writable
from uniqc_store.database.writer import Writer
from uniqc_store.errors import (
    AmbiguousIdError,
    InterruptedReadError,
    InvalidValueError,
    ReadOnlyStoreError,
    StoreBusyError,
    StoreMissingError,
    StoreNewerError,
    StoreUnwritableError,
    UnknownReceiptError,
    WouldBlockError,
)
from uniqc_store.filters import TaskFilter
from uniqc_store.query import conditions, statements
from uniqc_store.snapshot import Snapshot
from uniqc_store.tasks import TERMINAL_STATUSES, status_text, utc_now

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Sequence

    from uniqc_store.clearing.backup import Receipt
    from uniqc_store.clearing.batches import Progress
    from uniqc_store.clearing.commit import Clearing, ClearResult
    from uniqc_store.clearing.copies import ClearedTasks
    from uniqc_store.clearing.pending import PendingPlans
    from uniqc_store.clearing.plan import ClearPlan
    from uniqc_store.clearing.restore import UndoResult
    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Archived, Column, Order
    from uniqc_store.query.pages import Page
    from uniqc_store.snapshot import Group
    from uniqc_store.tasks import TaskInfo
    from uniqc_store.validation import SavableTask

DB_FILENAME = "tasks.sqlite"
"""The name of the file in its directory."""

Answer = TypeVar("Answer")

_EVERY_FINISHED = ClearPolicy()
_EVERY_TASK = TaskFilter()


def _ignore_progress(through: int, total: int) -> None:
    """Do nothing."""


def _now() -> datetime:
    return datetime.now(UTC)


def _never() -> bool:
    return False


class TaskStore:
    """The tasks in one directory's ``tasks.sqlite``.

    Every method of uniqc's own class of this name is here. Each call opens the file, runs one
    transaction and closes the file. So threads may share an instance, a fork may inherit it, and
    it outlives the file: after :meth:`clear_all` the next call creates a fresh one.

    Every method raises errors of the tree in ``uniqc_store.errors`` only. The store never falls
    back to another place for the file.

    Attributes:
        cache_dir: The directory, absolute.
        db_path: The file, absolute.

    Args:
        cache_dir: The directory; ``DEFAULT_CACHE_DIR`` if None. A relative path is resolved now,
            so that a later change of the current directory does not matter.
        read_only: Create, migrate and stamp nothing; no connection can write. A missing file is
            then an empty store, and :attr:`Snapshot.state` says that it is missing.
        must_exist: Raise ``StoreMissingError`` for a missing file instead.
        busy_timeout: Seconds to wait for another process; uniqc's own is 5.
        should_stop: Called every millisecond or so while a query runs. If it returns true, the
            query ends with ``InterruptedReadError``.
        report_progress: Called while a read tests every task of a large file, with the number of
            tasks that were tested and of all tasks.

    Raises:
        InvalidValueError: The directory is empty or holds a NUL character.
        StoreFileError: The file cannot be opened or created. A read-only store that need not
            exist is not opened here.
    """

    def __init__(
        self,
        cache_dir: Path | str | None = None,
        *,
        read_only: bool = False,
        must_exist: bool = False,
        busy_timeout: float = 5.0,
        should_stop: Callable[[], bool] | None = None,
        report_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Open the store once, unless it is read-only and need not exist."""
        if cache_dir == "":
            raise InvalidValueError("cache_dir", "must not be empty")
        if "\0" in str(cache_dir):
            raise InvalidValueError("cache_dir", "must not hold a NUL character")
        directory = DEFAULT_CACHE_DIR if cache_dir is None else Path(cache_dir)
        self.cache_dir = directory.absolute()
        self.db_path = self.cache_dir / DB_FILENAME
        self._cleared_path = os.fspath(self.cache_dir / CLEARED_FILENAME)
        self._must_exist = must_exist
        self._access = Access(
            path=self.db_path,
            busy_timeout=busy_timeout,
            should_stop=should_stop,
            report_progress=report_progress,
        )
        self._writer = None if read_only else Writer(self._access)
        if must_exist or not read_only:
            self.read(lambda _: None)

    @property
    def read_only(self) -> bool:
        """True if every write raises ``ReadOnlyStoreError``."""
        return self._writer is None

    def __repr__(self) -> str:
        """Return the call that makes such a store."""
        return f"TaskStore({str(self.cache_dir)!r}, read_only={self.read_only})"

    # The API of uniqc's own class

    def save(self, task: SavableTask) -> None:
        """Insert the task, or update the one with its id, which keeps its submit time.

        uniqc's own ``TaskInfo`` of any release is accepted. ``task.update_time`` is set once the
        row is committed.

        Raises:
            InvalidValueError: A field cannot be stored. Nothing is written, and the task stays
                as it was.
        """
        now = utc_now()
        parameters = validation.task_parameters(task, update_time=now)
        self._writing().write(lambda session: _save(session, parameters))
        task.update_time = now

    def get(self, task_id: str) -> TaskInfo | None:
        """Return the task with this id, or with this platform's id; None if there is none.

        Archived tasks are not found.

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
        self,
        *,
        status: str | None = None,
        backend: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> builtins.list[TaskInfo]:
        """Return the tasks with exactly this status and backend, newest first by submit time.

        Args:
            status: The status; None for any.
            backend: The whole label; None for any.
            limit: Most tasks to return; None for all.
            offset: Tasks to skip, the newest first. Tasks that are saved between two calls move
                the others, which :meth:`search` with its cursor avoids.
        """
        most = None if limit is None else validation.limit(limit)
        skipped = 0 if offset is None else validation.offset(offset)
        where = conditions.where_equal(**_checked(status, backend))
        return self.read(lambda snapshot: snapshot.infos(where, limit=most, offset=skipped))

    def count(self, *, status: str | None = None, backend: str | None = None) -> int:
        """Return the number of tasks with exactly this status and backend."""
        where = conditions.where_equal(**_checked(status, backend))
        return self.read(lambda snapshot: snapshot.count_where(where))

    def delete(self, task_id: str) -> bool:
        """Remove one task with its shards; return False if the id is unknown."""
        parameters = {"task_id": validation.text("task_id", task_id)}
        return self._writing().write(
            lambda session: (
                session.connection.execute(statements.DELETE_TASK, parameters).rowcount > 0
            )
        )

    def clear_completed(self, terminal_statuses: str | Sequence[str] = TERMINAL_STATUSES) -> int:
        """Remove the tasks with these statuses and their shards; return the number of tasks.

        A single status may be passed as text.
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

        The next call, on any instance, creates a fresh store.

        Raises:
            StoreBusyError: Another connection has the file open; nothing was removed.
        """
        self._writing().remove()

    # Reading

    def read(self, question: Callable[[Snapshot], Answer]) -> Answer:
        """Call a function with one consistent state of the file and return its answer.

        The function may be called again from the start, if the file changed meanwhile. So it
        should have no side effects.
        """
        if self._writer is not None:
            self._check_exists()
            try:
                return self._writer.read(lambda session: self._ask(session, question))
            except StoreNewerError:
                pass  # A newer schema cannot be written, but it can often be read.
            except StoreUnwritableError:
                if identity_of(self.db_path) is None:  # It can't be created either.
                    raise
        try:
            return self._read_only(question)
        except (InterruptedReadError, StoreBusyError) as error:
            if self._access.nonblocking:
                raise WouldBlockError from error
            raise

    def with_callbacks(
        self, should_stop: Callable[[], bool], report_progress: Callable[[int, int], None]
    ) -> TaskStore:
        """Return a read-only view of this store with these callbacks, which shares its cache."""
        return self._view(
            replace(self._access, should_stop=should_stop, report_progress=report_progress)
        )

    def nonblocking(self, *, milliseconds: int = 1) -> TaskStore:
        """Return a view of this store whose reads never block.

        A read that would take longer raises ``WouldBlockError``: because the query is long, the
        result large, or the file locked by another process. Run it again on a thread, with the
        store itself. The view is read-only and shares the cache of this store.

        Args:
            milliseconds: About how long the queries of this view may take, all together. It is
                counted in steps of SQLite, so that a busy machine makes no difference.
        """
        checks = itertools.count(1)
        return self._view(
            replace(
                self._access,
                busy_timeout=0,
                should_stop=lambda: next(checks) >= milliseconds,
                report_progress=None,
                nonblocking=True,
            )
        )

    def _view(self, access: Access) -> TaskStore:
        """Return a read-only view of this store that reads in another way."""
        view = copy.copy(self)
        view._writer = None  # noqa: SLF001 - a copy of the same class
        view._access = access  # noqa: SLF001 - a copy of the same class
        return view

    def search(
        self,
        task_filter: TaskFilter,
        *,
        limit: int,
        cursor: str = "",
        order: Order = "newest",
        archived: Archived = "exclude",
    ) -> Page:
        """Return one page of tasks; see :meth:`Snapshot.search`."""
        return self.read(
            lambda snapshot: snapshot.search(
                task_filter, limit=limit, cursor=cursor, order=order, archived=archived
            )
        )

    def tally(
        self, task_filter: TaskFilter, *, by: Sequence[Column] = ("status", "backend")
    ) -> tuple[Group, ...]:
        """Return the number of tasks in each group; see :meth:`Snapshot.tally`."""
        return self.read(lambda snapshot: snapshot.tally(task_filter, by=by))

    # Clearing that can be undone

    def plan_clear(
        self,
        task_filter: TaskFilter,
        *,
        older_than: timedelta = timedelta(0),
        policy: ClearPolicy = _EVERY_FINISHED,
    ) -> ClearPlan:
        """Return what a clear of these tasks would remove. Nothing is written.

        Args:
            task_filter: Selects the tasks.
            older_than: Shortest time since uniqc last wrote to a task.
            policy: Limits that hold in addition.

        Raises:
            StoreUnsafeError: The file is damaged.
        """
        now = _now()
        from uniqc_store.clearing import plan  # noqa: PLC0415 - 0.013 s of every start

        return self._read_only(
            lambda snapshot: plan.plan(
                snapshot, task_filter, older_than=older_than, policy=policy, now=now
            ),
        )

    def check_clearable(self) -> None:
        """Raise if nothing can be cleared here, such as on a read-only mount. Change nothing.

        Raises:
            StoreNewerError: The schema is newer than this release may write.
            StoreUnwritableError: This user may not write the file or its directory.
        """
        check_writable(self._access)

    def pending_plans(self, clock: Callable[[], datetime] = _now) -> PendingPlans:
        """Return the plans that wait for their commit, in whatever process it happens.

        They are kept in ``cleared.sqlite``. The file of tasks is not written, so that a store
        that was opened read-only keeps plans too.

        Args:
            clock: The current time.
        """
        from uniqc_store.clearing.pending import PendingPlans  # noqa: PLC0415 - see plan_clear

        return PendingPlans(self._access, clock)

    def clear(
        self,
        plan: ClearPlan,
        *,
        policy: ClearPolicy | None = None,
        keep: timedelta = timedelta(days=30),
        progress: Progress = _ignore_progress,
        should_stop: Callable[[], bool] = _never,
    ) -> ClearResult:
        """Remove the tasks of a plan that are unchanged since, and keep copies of them.

        Args:
            plan: From :meth:`plan_clear`, or from :meth:`pending_plans`.
            policy: Limits that hold in addition to those of the plan.
            keep: Lifetime of the copies. Older copies of any clear are deleted now.
            progress: Called after each batch with the rows handled so far and the total.
            should_stop: Called before each batch. If it returns true, the clear ends there.

        Raises:
            StoreUnsafeError: The file is damaged; nothing was removed.
        """
        return self._clearing().commit(
            plan, policy=policy, keep=keep, progress=progress, should_stop=should_stop
        )

    def undo_clear(
        self,
        receipt_id: str,
        *,
        task_ids: Sequence[str] = (),
        task_filter: TaskFilter = _EVERY_TASK,
        progress: Progress = _ignore_progress,
        should_stop: Callable[[], bool] = _never,
    ) -> UndoResult:
        """Restore what a clear removed, byte for byte, except tasks whose id exists again.

        Args:
            receipt_id: From the result of :meth:`clear`, or from :meth:`receipts`.
            task_ids: Restore these only; empty for any.
            task_filter: Restore only tasks that match. All others stay under the receipt.
            progress: Called after each batch with the tasks restored so far and the total.
            should_stop: Called before each batch. If it returns true, the undo ends there.

        Raises:
            UnknownReceiptError: No copies are kept for the receipt.
            RestoreError: The store lacks a column that a copy needs; this batch was not restored.
            StoreUnsafeError: The file is damaged; nothing was restored.
        """
        from uniqc_store.clearing.selected_copies import Selection  # noqa: PLC0415 - see plan_clear

        selection = Selection(task_ids=tuple(task_ids), task_filter=task_filter)
        return self._clearing().undo(
            receipt_id, selection, progress=progress, should_stop=should_stop
        )

    def receipts(self) -> tuple[Receipt, ...]:
        """Return the receipts of the clears that can be undone, newest first."""
        return self.cleared_tasks().receipts()

    def cleared_tasks(self) -> ClearedTasks:
        """Return the tasks that were cleared and can be put back, as their copies hold them."""
        from uniqc_store.clearing.copies import ClearedTasks  # noqa: PLC0415 - see plan_clear

        return ClearedTasks(self._access, self._read_only)

    @property
    def may_have_cleared(self) -> bool:
        """False if there is certainly no file of cleared tasks, which takes 2 µs to find out."""
        return os.path.lexists(self._cleared_path)

    def check_receipt(self, receipt_id: str) -> None:
        """Raise ``UnknownReceiptError`` if no copies are kept for a receipt. Create no file."""
        if not any(receipt.receipt_id == receipt_id for receipt in self.receipts()):
            raise UnknownReceiptError(receipt_id)

    def _clearing(self) -> Clearing:
        from uniqc_store.clearing.backup import ClearedFile  # noqa: PLC0415 - see plan_clear
        from uniqc_store.clearing.commit import Clearing  # noqa: PLC0415 - see plan_clear

        writer = self._writing()
        self._read_only(Snapshot.check_sound)
        return Clearing(writer, ClearedFile(self._access))

    def _read_only(self, question: Callable[[Snapshot], Answer]) -> Answer:
        """Read as a read-only store does, even if this one may write."""
        return reader.read(self._access, lambda session: self._ask(session, question))

    def _ask(self, session: Session, question: Callable[[Snapshot], Answer]) -> Answer:
        if self._must_exist and not session.exists:
            raise StoreMissingError(self.db_path)
        return question(Snapshot(session, self.db_path))

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
    if "error_message" not in parameters:
        return
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
