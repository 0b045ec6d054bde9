"""The watchers of a laboratory's server: one for each part that somebody listens to."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import anyio

from uniqc_mcp.subscriptions.watcher import StoreWatcher

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from anyio.abc import TaskGroup

    from uniqc_mcp.lab.answers.stores import LabStores, Selection


class Watchers:
    """The watchers, each shared by the waits and subscriptions of one person on one selection.

    A watcher lives as long as somebody has it, since those of 500 people are of no use to others.

    Args:
        stores: The stores of the laboratory.
    """

    def __init__(self, stores: LabStores) -> None:
        """Begin without any."""
        self._stores = stores
        self._tasks: TaskGroup | None = None
        self._watchers: WeakValueDictionary[tuple[str, Selection], StoreWatcher]
        self._watchers = WeakValueDictionary()

    def watcher(self, requester: str, selection: Selection) -> StoreWatcher:
        """Return the watcher of what a person may see, or of a part of that."""
        if self._tasks is None:
            raise RuntimeError("the server does not run")
        key = (requester, selection)
        watcher = self._watchers.get(key)
        if watcher is None:
            watcher = StoreWatcher(partial(self._stores.watch, *key))
            watcher.run_in(self._tasks)
            self._watchers[key] = watcher
        return watcher

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Let watchers run until the context is left, which cancels them."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                self._tasks = None
