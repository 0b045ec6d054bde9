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

    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_mcp.waiting.target import StatusChange, WaitedTasks, WaitTarget
    from uniqc_store import TaskStore

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
        cursor: Cursor for the next wait.
        condition_met: Whether the wait ended by its condition, and not by its timeout.
        seconds: Duration of the wait.
    """

    status_changes: list[StatusChange]
    tasks: WaitedTasks
    cursor: str
    condition_met: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A wait that can be run.

    Attributes:
        target: The tasks to wait for.
        until: Wait until any of them changes status, or until all of them are finished.
        timeout: In seconds.
        cursor: Cursor of an earlier wait, whose changes are not reported again; empty to begin now.
        max_active: The most active tasks in the result.
        report: Progress callback, with the seconds waited so far. Called first without delay.
    """

    target: WaitTarget
    until: Until
    timeout: float
    cursor: str
    max_active: int
    report: Callable[[float], Awaitable[None]]

    async def run(self, store: TaskStore, watcher: StoreWatcher) -> WaitResult:
        """Wait, and return the tasks and their changes.

        Raises:
            InvalidValueError: The cursor is not one of this server's, or too old.
            StoreError: The file cannot be read at the beginning, or still cannot at the end.
        """
        changed, began = ResettableEvent(), time.monotonic()
        with watcher.watch.tracking(self.target.task_ids):
            async with watcher.listening(changed.set):
                return await _RunningWait(self, store, watcher, changed, began).result()


class _RunningWait:
    """A wait that has begun; `changed` is set after each change in the store."""

    def __init__(
        self,
        wait: Wait,
        store: TaskStore,
        watcher: StoreWatcher,
        changed: ResettableEvent,
        began: float,
    ) -> None:
        """Take the cursor of the wait, or one for now."""
        self._wait = wait
        self._store = store
        self._watcher = watcher
        self._changed = changed
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
        return (
            changes.file_changed
            or self._wait.target.status_changes(changes) != result.status_changes
        )

    async def _read(self) -> WaitResult:
        """Return the tasks and their changes, both as they were at one moment."""
        changes = self._watcher.watch.since(self._cursor)
        tasks = await self._read_tasks()
        for _ in range(_MAX_READS):
            cursor = changes.cursor
            await self._watcher.refresh()
            changes = self._watcher.watch.since(self._cursor)
            if changes.cursor == cursor:
                break
            tasks = await self._read_tasks()
        status_changes = self._wait.target.status_changes(changes)
        any_changed = self._wait.until == "any" and bool(status_changes)
        return WaitResult(
            status_changes=status_changes,
            tasks=tasks,
            cursor=changes.cursor,
            condition_met=not tasks.may_finish or any_changed,
            seconds=self._elapsed,
        )

    async def _read_tasks(self) -> WaitedTasks:
        wait = self._wait
        return await anyio.to_thread.run_sync(
            lambda: self._store.read(
                lambda snapshot: wait.target.tasks(snapshot, max_active=wait.max_active)
            )
        )
