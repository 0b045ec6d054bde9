"""The one watcher of the store, which runs only while somebody listens."""

from __future__ import annotations

import logging
import time
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from anyio.abc import TaskGroup

    from uniqc_mcp.questions.store import StoreWatch

SECONDS_BETWEEN_POLLS = 0.1
"""Interval of polls, by which a commit is noticed within half a second.

A poll takes some 10 microseconds.
"""

_PAUSE_RATIO = 12
"""Pause after a refresh, as a multiple of the processor time that it took.

A refresh of 10^5 tasks takes 17 ms. While another process commits all the time, each poll would
lead to one: with this pause they take at most 1/13 of the time, or 8 %, and without it 15 %.
"""

_SECONDS_AFTER_FAULT = 5.0
"""Pause after an exception that is a fault of this server, so that its log stays readable."""

MAX_EVENTS = 2_000
"""Changes that a cursor may be behind. Each refresh reads the tasks of all of them."""

logger = logging.getLogger(__name__)


class ResettableEvent:
    """An ``anyio.Event`` that can be cleared.

    Clear it before reading what it stands for. Then a change during the read is not missed.
    """

    def __init__(self) -> None:
        """Make an event that is not set."""
        self._event = anyio.Event()

    def set(self) -> None:
        """Wake all who wait, now or later, until the event is cleared."""
        self._event.set()

    def clear(self) -> None:
        """Make later calls of :meth:`wait` wait for the next :meth:`set`."""
        self._event = anyio.Event()

    async def wait(self) -> None:
        """Return once the event is set."""
        await self._event.wait()


class StoreWatcher:
    """The watcher that all waits and subscriptions of a server share.

    Args:
        make_watch: Returns the store's own watch. Called once, when somebody listens first.
    """

    def __init__(self, make_watch: Callable[[], StoreWatch]) -> None:
        """Make a watcher; it watches nothing yet."""
        self._make_watch = make_watch
        self._listeners: dict[object, Callable[[], None]] = {}
        self._group: TaskGroup | None = None
        self._watching = False
        self._refresh_lock = anyio.Lock()
        self._refreshes = 0
        self._spent = 0.0

    @cached_property
    def watch(self) -> StoreWatch:
        """The store's own watch, with the changes since a cursor."""
        return self._make_watch()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run the tasks of this watcher until the context is left, which cancels them."""
        failure: Exception | None = None
        try:
            async with anyio.create_task_group() as self._group:
                try:
                    yield
                except Exception as error:  # raised below, as the group would wrap it
                    failure = error
                finally:
                    self._group.cancel_scope.cancel()
        finally:
            # Not sooner: a listener that came during a refresh still starts a task.
            self._group = None
        if failure is not None:
            raise failure

    def run_in(self, tasks: TaskGroup) -> None:
        """Run the tasks of this watcher in a group that somebody else enters and cancels."""
        self._group = tasks

    @asynccontextmanager
    async def listening(self, on_change: Callable[[], None]) -> AsyncGenerator[None]:
        """Call back on the event loop after each refresh that found a change.

        The file's state when the context is entered is the one that changes are compared with.
        """
        # `poll` skips a file that was written a moment ago, and an earlier change would then be
        # reported as a later one. So the file is read.
        await self.refresh()
        listener = object()
        self._listeners[listener] = on_change
        try:
            if not self._watching:
                self.tasks.start_soon(self._watch)
                self._watching = True
            yield
        finally:
            del self._listeners[listener]

    @property
    def tasks(self) -> TaskGroup:
        """The group of tasks that end with the server."""
        if self._group is None:
            raise RuntimeError("the server does not run")
        return self._group

    async def refresh(self) -> None:
        """Read the file now, whether or not it seems to have changed.

        Callers that come during a refresh wait for it and share one more, as the running one may
        have read too early.
        """
        wanted = self._refreshes + 1
        async with self._refresh_lock:
            if self._refreshes >= wanted:
                return
            self._refreshes += 1
            if await anyio.to_thread.run_sync(self._refresh):
                for on_change in list(self._listeners.values()):
                    on_change()

    def _refresh(self) -> bool:
        """Read the file, and add to what refreshes cost since the last pause."""
        began = time.thread_time()
        try:
            return self.watch.refresh()
        finally:
            self._spent += time.thread_time() - began

    def _next_pause(self) -> float:
        """Return the time until the next poll, in proportion to what refreshes cost since."""
        spent, self._spent = self._spent, 0.0
        return max(SECONDS_BETWEEN_POLLS, _PAUSE_RATIO * spent)

    async def _watch(self) -> None:
        try:
            while self._listeners:
                await anyio.sleep(self._next_pause())
                if self._listeners:
                    await self._refresh_if_changed()
        finally:
            self._watching = False

    async def _refresh_if_changed(self) -> None:
        try:
            # A poll opens no file and is fast enough for the event loop; a refresh may not be.
            if self.watch.poll():
                await self.refresh()
        except Exception:
            # It would end the task group, and with it every call of every tool.
            logger.exception("the store could not be watched; trying again")
            await anyio.sleep(_SECONDS_AFTER_FAULT)
