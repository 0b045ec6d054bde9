"""The watcher runs while there are listeners and survives any state of the file."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.server.watching import (
    A_WHILE,
    PATIENCE,
    running,
    save,
    uniqc,
    until,
    until_nobody_watches,
    watchers,
)

from uniqc_mcp.server import watch_of
from uniqc_mcp.subscriptions.watcher import ResettableEvent, StoreWatcher
from uniqc_store import StoreStatus, TaskStore, TaskWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Cache


class CountingWatch(TaskWatch):
    """A watch that counts its polls and refreshes."""

    def __init__(self, store: TaskStore) -> None:
        super().__init__(store)
        self.polls = self.refreshes = 0

    def poll(self) -> bool:
        self.polls += 1
        return super().poll()

    def refresh(self) -> bool:
        self.refreshes += 1
        return super().refresh()


class CountingWatcher(StoreWatcher):
    def __init__(self, store: TaskStore) -> None:
        self.counting = CountingWatch(store)
        super().__init__(lambda: self.counting)


async def test_a_listener_is_called_for_a_later_change(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    async with running(cache) as watcher:
        event = ResettableEvent()
        async with watcher.listening(event.set):
            cursor = watcher.watch.since().cursor
            save(other, "a", "success")
            with anyio.fail_after(PATIENCE):
                await event.wait()
            assert watcher.watch.since(cursor).task_ids == {"a"}


async def test_a_listener_is_not_called_for_an_earlier_change(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    async with running(cache) as watcher:
        await watcher.refresh()
        for number in range(20):
            calls: list[int] = []
            save(other, f"task-{number}", "running")
            async with watcher.listening(partial(calls.append, number)):
                cursor = watcher.watch.since().cursor
                await anyio.sleep(0.02)
                assert calls == []
                assert watcher.watch.since(cursor).task_ids == set()


async def test_no_watcher_runs_without_a_listener(cache: Cache) -> None:
    async with running(cache) as watcher:
        assert watchers() == 0
        async with watcher.listening(ResettableEvent().set):
            await until(watchers)
        await until_nobody_watches()


async def test_all_listeners_share_one_watcher(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    watcher = CountingWatcher(cache.store)
    async with watcher.running(), anyio.create_task_group() as listeners:
        called: list[int] = []
        ready: list[int] = []

        async def listen(number: int) -> None:
            async with watcher.listening(lambda: called.append(number)):
                ready.append(number)
                await anyio.sleep_forever()

        for number in range(20):
            listeners.start_soon(listen, number)
        await until(lambda: len(ready) == 20)
        await anyio.sleep(A_WHILE)
        assert watchers() == 1
        polls, refreshes = watcher.counting.polls, watcher.counting.refreshes
        await until(lambda: watcher.counting.polls >= polls + 3)
        assert watcher.counting.refreshes == refreshes
        assert called == []
        save(other, "a", "success")
        await until(lambda: len(called) == 20)
        assert sorted(called) == list(range(20))
        # One for the change, the others while the times of the file are recent.
        assert watcher.counting.refreshes <= refreshes + 3
        listeners.cancel_scope.cancel()
    assert watchers() == 0


class CostlyWatch(TaskWatch):
    """A watch of a file that changes all the time and takes long to read."""

    SECONDS = 0.05

    def __init__(self, store: TaskStore) -> None:
        super().__init__(store)
        self.refreshes = 0

    def poll(self) -> bool:
        return True

    def refresh(self) -> bool:
        ends = time.thread_time() + self.SECONDS
        while time.thread_time() < ends:
            pass
        self.refreshes += 1
        return super().refresh()


async def test_refreshes_take_at_most_a_tenth_of_the_time(cache: Cache) -> None:
    watch = CostlyWatch(cache.store)
    watcher = StoreWatcher(lambda: watch)
    async with watcher.running(), watcher.listening(ResettableEvent().set):
        began, before = time.monotonic(), watch.refreshes
        await until(lambda: watch.refreshes >= before + 3)
        assert 0.1 * (time.monotonic() - began) >= 3 * CostlyWatch.SECONDS


async def test_refreshes_requested_during_another_share_the_next_one(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    watcher = CountingWatcher(cache.store)
    async with watcher.running():
        await watcher.refresh()
        cursor, refreshes = watcher.watch.since().cursor, watcher.counting.refreshes
        async with anyio.create_task_group() as requests:
            for _ in range(20):
                requests.start_soon(watcher.refresh)
            await anyio.sleep(0)
            save(other, "a", "success")

            async def refresh_after_the_change() -> None:
                await watcher.refresh()
                assert watcher.watch.since(cursor).task_ids == {"a"}

            requests.start_soon(refresh_after_the_change)
        assert watcher.counting.refreshes <= refreshes + 3


async def test_a_listener_that_joins_while_the_last_one_leaves_is_called(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    async with running(cache) as watcher:
        for number in range(30):
            async with watcher.listening(ResettableEvent().set):
                await anyio.sleep(number * 0.005)
                assert watchers() <= 1
        event = ResettableEvent()
        async with watcher.listening(event.set):
            save(other, "a", "success")
            with anyio.fail_after(PATIENCE):
                await event.wait()


async def test_the_watcher_survives_any_state_of_the_file(cache: Cache) -> None:
    async with running(cache) as watcher:
        told: list[StoreStatus] = []

        async def until_told(holds: Callable[[StoreStatus], bool]) -> None:
            """Wait for a call that finds this state; one change may lead to several calls."""
            await until(lambda: told and holds(told[-1]))
            told.clear()

        async with watcher.listening(lambda: told.append(watcher.watch.since().store_status)):
            save(uniqc(cache), "a", "running")
            await until_told(lambda status: status.total == 1)

            for path in cache.directory.iterdir():
                path.unlink()
            cache.path.write_bytes(b"no database, and of some length" * 100)
            await until_told(lambda status: status.trouble is not None)

            cache.path.unlink()
            await until_told(lambda status: status.trouble is None)

            cache.path.mkdir()
            await until_told(lambda status: status.trouble is not None)

            cache.path.rmdir()
            uniqc(cache, a="running", b="running")
            await until_told(lambda status: status.trouble is None and status.total == 2)

            uniqc(cache).clear_all()
            await until_told(lambda status: status.total == 0)
            assert watchers() == 1


async def test_the_watcher_ends_with_the_server(cache: Cache) -> None:
    watcher = StoreWatcher(partial(watch_of, cache.store))

    async def listen() -> None:
        async with watcher.listening(ResettableEvent().set):
            await anyio.sleep_forever()

    async with anyio.create_task_group() as listeners:
        async with watcher.running():
            listeners.start_soon(listen)
            await until(watchers)
        assert watchers() == 0
        listeners.cancel_scope.cancel()
    with pytest.raises(RuntimeError, match="does not run"):
        async with watcher.listening(ResettableEvent().set):
            pass
    assert not watcher._listeners  # pyright: ignore[reportPrivateUsage]


async def test_listening_while_the_server_ends_leaves_no_watcher(cache: Cache) -> None:
    uniqc(cache, a="running")

    async def listen(watcher: StoreWatcher) -> None:
        async with watcher.listening(ResettableEvent().set):
            await anyio.sleep_forever()

    for turns in range(20):
        async with running(cache) as watcher:
            watcher.tasks.start_soon(listen, watcher)
            for _ in range(turns):
                await anyio.sleep(0.0005)
        assert watchers() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="open files are listed in /proc")
async def test_the_watcher_keeps_no_file_open_and_no_lock(cache: Cache) -> None:
    other = uniqc(cache, a="running", b="success")
    async with running(cache) as watcher:
        event = ResettableEvent()
        async with watcher.listening(event.set):
            for _ in range(30):
                await anyio.sleep(0.01)
                assert not _open_files(cache.directory)
            other.clear_all()
            with anyio.fail_after(PATIENCE):
                await event.wait()
            assert not cache.path.exists()


def _open_files(directory: Path) -> list[Path]:
    targets: list[Path] = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            targets.append(descriptor.readlink())
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
    return [target for target in targets if target.parent == directory]


class ServingError(Exception):
    """An error raised while serving."""


async def test_an_error_while_serving_is_raised_unchanged(cache: Cache) -> None:
    error = ServingError()
    with pytest.raises(ServingError) as caught:
        async with running(cache) as watcher, watcher.listening(ResettableEvent().set):
            raise error
    assert caught.value is error
    assert watchers() == 0


async def test_cancellation_while_serving_is_not_an_error(cache: Cache) -> None:
    with anyio.move_on_after(0.05) as scope:
        async with running(cache) as watcher, watcher.listening(ResettableEvent().set):
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert watchers() == 0
