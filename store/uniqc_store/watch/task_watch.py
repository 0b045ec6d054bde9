"""What changed in the store while nobody asked.

A watch is polled, and holds nothing between two polls. To see whether anybody has written, it
asks the operating system for the inode, size and times of the file, its ``-wal`` and its
``-journal``. If they are others, it reads as any reader does and compares with what it knew.

``PRAGMA data_version`` on a connection that is held open was measured against that:

============================  ======================  ======================================
..                            held connection         what the operating system knows
============================  ======================  ======================================
a poll                        2.4 µs                  12 µs: at ten a second 0.01 % of a core
``clear_all`` elsewhere       refused: it is in use   goes through
``journal_mode`` elsewhere    refused: it is locked   goes through
the last writer closes        its WAL stays (8 KiB)   its WAL is removed
a checkpoint                  a change, if the WAL    leads to a look, which finds nothing
                              is truncated
another file in its place     never noticed           another inode
============================  ======================  ======================================

The times of files tick, by some milliseconds: what was seen sooner than that after a write may
be seen just so after the next write too. Then there is one more look, once it is certain.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from uniqc_store.database import reader
from uniqc_store.database.connection import Access
from uniqc_store.database.signature import signature_of
from uniqc_store.errors import InvalidValueError, StoreError, StoreUnreadableError
from uniqc_store.snapshot import StoreState
from uniqc_store.watch import tracked_tasks
from uniqc_store.watch.change_log import ChangeLog
from uniqc_store.watch.changes import StoreStatus

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from uniqc_store.database.connection import Session
    from uniqc_store.database.files import Identity
    from uniqc_store.database.signature import Signature
    from uniqc_store.store import TaskStore
    from uniqc_store.watch.change_log import Event, Key
    from uniqc_store.watch.changes import Changes, TaskState
    from uniqc_store.watch.tracked_tasks import TrackedTasks

NEWEST = 1_000
"""Tasks that are known, active or not, because they are the newest."""

MAX_EVENTS = 10_000
"""What a cursor may be behind."""

_PATIENCE_SECONDS = 0.1
"""How long to leave a file alone that is being written; then it is read beside the writer."""

_BUSY_SECONDS = 2.0
_SECONDS_BETWEEN_TRIES = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileObservation:
    """What can be seen of the file from outside.

    Attributes:
        signature: None where there is no file, or where it can't be seen.
        problem: Why it can't be seen.
        certain: Whether any write from now on would make another sight of it.
    """

    signature: Signature | None = None
    problem: str = ""
    certain: bool = field(default=True, compare=False)

    @property
    def identity(self) -> Identity | None:
        return None if self.signature is None else self.signature.file[:2]

    @classmethod
    def of(cls, path: Path) -> FileObservation:
        """What there is to be seen now."""
        try:
            signature = signature_of(path)
        except StoreUnreadableError as error:
            return cls(problem=str(error))
        if signature is None:
            return cls()
        certain = signature.settled(time.time_ns())
        return cls(signature=signature, certain=certain)


class TaskWatch:
    """What changes in one store, by whatever process.

    Call :meth:`poll` five or ten times a second, :meth:`refresh` when it says so, and :meth:`since`
    for what that brought: so a commit is told of within half a second. All of it may be called
    from several threads. ``poll`` waits for nothing but the file system; ``since`` neither,
    once there was a look.

    What is known: each active task, up to ``watch_rows.MAX_ACTIVE``; the newest tasks, whatever
    their status; those that :meth:`tracking` names; and those that :meth:`since` may still tell of.
    No change to these is missed, but several between two looks are told as one. Of all others
    it is known how many there are, not when an old finished one is touched.

    Args:
        store: Whose file; it is read, and never made.
        newest: How many of the newest tasks are known.
        most_events: How many changes are remembered for :meth:`since`.
    """

    def __init__(
        self, store: TaskStore, *, newest: int = NEWEST, most_events: int = MAX_EVENTS
    ) -> None:
        if newest < 1:
            raise InvalidValueError("newest", f"must be 1 or more, not {newest}")
        self._path = store.db_path
        self._newest = newest
        self._access = Access(path=self._path, busy_timeout=_BUSY_SECONDS, should_stop=None)
        self._refresh_lock = Lock()
        # Guards what follows, and is never held while the file is read.
        self._lock = Lock()
        self._log = ChangeLog(most=most_events)
        self._known: TrackedTasks | None = None
        self._store_status: StoreStatus | None = None
        self._tracked: Counter[Key] = Counter()
        self._to_be_seen: set[Key] = set()
        self._observation = FileObservation()
        self._retry_at = math.inf
        self._leave_alone_until = math.inf

    # Looking

    def poll(self) -> bool:
        """Whether it is time for a look. It opens nothing."""
        observation, now = FileObservation.of(self._path), time.monotonic()
        with self._lock:
            if self._store_status is None or self._to_be_seen or now >= self._retry_at:
                return True
            if observation == self._observation and self._observation.certain:
                return False
            if self._leave_alone_until == math.inf:
                self._leave_alone_until = now + _PATIENCE_SECONDS
            return observation.certain or now >= self._leave_alone_until

    def refresh(self) -> bool:
        """Read the file, and take down what changed. Whether anything did.

        It takes some 20 ms where 5,000 tasks of a million are active. A file that can't be read
        is no error here: :attr:`StoreStatus.trouble` says why it can't.
        """
        with self._refresh_lock:
            with self._lock:
                track = self._tracked.keys() | self._log.keys
                before = self._known
            observation, read_at = FileObservation.of(self._path), datetime.now(UTC)
            try:
                now, state = reader.read(
                    self._access, lambda session: self._see(session, before, track, observation)
                )
            except StoreError as error:
                return self._record_error(error, observation)
            store_status = StoreStatus(store=state, total=now.total, read_at=read_at)
            events = [] if before is None else tracked_tasks.diff(before, now)
            others = 0 if before is None else tracked_tasks.others(before, now, events)
            with self._lock:
                changed = self._record(events, others, store_status, observation)
                self._known = tracked_tasks.forget(now, now.untracked - self._log.keys)
                self._to_be_seen -= track
                self._retry_at = math.inf
            return changed

    def _see(
        self,
        session: Session,
        before: TrackedTasks | None,
        track: set[Key],
        observation: FileObservation,
    ) -> tuple[TrackedTasks, StoreState]:
        now = tracked_tasks.scan(
            session,
            before or tracked_tasks.NOTHING,
            newest=self._newest,
            track=track,
            identity=observation.identity,
        )
        version = session.layout.version
        return now, StoreState(path=self._path, exists=session.exists, schema_version=version)

    def _record_error(self, error: StoreError, observation: FileObservation) -> bool:
        with self._lock:
            store_status = replace(self._store_status or StoreStatus(), trouble=error)
            self._retry_at = time.monotonic() + _SECONDS_BETWEEN_TRIES
            return self._record([], 0, store_status, observation)

    def _record(
        self,
        events: list[Event],
        others: int,
        store_status: StoreStatus,
        observation: FileObservation,
    ) -> bool:
        before, self._store_status = self._store_status, store_status
        self._observation = observation
        self._leave_alone_until = math.inf
        if before is None:
            return False
        changed = bool(events) or others != 0 or not store_status.same_file_state(before)
        if changed:
            self._log.append(events, others=others, before=before)
        return changed

    # What that brought

    def since(self, cursor: str = "") -> Changes:
        """What changed from a cursor to the last look; nothing yet without one.

        Raises:
            InvalidValueError: The cursor is none of this watch, or more has changed since than
                is remembered.
        """
        with self._lock:
            store_status = self._store_status
        if store_status is None:
            self.refresh()
        with self._lock:
            return self._log.since(cursor, self._store_status or StoreStatus())

    def states(self, task_ids: Iterable[str]) -> dict[str, TaskState]:
        """Those of some tasks that were there at the last look and are known."""
        with self._lock:
            tasks = (self._known or tracked_tasks.NOTHING).tasks
        return {task_id: tasks[task_id].state for task_id in task_ids if task_id in tasks}

    # What to know

    @contextmanager
    def tracking(self, task_ids: Iterable[str]) -> Generator[None]:
        """Know these tasks too, there or not, from the next look on for as long as this lasts."""
        keys = set(task_ids)
        with self._lock:
            self._tracked.update(keys)
            self._to_be_seen |= keys
        try:
            yield
        finally:
            with self._lock:
                self._tracked.subtract(keys)
                for key in keys:
                    if not self._tracked[key]:
                        del self._tracked[key]
