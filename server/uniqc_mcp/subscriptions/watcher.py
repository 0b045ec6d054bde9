"""Watching the store while somebody listens, and not a moment longer."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from anyio.abc import TaskGroup

    from uniqc_store import TaskStore, TaskWatch

SECONDS_BETWEEN_POLLS = 0.1
"""A commit is told of within half a second. A poll takes some 10 microseconds."""

MAX_EVENTS = 2_000
"""What a cursor may be behind. The tasks of all of these are looked up in each look."""


class ResettableEvent:
    """Rung by the watcher; one who waits hears it, whether it rings before or after.

    Silence it before looking at what it may have rung for, so that nothing is missed.
    """

    def __init__(self) -> None:
        self._rung = anyio.Event()

    def set(self) -> None:
        self._rung.set()

    def clear(self) -> None:
        self._rung = anyio.Event()

    async def wait(self) -> None:
        await self._rung.wait()


class StoreWatcher:
    """One watcher for all who listen.

    Args:
        store: What is watched.
    """

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._listeners: dict[object, Callable[[], None]] = {}
        self._group: TaskGroup | None = None
        self._watching = False
        self._turn = anyio.Lock()
        self._looks = 0

    @cached_property
    def watch(self) -> TaskWatch:
        """What sees the changes. Ask it what they were."""
        # Imported once somebody listens: a server starts the sooner without it.
        from uniqc_store import TaskWatch  # noqa: PLC0415

        return TaskWatch(self._store, max_events=MAX_EVENTS)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """As long as the server runs."""
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
            # Not sooner: who began to listen while a look was going on still starts a task.
            self._group = None
        if failure is not None:
            raise failure

    @asynccontextmanager
    async def listening(self, told: Callable[[], None]) -> AsyncGenerator[None]:
        """Be told, on the event loop, of each look that found a change from here on.

        The state of the file at the beginning is known when this is entered.
        """
        # Not by a poll: that leaves a file alone for a moment which was written just now, and
        # what changed before would be told as what changed since.
        await self.refresh()
        listener = object()
        self._listeners[listener] = told
        try:
            if not self._watching:
                self.tasks.start_soon(self._watch)
                self._watching = True
            yield
        finally:
            del self._listeners[listener]

    @property
    def tasks(self) -> TaskGroup:
        """What is started in here ends with the server."""
        if self._group is None:
            raise RuntimeError("the server does not run")
        return self._group

    async def refresh(self) -> None:
        """Look at the file now, whether or not it seems to have changed.

        Those who ask while a look is going on share the next one.
        """
        wanted = self._looks + 1
        async with self._turn:
            if self._looks >= wanted:
                return
            self._looks += 1
            if await anyio.to_thread.run_sync(self.watch.refresh):
                for told in list(self._listeners.values()):
                    told()

    async def _watch(self) -> None:
        try:
            while self._listeners:
                await anyio.sleep(SECONDS_BETWEEN_POLLS)
                # It opens nothing, and is quick enough for the event loop; a look may not be.
                if self._listeners and self.watch.poll():
                    await self.refresh()
        finally:
            self._watching = False
