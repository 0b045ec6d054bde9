"""A wait for tasks: it reads the file only after a change that concerns them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import anyio
import anyio.to_thread

from uniqc_mcp.subscriptions.watcher import ResettableEvent
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from uniqc_mcp.questions.store import ReadableStore
    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_mcp.waiting.resume import Resumption
    from uniqc_mcp.waiting.target import StatusChange, WaitedTasks, WaitTarget
    from uniqc_store import Changes, TaskState

Until = Literal["any", "all"]

SECONDS_BETWEEN_REPORTS = 5.0
"""Interval of progress reports, by which the client and its user see that the call waits."""

SECONDS_BETWEEN_TRIES = 1.0
"""Interval of attempts to read a file that cannot be read."""

_MAX_READS = 5
"""Attempts to read the tasks and their changes at one moment while others keep writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitResult:
    """The tasks and their changes at the end of a wait.

    Attributes:
        status_changes: Changes since the wait began, or since its cursor.
        tasks: The tasks now.
        cursor: Place in the change log at which the next wait begins.
        active: The active tasks at that place, as the watcher tracks them.
        condition_met: Whether the wait ended by its condition, and not by its timeout.
        consistent: False if tasks were still changing when they were last read, so that they may
            be as they were before the last of the changes.
        seconds: Duration of the wait.
    """

    status_changes: list[StatusChange]
    tasks: WaitedTasks
    cursor: str
    active: tuple[TaskState, ...]
    condition_met: bool
    consistent: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A wait that can be run.

    Attributes:
        target: The tasks to wait for.
        until: Wait until any of them changes status, or until all of them are finished.
        timeout: In seconds.
        cursor: Place in the change log from which on changes are reported; empty to begin now.
        resumption: The changes before that, where they are known otherwise.
        max_active: The most active tasks in the result.
        report: Progress callback, with the seconds waited so far. Called first without delay.
        cancelled: Called with the place at which the wait began and the active tasks there, if the
            wait is cancelled.
    """

    target: WaitTarget
    until: Until
    timeout: float
    cursor: str
    resumption: Resumption | None
    max_active: int
    report: Callable[[float], Awaitable[None]]
    cancelled: Callable[[str, tuple[TaskState, ...]], None]

    async def run(self, store: ReadableStore, watcher: StoreWatcher) -> WaitResult:
        """Wait, and return the tasks and their changes.

        Raises:
            InvalidValueError: The cursor is not one of this server's, or too old.
            StoreError: The file cannot be read at the beginning, or still cannot at the end.
        """
        changed, began = ResettableEvent(), time.monotonic()
        with watcher.watch.tracking(self.target.task_ids):
            async with watcher.listening(changed.set):
                running = _RunningWait(self, store, watcher, changed, began)
                try:
                    return await running.result()
                except anyio.get_cancelled_exc_class():
                    self.cancelled(*running.began_at)
                    raise


class _RunningWait:
    """A wait that has begun; `changed` is set after each change in the store."""

    def __init__(
        self,
        wait: Wait,
        store: ReadableStore,
        watcher: StoreWatcher,
        changed: ResettableEvent,
        began: float,
    ) -> None:
        """Take the cursor of the wait, or one for now."""
        self._wait = wait
        self._store = store
        self._watcher = watcher
        self._changed = changed
        # Before the place, so that a task that changes in between is rather told twice.
        self._active = watcher.watch.active()
        self._cursor = wait.cursor or watcher.watch.since().cursor
        self._began = self._report_at = began

    async def result(self) -> WaitResult:
        """Return the result once the condition is met or the time is up."""
        result = await self._read()
        unreadable = False
        while not result.condition_met and self._remaining > 0:
            pause = SECONDS_BETWEEN_TRIES if unreadable else SECONDS_BETWEEN_REPORTS
            changed = await self._wait_for_change(pause)
            if changed and not unreadable and not self._is_affected(result):
                continue
            try:
                result, unreadable = await self._read(), False
            except StoreError:
                if self._remaining <= 0:
                    raise
                unreadable = True
        return result

    @property
    def began_at(self) -> tuple[str, tuple[TaskState, ...]]:
        """The place in the change log from which on changes are reported, and the active tasks."""
        return self._cursor, self._active

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    @property
    def _remaining(self) -> float:
        return self._wait.timeout - self._elapsed

    async def _wait_for_change(self, seconds: float) -> bool:
        """Return whether the store changed within so many seconds."""
        if time.monotonic() >= self._report_at:
            self._report_at += SECONDS_BETWEEN_REPORTS
            await self._wait.report(self._elapsed)
        changed = False
        with anyio.move_on_after(min(self._remaining, seconds)):
            await self._changed.wait()
            changed = True
        self._changed.clear()
        return changed

    def _is_affected(self, result: WaitResult) -> bool:
        """Return whether a result is outdated, without reading the file."""
        changes = self._watcher.watch.since(self._cursor)
        return changes.file_changed or self._status_changes(changes) != result.status_changes

    def _status_changes(self, changes: Changes) -> list[StatusChange]:
        """Return the changes, with those from before this process knew of any."""
        status_changes = self._wait.target.status_changes(changes)
        resumption = self._wait.resumption
        if resumption is None:
            return status_changes
        known = {change.state.task_id for change in status_changes}
        earlier = (one for one in resumption.changes if one.state.task_id not in known)
        return [*status_changes, *earlier]

    def _are_same(self, before: Changes, after: Changes) -> bool:
        """Return whether nothing that concerns this wait came between two states of the log."""
        if before.cursor == after.cursor:
            return True
        return not after.file_changed and (
            self._status_changes(before) == self._status_changes(after)
        )

    async def _read(self) -> WaitResult:
        """Return the tasks and their changes, both as they were at one moment.

        Tasks that change meanwhile are read again, but not once the time is up.
        """
        watch, wait, consistent = self._watcher.watch, self._wait, False
        # Before the changes: a task that changes in between is then told twice, but never lost.
        active, changes = watch.active(), watch.since(self._cursor)
        tasks = await self._read_tasks()
        for _ in range(_MAX_READS):
            before = changes
            await self._watcher.refresh()
            active, changes = watch.active(), watch.since(self._cursor)
            consistent = self._are_same(before, changes)
            if consistent or self._remaining <= 0:
                break
            tasks = await self._read_tasks()
        status_changes = self._status_changes(changes)
        differs = wait.resumption is not None and wait.resumption.differs
        any_changed = wait.until == "any" and (bool(status_changes) or differs)
        return WaitResult(
            status_changes=status_changes,
            tasks=tasks,
            cursor=changes.cursor,
            active=tuple(filter(wait.target.includes, active)),
            condition_met=not tasks.may_finish or any_changed,
            consistent=consistent,
            seconds=self._elapsed,
        )

    async def _read_tasks(self) -> WaitedTasks:
        wait = self._wait
        return await anyio.to_thread.run_sync(
            lambda: self._store.read(
                lambda snapshot: wait.target.tasks(snapshot, max_active=wait.max_active)
            )
        )
