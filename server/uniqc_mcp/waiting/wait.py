"""Waiting for tasks without asking again and again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import anyio
import anyio.to_thread

from uniqc_mcp.subscriptions.watcher import ResettableEvent
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_store import (
        Changes,
        Snapshot,
        StoreState,
        TaskChange,
        TaskFilter,
        TaskGone,
        TaskRecord,
        TaskState,
        TaskStore,
    )

Until = Literal["any", "all"]
StatusChange: TypeAlias = "TaskChange | TaskGone"

SECONDS_BETWEEN_REPORTS = 5.0
"""So that the client, and its user, see that the call waits."""

SECONDS_BETWEEN_TRIES = 1.0
"""To read a file that can't be read."""

_MAX_READS = 5
"""To see the tasks and what changed as they were at one moment, while others write on and on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitedTasks:
    """How the tasks that are waited for stand.

    Attributes:
        active: The newest of those that are active.
        total: How many are.
        finished: The others, where ids were given.
        state: The file that was read.
    """

    active: tuple[TaskRecord, ...]
    total: int
    finished: tuple[TaskRecord, ...]
    state: StoreState


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTarget:
    """Which tasks are waited for.

    Attributes:
        task_ids: uniqc's ids; none for all that the filter lets through.
        task_filter: Lets active tasks through only.
    """

    task_ids: frozenset[str]
    task_filter: TaskFilter

    def tasks(self, snapshot: Snapshot, *, most: int) -> WaitedTasks:
        """How they stand now, with so many of the active ones."""
        if not self.task_ids:
            page = snapshot.search(self.task_filter, limit=most)
            return WaitedTasks(
                active=page.records, total=page.total, finished=(), state=snapshot.state
            )
        records = sorted(self._records(snapshot), key=_submitted, reverse=True)
        active = [record for record in records if _is_active(record)]
        return WaitedTasks(
            active=tuple(active[:most]),
            total=len(active),
            finished=tuple(record for record in records if not _is_active(record)),
            state=snapshot.state,
        )

    def status_changes(self, changes: Changes) -> list[StatusChange]:
        """Those whose status changed, that are gone, or that came and finished meanwhile."""
        return list(self._status_changes(changes))

    def _records(self, snapshot: Snapshot) -> Iterator[TaskRecord]:
        for task_id in self.task_ids:
            for match in snapshot.find(task_id).found:
                # Of one that is gone, the id may be what another's begins with.
                if match.task_id == task_id:
                    yield snapshot.record(match)

    def _status_changes(self, changes: Changes) -> Iterator[StatusChange]:
        from uniqc_store import TaskChange  # noqa: PLC0415 - nobody may ever wait

        for change in changes.changed:
            if change.status_changed and self._includes(change.after, change.before):
                yield change
        for state in changes.new:
            if not state.active and self._includes(state, None):
                yield TaskChange(before=None, after=state)
        for gone in changes.gone:
            if self._includes(gone.last, gone.before):
                yield gone

    def _includes(self, state: TaskState, before: TaskState | None) -> bool:
        if self.task_ids:
            return state.task_id in self.task_ids
        wanted = self.task_filter
        was_active = before is None or before.active
        return (
            (was_active or state.active)
            and wanted.matches_backend(state.backend)
            and wanted.matches_name(state.name)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitResult:
    """What was seen at the end of a wait.

    Attributes:
        moved: What changed since it began, or since its cursor.
        standing: How the tasks stand.
        cursor: For the next wait.
        in_time: Whether what was waited for happened.
        seconds: How long it took.
    """

    status_changes: list[StatusChange]
    tasks: WaitedTasks
    cursor: str
    in_time: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What to wait for.

    Attributes:
        awaited: Which tasks.
        until: Any of them changes status, or all of them are finished.
        timeout: Seconds.
        cursor: What was known already; empty to begin now.
        most: Active tasks to tell of.
        report: Called at once and now and then, with the seconds waited so far.
    """

    target: WaitTarget
    until: Until
    timeout: float
    cursor: str
    most: int
    report: Callable[[float], Awaitable[None]]

    async def result(self, store: TaskStore, watcher: StoreWatcher) -> WaitResult:
        """Wait.

        Raises:
            InvalidValueError: The cursor is none of this server's, or too old.
            StoreError: The file can't be read at the beginning, or still can't at the end.
        """
        event, began = ResettableEvent(), time.monotonic()
        with watcher.watch.tracking(self.target.task_ids):
            async with watcher.listening(event.set):
                return await _Waiting(self, store, watcher, event, began).result()


class _Waiting:
    """A wait that has begun."""

    def __init__(
        self,
        wait: Wait,
        store: TaskStore,
        watcher: StoreWatcher,
        event: ResettableEvent,
        began: float,
    ) -> None:
        self._wait = wait
        self._store = store
        self._watcher = watcher
        self._event = event
        self._cursor = wait.cursor or watcher.watch.since().cursor
        self._began = self._report_at = began

    async def result(self) -> WaitResult:
        result = await self._see()
        trouble = False
        while not result.in_time and self._left > 0:
            rung = await self._pause(SECONDS_BETWEEN_TRIES if trouble else SECONDS_BETWEEN_REPORTS)
            if rung and not trouble and not self._concerns(result):
                continue
            try:
                result, trouble = await self._see(), False
            except StoreError:
                if self._left <= 0:
                    raise
                trouble = True
        return result

    @property
    def _waited(self) -> float:
        return time.monotonic() - self._began

    @property
    def _left(self) -> float:
        return self._wait.timeout - self._waited

    async def _pause(self, seconds: float) -> bool:
        """Until the bell rings, if it does; whether it did."""
        if time.monotonic() >= self._report_at:
            self._report_at += SECONDS_BETWEEN_REPORTS
            await self._wait.report(self._waited)
        rung = False
        with anyio.move_on_after(min(self._left, seconds)):
            await self._event.wait()
            rung = True
        self._event.clear()
        return rung

    def _concerns(self, result: WaitResult) -> bool:
        """Whether it rang for these tasks: to read the file each time others move is too much."""
        changes = self._watcher.watch.since(self._cursor)
        return (
            changes.file_changed
            or self._wait.target.status_changes(changes) != result.status_changes
        )

    async def _see(self) -> WaitResult:
        """The tasks and what changed, both as they were at one moment."""
        changes = self._watcher.watch.since(self._cursor)
        tasks = await self._stand()
        for _ in range(_MAX_READS):
            cursor = changes.cursor
            await self._watcher.refresh()
            changes = self._watcher.watch.since(self._cursor)
            if changes.cursor == cursor:
                break
            tasks = await self._stand()
        status_changes = self._wait.target.status_changes(changes)
        return WaitResult(
            status_changes=status_changes,
            tasks=tasks,
            cursor=changes.cursor,
            in_time=not tasks.total or (self._wait.until == "any" and bool(status_changes)),
            seconds=self._waited,
        )

    async def _stand(self) -> WaitedTasks:
        return await anyio.to_thread.run_sync(
            lambda: self._store.read(
                lambda snapshot: self._wait.target.tasks(snapshot, most=self._wait.most)
            )
        )


def _submitted(record: TaskRecord) -> tuple[str, str]:
    return record.submit_time, record.task_id


def _is_active(record: TaskRecord) -> bool:
    return not record.finished and record.archived_at is None
