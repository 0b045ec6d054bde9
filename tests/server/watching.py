"""Helpers for the tests of waiting and subscriptions."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from uniqc_mcp.server import watch_of
from uniqc_mcp.subscriptions.watcher import StoreWatcher
from uniqc_store import JsonValue, TaskInfo, TaskStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from tests.server.conftest import Cache

PATIENCE = 120.0
"""Seconds after which a test stops waiting and fails. A busy machine starts Python in 25 s."""

_WATCH_NAME = StoreWatcher._watch.__qualname__  # pyright: ignore[reportPrivateUsage] - its task

A_WHILE = 0.4
"""Seconds in which the watcher polls several times and would report any change."""


def uniqc(cache: Cache, **statuses: str) -> TaskStore:
    """Return another program's store on the same file, with these tasks saved."""
    store = TaskStore(cache.directory)
    for task_id, status in statuses.items():
        save(store, task_id, status)
    return store


def save(store: TaskStore, task_id: str, status: str, *, name: str = "", backend: str = "") -> None:
    metadata: dict[str, JsonValue] = {"task_name": name} if name else {}
    store.save(TaskInfo(task_id, backend or "originq:WK_C180", status=status, metadata=metadata))


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds."""
    with anyio.fail_after(PATIENCE):
        while not condition():
            await anyio.sleep(0.01)


def watchers() -> int:
    """Return the number of watchers that run in this event loop."""
    names = (task.name or "" for task in anyio.get_running_tasks())
    return sum(name.endswith(_WATCH_NAME) for name in names)


async def until_noticed(live: StoreWatcher, cursor: str) -> None:
    """Wait until the watcher finds a change after this cursor."""
    await until(lambda: live.watch.since().cursor != cursor)


async def until_nobody_watches() -> None:
    await until(lambda: not watchers())
    await until(lambda: not anyio.to_thread.current_default_thread_limiter().borrowed_tokens)


@asynccontextmanager
async def running(cache: Cache) -> AsyncGenerator[StoreWatcher]:
    """Run a watcher as a server does."""
    live = StoreWatcher(partial(watch_of, cache.store))
    async with live.running():
        yield live
