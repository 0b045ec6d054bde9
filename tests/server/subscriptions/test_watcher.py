"""The watcher: there while somebody listens, whatever becomes of the file, and then gone."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.server.watching import (
    A_WHILE,
    running,
    save,
    uniqc,
    until,
    until_nobody_watches,
    watchers,
)

from uniqc_mcp.subscriptions.watcher import ResettableEvent, StoreWatcher
from uniqc_store import TaskStore, TaskWatch

if TYPE_CHECKING:
    from tests.server.conftest import Cache


class Counted(TaskWatch):
    """A watch that says how often it was asked."""

    def __init__(self, store: TaskStore) -> None:
        super().__init__(store)
        self.polls = self.looks = 0

    def poll(self) -> bool:
        self.polls += 1
        return super().poll()

    def refresh(self) -> bool:
        self.looks += 1
        return super().refresh()


class CountedLive(StoreWatcher):
    def __init__(self, store: TaskStore) -> None:
        super().__init__(store)
        self.counted = Counted(store)
        vars(self)["watch"] = self.counted


async def test_a_listener_is_told_of_a_change_that_comes_after_it(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    async with running(cache) as live:
        bell = ResettableEvent()
        async with live.listening(bell.set):
            cursor = live.watch.since().cursor
            save(other, "a", "success")
            with anyio.fail_after(30):
                await bell.wait()
            assert live.watch.since(cursor).task_ids == {"a"}


async def test_a_listener_is_not_told_of_what_changed_just_before_it(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    async with running(cache) as live:
        await live.refresh()
        for number in range(20):
            rings: list[int] = []
            save(other, f"task-{number}", "running")
            async with live.listening(partial(rings.append, number)):
                cursor = live.watch.since().cursor
                await anyio.sleep(0.02)
                assert rings == []
                assert live.watch.since(cursor).task_ids == set()


async def test_nobody_watches_where_nobody_listens(cache: Cache) -> None:
    async with running(cache) as live:
        assert watchers() == 0
        async with live.listening(ResettableEvent().set):
            await until(watchers)
        await until_nobody_watches()


async def test_one_watcher_is_enough_for_all_who_listen(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    live = CountedLive(cache.store)
    async with live.running(), anyio.create_task_group() as listeners:
        told: list[int] = []
        ready: list[int] = []

        async def listen(number: int) -> None:
            async with live.listening(lambda: told.append(number)):
                ready.append(number)
                await anyio.sleep_forever()

        for number in range(20):
            listeners.start_soon(listen, number)
        await until(lambda: len(ready) == 20)
        await anyio.sleep(A_WHILE)
        assert watchers() == 1
        polls, looks = live.counted.polls, live.counted.looks
        await until(lambda: live.counted.polls == polls + 3)
        assert live.counted.looks == looks
        assert told == []
        save(other, "a", "success")
        await until(lambda: len(told) == 20)
        assert sorted(told) == list(range(20))
        assert live.counted.looks <= looks + 3  # once, and until the file's time is past
        listeners.cancel_scope.cancel()
    assert watchers() == 0


async def test_who_asks_for_a_look_during_another_shares_the_next(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    live = CountedLive(cache.store)
    async with live.running():
        await live.refresh()
        cursor, looks = live.watch.since().cursor, live.counted.looks
        async with anyio.create_task_group() as asking:
            for _ in range(20):
                asking.start_soon(live.refresh)
            await anyio.sleep(0)
            save(other, "a", "success")

            async def look_after_that() -> None:
                await live.refresh()
                assert live.watch.since(cursor).task_ids == {"a"}

            asking.start_soon(look_after_that)
        assert live.counted.looks <= looks + 3


async def test_who_comes_while_the_last_one_leaves_is_listened_for(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    async with running(cache) as live:
        for number in range(30):
            async with live.listening(ResettableEvent().set):
                await anyio.sleep(number * 0.005)
                assert watchers() <= 1
        bell = ResettableEvent()
        async with live.listening(bell.set):
            save(other, "a", "success")
            with anyio.fail_after(30):
                await bell.wait()


async def test_the_watcher_survives_whatever_becomes_of_the_file(cache: Cache) -> None:
    async with running(cache) as live:
        bell = ResettableEvent()
        async with live.listening(bell.set):

            async def told() -> None:
                with anyio.fail_after(30):
                    await bell.wait()
                await anyio.sleep(0.15)
                bell.clear()

            save(uniqc(cache), "a", "running")
            await told()
            assert live.watch.since().store_status.total == 1

            for path in cache.directory.iterdir():
                path.unlink()
            cache.path.write_bytes(b"no database, and of some length" * 100)
            await told()
            assert live.watch.since().store_status.trouble is not None

            cache.path.unlink()
            await told()
            assert live.watch.since().store_status.trouble is None

            cache.path.mkdir()
            await told()
            assert live.watch.since().store_status.trouble is not None

            cache.path.rmdir()
            uniqc(cache, a="running", b="running")
            await until(lambda: live.watch.since().store_status.total == 2)

            uniqc(cache).clear_all()
            await until(lambda: live.watch.since().store_status.total == 0)
            assert watchers() == 1


async def test_the_watcher_ends_with_the_server(cache: Cache) -> None:
    live = StoreWatcher(cache.store)

    async def listen() -> None:
        async with live.listening(ResettableEvent().set):
            await anyio.sleep_forever()

    async with anyio.create_task_group() as listeners:
        async with live.running():
            listeners.start_soon(listen)
            await until(watchers)
        assert watchers() == 0
        listeners.cancel_scope.cancel()
    with pytest.raises(RuntimeError, match="does not run"):
        async with live.listening(ResettableEvent().set):
            pass
    assert not live._listeners  # pyright: ignore[reportPrivateUsage]


async def test_who_begins_to_listen_while_the_server_ends_does_no_harm(cache: Cache) -> None:
    uniqc(cache, a="running")

    async def listen(live: StoreWatcher) -> None:
        async with live.listening(ResettableEvent().set):
            await anyio.sleep_forever()

    for turns in range(20):
        async with running(cache) as live:
            live.tasks.start_soon(listen, live)
            for _ in range(turns):
                await anyio.sleep(0.0005)
        assert watchers() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is open")
async def test_nothing_is_open_and_nothing_locked_while_somebody_listens(cache: Cache) -> None:
    other = uniqc(cache, a="running", b="success")
    async with running(cache) as live:
        bell = ResettableEvent()
        async with live.listening(bell.set):
            for _ in range(30):
                await anyio.sleep(0.01)
                assert not _opened(cache.directory)
            other.clear_all()
            with anyio.fail_after(30):
                await bell.wait()
            assert not cache.path.exists()


def _opened(directory: Path) -> list[Path]:
    targets: list[Path] = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            targets.append(descriptor.readlink())
        except FileNotFoundError:  # of the listing itself
            continue
    return [target for target in targets if target.parent == directory]


class OddError(Exception):
    """What goes wrong while serving."""


async def test_an_error_while_serving_comes_out_as_it_is(cache: Cache) -> None:
    with pytest.raises(OddError) as caught:
        async with running(cache) as live, live.listening(ResettableEvent().set):
            raise OddError
    assert isinstance(caught.value, OddError)
    assert watchers() == 0


async def test_being_cancelled_while_serving_is_no_error(cache: Cache) -> None:
    with anyio.move_on_after(0.05) as scope:
        async with running(cache) as live, live.listening(ResettableEvent().set):
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert watchers() == 0
