"""A watch on the tasks that a viewer may see, by the revisions of their stores.

Every transaction that changes a store raises its revision by one, under a lock, and marks the
tasks that it changed with it. So the tasks with a later revision than the one seen last are
exactly those that changed, whoever wrote them and whichever server is asked.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.store import revisions
from uniqc_mcp.lab.store.known import Known, after, compared, hidden
from uniqc_mcp.lab.store.scope import Scope
from uniqc_mcp.lab.store.session import Session
from uniqc_store import ChangeLog, StoreError, StoreStatus, TaskEvent

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.database.viewer import Viewer
    from uniqc_store import Changes, TaskState

_MAX_EVENTS: Final = 10_000
"""Most events that a cursor may be behind."""

_SECONDS_BETWEEN_READS: Final = 0.25
"""Pause between two reads of the revisions: 0.5 ms of the database for 500 stores."""

_SECONDS_BETWEEN_TRIES: Final = 1.0
"""Pause after a read that failed."""


class LabWatch:
    """The changes in the tasks of a scope; a ``questions.StoreWatch``.

    Args:
        database: The database.
        viewer: The person who asks.
        owner: As in ``LabStore``.
        store: As in ``LabStore``.
    """

    def __init__(
        self, database: Database, viewer: Viewer, *, owner: str = "", store: str = ""
    ) -> None:
        """Prepare the watch without reading."""
        self._database = database
        self._scope = Scope(viewer=viewer, owner=owner, store=store)
        self._refresh_lock = Lock()
        # Guards the attributes below, and is never held while the database is read.
        self._lock = Lock()
        self._log = ChangeLog(max_events=_MAX_EVENTS)
        self._known: Known | None = None
        self._status: StoreStatus | None = None
        self._tracked: Counter[str] = Counter()
        self._read_at = 0.0
        self._viewer_changes = 0

    def view(self, viewer: Viewer) -> None:
        """Watch the tasks of another viewer from the next refresh on; cursors stay valid.

        Tasks that come in sight by that are no changes, and nothing is told of those that are no
        longer in sight.
        """
        with self._refresh_lock:
            if viewer != self._scope.viewer:
                self._scope = replace(self._scope, viewer=viewer)
                self._viewer_changes += 1

    def poll(self) -> bool:
        """Return whether it is time to call :meth:`refresh`, without asking the database."""
        with self._lock:
            failed = self._status is not None and self._status.trouble is not None
            pause = _SECONDS_BETWEEN_TRIES if failed else _SECONDS_BETWEEN_READS
            return self._status is None or time.monotonic() - self._read_at >= pause

    def refresh(self) -> bool:
        """Read the revisions and what changed; return whether anything did.

        A database that can't be reached is no error here: the status has the reason.
        """
        with self._refresh_lock:
            known, tracked = self._known, set(self._tracked)
            began = datetime.now(UTC)
            seen = None if known is None else known.revisions
            other = known is not None and known.viewer != self._scope.viewer
            asked = tracked if known is None or other else tracked - known.asked
            try:
                scan = self._database.read(
                    self._scope.viewer,
                    lambda now: revisions.scan(
                        Session(now, self._scope), seen, asked, other_viewer=other
                    ),
                )
            except StoreError as error:
                return self._record_error(error)
            status = StoreStatus(
                store=scan.state,
                total=scan.total,
                read_at=began,
                viewer_changes=self._viewer_changes,
            )
            events, delta = compared(known, scan)
            unseen = hidden(known, scan)
            with self._lock:
                if unseen:
                    self._log.forget(lambda key: str(key).startswith(unseen))
                self._known = after(
                    known, scan, tracked, keep=self._log.keys, viewer=self._scope.viewer
                )
                return self._record(events, delta, status)

    def since(self, cursor: str = "") -> Changes:
        """Return the changes from a cursor to the last refresh; no changes without a cursor.

        Raises:
            InvalidValueError: The cursor is not one of this watch, or too many changes followed
                it to be kept.
        """
        with self._lock:
            never_read = self._status is None
        if never_read:
            self.refresh()
        with self._lock:
            return self._log.since(cursor, self._status or StoreStatus())

    def active(self) -> tuple[TaskState, ...]:
        """Return the active tasks as of the last refresh."""
        with self._lock:
            states = self._known.states.values() if self._known else ()
            return tuple(state for state in states if state.active)

    @contextmanager
    def tracking(self, task_ids: Iterable[str]) -> Generator[None]:
        """Track these tasks too, whether they exist or not, until the context is left."""
        ids = set(task_ids)
        with self._lock:
            self._tracked.update(ids)
            self._read_at = 0.0
        try:
            yield
        finally:
            with self._lock:
                self._tracked.subtract(ids)
                self._tracked = +self._tracked

    def _record_error(self, error: StoreError) -> bool:
        with self._lock:
            return self._record([], 0, replace(self._status or StoreStatus(), trouble=error))

    def _record(self, events: list[TaskEvent], delta: int, status: StoreStatus) -> bool:
        before, self._status = self._status, status
        self._read_at = time.monotonic()
        if before is None:
            return False
        changed = bool(events) or delta != 0 or not status.same_file_state(before)
        if changed:
            self._log.append(events, untracked_delta=delta, before=before)
        return changed
