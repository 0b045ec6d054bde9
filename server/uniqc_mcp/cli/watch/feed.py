"""The events of a store in order, and the tasks that are active meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from uniqc_mcp.cli.watch.events import Event
from uniqc_mcp.errors import explain_store_error
from uniqc_mcp.records.progress import NO_PLATFORM_JOB
from uniqc_mcp.records.related_rows import MAX_LOOKED_UP, EndedTasks
from uniqc_mcp.responses.times import utc_now
from uniqc_store import StoreError, StoreStatus, TaskFilter, TaskState, TaskWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from uniqc_mcp.cli.watch.events import Kind
    from uniqc_store import Changes, Snapshot, TaskRecord, TaskStore

MAX_NEWEST_TASKS = 50
"""Newest tasks that are tracked, active or not. Every refresh reads them all."""

MAX_CHANGES = 1
"""Changes that the watch remembers. One suffices: the feed asks after every refresh."""

MAX_ACTIVE_TASKS = 20_000
"""Active tasks that are read when a feed starts."""


class EventFeed:
    """The events of one store, for a caller that polls."""

    def __init__(
        self, store: TaskStore, *, backend: str = "", clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Prepare to follow a store; nothing is read yet.

        ``without_job`` has the ids of active tasks that never reached a platform, as of the last
        refresh; it is empty where so many are active that looking each up would take long.

        Args:
            store: The store. It is only read.
            backend: The label or platform whose tasks have events; empty for all.
            clock: The source of the current time.
        """
        self.store = store
        self.filter = TaskFilter(backend=backend)
        self.store_status = StoreStatus()
        self._active_filter = TaskFilter(status="active", backend=backend)
        self._clock = clock
        self._watch = TaskWatch(store, newest=MAX_NEWEST_TASKS, max_events=MAX_CHANGES)
        self.without_job: frozenset[str] = frozenset()
        self._active: dict[str, TaskState] = {}
        self._cursor = ""
        self._problem = ""
        self._started = False
        self._start_failed = False
        self._had_file = False
        self._has_matched = False

    @property
    def active(self) -> Mapping[str, TaskState]:
        """The active tasks by their ids."""
        return self._active

    def events(self) -> list[Event]:
        """Return the events since the last call. An unchanged file is not opened."""
        if not (self._watch.poll() or self._start_failed):
            return []
        self._watch.refresh()
        changes = self._watch.since(self._cursor)
        self._cursor = changes.cursor
        self.store_status = changes.store_status
        if trouble := self.store_status.trouble:
            return self._trouble(trouble)
        store = self.store_status.store
        self._had_file = self._had_file or (store is not None and store.exists)
        if self._started:
            return self._with_remarks(list(self._events_of(changes)))
        try:
            return self._with_remarks([self._start()])
        except StoreError as error:
            self._start_failed = True
            return self._trouble(error)

    def is_idle(self) -> bool:
        """Return True if certainly no task is active, in a file that exists or existed."""
        if self._active or not (self._started and self._had_file) or self.store_status.trouble:
            return False
        try:
            # The feed knows at most MAX_ACTIVE_TASKS, so others may still be active. A file without
            # a table of tasks tells of none, as while it is copied.
            return self.store.read(
                lambda snapshot: (
                    not snapshot.state.blank and snapshot.count(self._active_filter) == 0
                )
            )
        except StoreError:
            return False

    def has_matched(self) -> bool:
        """Return True if any task is or was on the backend; a filter without one matches all.

        A task may be in uniqc's archive, or gone since this feed began.
        """
        if self._has_matched or not self.filter.backend:
            return True
        try:
            self._has_matched = self.store.read(
                lambda snapshot: (
                    snapshot.count(self.filter) > 0 or snapshot.archived(self.filter) > 0
                )
            )
        except StoreError:
            return True  # what can't be read is not known to be wrong
        return self._has_matched

    def _with_remarks(self, events: list[Event]) -> list[Event]:
        """Return the events with shots, reasons of failures and notes on platform jobs."""
        told = [task for event in events for task in event.active]
        told += [event.task for event in events if event.task and event.kind != "gone"]
        ids = list(dict.fromkeys(task.task_id for task in told))

        def read(snapshot: Snapshot) -> tuple[EndedTasks, frozenset[str]]:
            few = len(self._active) <= MAX_LOOKED_UP
            stuck = (
                snapshot.ids_without_job(self._active_filter, limit=MAX_LOOKED_UP) if few else ()
            )
            return EndedTasks.read(snapshot, ids[:MAX_NEWEST_TASKS]), frozenset(stuck)

        try:
            now, self.without_job = self.store.read(read)
        except StoreError:
            return events  # the next refresh reports it
        remarks = {i: now.related.remarks(record) for i, record in now.records.items()}
        errors = {task_id: remark.error for task_id, remark in remarks.items()}
        notes = {task_id: remark.note for task_id, remark in remarks.items()}
        notes.update(dict.fromkeys(self.without_job, NO_PLATFORM_JOB))
        shots = _shots_of(now.records.values())
        return [
            replace(event, errors=errors, notes=notes, shots={**event.shots, **shots})
            for event in events
        ]

    def _start(self) -> Event:
        # The page may be newer than the cursor; `_update` then skips what it has already.
        page = self.store.search(self._active_filter, limit=MAX_ACTIVE_TASKS)
        self._active = {record.task_id: _active_state(record) for record in page.records}
        self._has_matched = bool(self._active)
        self._started = True
        self._start_failed = False
        self._problem = ""
        shots = _shots_of(page.records)
        return self._event("started", active=tuple(self._active.values()), shots=shots)

    def _trouble(self, error: StoreError) -> list[Event]:
        problem = explain_store_error(error)
        if problem == self._problem:
            return []
        self._problem = problem
        return [self._event("trouble", problem=problem)]

    def _events_of(self, changes: Changes) -> Iterator[Event]:
        if changes.file_changed or changes.untracked_delta or self._problem:
            self._problem = ""
            yield self._event("store", others=changes.untracked_delta)
        for state in self._update(reversed(changes.new)):
            yield self._event("new", task=state)
        before = {change.after.task_id: change.before for change in changes.changed}
        for state in self._update(change.after for change in reversed(changes.changed)):
            previous = before[state.task_id]
            yield self._event("changed", task=state, before=previous.status if previous else "")
        for gone in reversed(changes.gone):
            self._active.pop(gone.last.task_id, None)
            if self._matches(gone.last):
                before_status = gone.before.status if gone.before else ""
                yield self._event(
                    "gone", task=gone.last, before=before_status, archived=gone.archived
                )

    def _update(self, states: Iterable[TaskState]) -> Iterator[TaskState]:
        """Update the active tasks, and yield the states that match and were not known."""
        for state in states:
            if not self._matches(state) or self._active.get(state.task_id) == state:
                continue
            self._has_matched = True
            if state.active:
                self._active[state.task_id] = state
            else:
                self._active.pop(state.task_id, None)
            yield state

    def _matches(self, state: TaskState) -> bool:
        return self.filter.matches(
            status=state.status,
            backend=state.backend,
            name=state.name,
            submit_time=state.submit_time,
        )

    def _event(
        self,
        kind: Kind,
        *,
        task: TaskState | None = None,
        before: str = "",
        archived: bool = False,
        active: tuple[TaskState, ...] = (),
        shots: Mapping[str, int] | None = None,
        others: int = 0,
        problem: str = "",
    ) -> Event:
        return Event(
            kind=kind,
            at=self._clock(),
            store_status=self.store_status,
            task=task,
            before=before,
            archived=archived,
            active=active,
            shots=shots or {},
            others=others,
            problem=problem,
        )


def _shots_of(records: Iterable[TaskRecord]) -> dict[str, int]:
    """Return the shots by id, where they are recorded."""
    known = ((record.task_id, record.known_shots) for record in records)
    return {task_id: shots for task_id, shots in known if shots is not None}


def _active_state(record: TaskRecord) -> TaskState:
    return TaskState(
        task_id=record.task_id,
        backend=record.backend,
        name=record.name,
        status=record.status,
        active=True,
        submit_time=record.submit_time,
        update_time=record.update_time,
    )
