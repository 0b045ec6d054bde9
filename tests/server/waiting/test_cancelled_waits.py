"""A wait that its client cancelled: later ones end sooner, and its changes are not lost."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from tests.server.one_server import over_pipes
from tests.server.watching import PATIENCE, save, uniqc, until_nobody_watches

from uniqc_mcp.cancelled_waits import CancelledWaits
from uniqc_mcp.server import build_server
from uniqc_mcp.settings import DEFAULT_WAIT, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from tests.server.conftest import Cache, Mode

    from uniqc_mcp.task_server import TaskServer


def nothing() -> None:
    """Do nothing."""


async def cancelled(
    client: Client,
    *,
    after: float = 0.0,
    happens: Callable[[], object] = nothing,
    **arguments: Any,
) -> None:
    """Begin a wait, let something happen, and cancel it so long after that."""
    begun = anyio.Event()

    async def report(progress: float, total: float | None, message: str | None) -> None:
        begun.set()

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as calls:

            async def call() -> None:
                arguments.setdefault("timeout_seconds", 30)
                await client.call_tool("wait_for_tasks", arguments, progress_callback=report)

            calls.start_soon(call)
            await begun.wait()
            happens()
            await anyio.sleep(after)
            calls.cancel_scope.cancel()
        await until_nobody_watches()


@asynccontextmanager
async def piped(server: TaskServer, mode: Mode = "auto") -> AsyncGenerator[Client]:
    """Connect a client over a pipe: a modern one in memory has a connection for each request."""
    async with over_pipes(server) as connect, Client(connect(), mode=mode) as client:
        yield client


async def wait(cache: Cache, client: Client, **arguments: Any) -> tuple[str, dict[str, Any]]:
    return cache.answer(await client.call_tool("wait_for_tasks", arguments))


def changes(structured: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["task_id"], one["before"], one["status"]) for one in structured["changes"]]


async def test_later_waits_end_a_second_before_the_client_cancelled_one(
    cache: Cache, mode: Mode
) -> None:
    uniqc(cache, a="running")
    async with piped(cache.server, mode) as client:
        await cancelled(client, after=2.2)
        text, structured = await wait(cache, client, timeout_seconds=50)
    assert structured["state"] == "timeout"
    # What the server measured, which may be more on a busy machine.
    told = re.search(r"cancelled a wait after (\d+) s, so waits .* last (\d+) s at most", text)
    assert told
    after, seconds = map(int, told.groups())
    assert (2 <= after < 30, seconds) == (True, after - 1)
    assert seconds <= structured["waited_seconds"] + 1 < 40
    assert any(told[0] in one for one in structured["store"]["notes"])


async def test_a_wait_that_is_short_enough_anyway_has_no_note(cache: Cache) -> None:
    uniqc(cache, a="running")
    async with piped(cache.server) as client:
        await cancelled(client, after=2.2)
        text, structured = await wait(cache, client, timeout_seconds=1)
    assert 1 <= structured["waited_seconds"] < 20
    assert "cancelled a wait" not in text


async def test_another_connection_waits_as_long_as_it_asked_for(cache: Cache) -> None:
    uniqc(cache, a="running")
    async with piped(cache.server) as client:
        await cancelled(client, after=1.1)
    async with piped(cache.server) as client:
        text, structured = await wait(cache, client, timeout_seconds=2)
    assert 2 <= structured["waited_seconds"] < 20
    assert "cancelled a wait" not in text


@given(seconds=st.lists(st.floats(min_value=0, max_value=60), min_size=1))
def test_the_shortest_cancelled_wait_of_a_second_or_more_decides_and_a_second_is_always_left(
    seconds: list[float],
) -> None:
    waits = CancelledWaits()
    for one in seconds:
        waits.learn(one)
    telling = [one for one in seconds if one >= 1]
    expected = max(1.0, min(telling) - 1) if telling else None
    assert (waits.limit.seconds if waits.limit else None) == expected


@pytest.mark.parametrize("arguments", [{}, {"task_ids": ["a", "b"]}, {"backend": "originq"}])
async def test_a_change_during_and_after_a_lost_wait_is_told_by_the_next_one(
    cache: Cache, mode: Mode, arguments: dict[str, Any]
) -> None:
    other = uniqc(cache, a="running", b="running")
    async with piped(cache.server, mode) as client:
        waiting: dict[str, Any] = {"until": "all", **arguments}
        await cancelled(client, after=0.4, happens=lambda: save(other, "a", "success"), **waiting)
        await cancelled(client, after=0.1, **waiting)
        save(other, "b", "failed")
        text, structured = await wait(cache, client, **waiting)
        assert sorted(changes(structured)) == [
            ("a", "running", "success"),
            ("b", "running", "failed"),
        ]
        assert "a running -> success" in text
        _, again = await wait(cache, client, **waiting, timeout_seconds=1)
    assert again["changes"] == []


async def test_a_lost_wait_says_nothing_about_other_tasks(cache: Cache) -> None:
    other = uniqc(cache, a="running", b="running")
    async with piped(cache.server) as client:
        await cancelled(client, task_ids=["a"])
        save(other, "a", "success")
        _, structured = await wait(cache, client, task_ids=["b"], timeout_seconds=1)
        assert structured["changes"] == []
        _, structured = await wait(cache, client, task_ids=["a"], timeout_seconds=1)
    assert changes(structured) == [("a", "running", "success")]


async def test_a_task_that_is_deleted_after_a_lost_wait_is_told_as_gone(cache: Cache) -> None:
    other = uniqc(cache, a="running", b="running")
    async with piped(cache.server) as client:
        await cancelled(client, task_ids=["a", "b"])
        other.delete("a")
        _, structured = await wait(cache, client, task_ids=["a", "b"])
    assert changes(structured) == [("a", "running", "gone")]


async def test_a_lost_wait_with_a_cursor_begins_there_again(cache: Cache) -> None:
    other = uniqc(cache, a="running", b="running")
    async with piped(cache.server) as client:
        _, first = await wait(cache, client, timeout_seconds=1)
        save(other, "a", "success")
        await cancelled(client, cursor=first["cursor"], until="all")
        save(other, "b", "success")
        _, structured = await wait(cache, client)
    assert sorted(one["task_id"] for one in structured["changes"]) == ["a", "b"]


def test_few_lost_waits_are_remembered_and_the_oldest_is_dropped() -> None:
    waits = CancelledWaits()
    for number in range(100):
        waits.remember(number, f"cursor {number}")
    waits.forget("unknown")
    assert waits.cursor_of(99) == "cursor 99"
    assert waits.cursor_of(0) == ""
    waits.forget(99)
    assert waits.cursor_of(99) == ""


@pytest.mark.parametrize(("max_wait", "default"), [(5, 5), (20, 20), (45, 20), (50, 20)])
async def test_the_longest_wait_of_the_operator_stands_in_the_schema_and_its_words(
    cache: Cache, max_wait: int, default: int
) -> None:
    uniqc(cache, a="running")
    settings = Settings(cache_dir=cache.directory, max_wait=max_wait)
    async with piped(build_server(cache.store, settings)) as client:
        (tool,) = (
            tool for tool in (await client.list_tools()).tools if tool.name == "wait_for_tasks"
        )
        field = tool.input_schema["properties"]["timeout_seconds"]
        assert field["maximum"] == max_wait
        assert field["description"].endswith(f" 1 to {max_wait}. Default {default}.")
        result = await client.call_tool("wait_for_tasks", {"timeout_seconds": max_wait + 1})
        assert result.is_error
        assert f"timeout_seconds must be at most {max_wait}, not" in cache.text(result)


async def test_a_wait_without_a_time_lasts_as_long_as_the_operator_allows(cache: Cache) -> None:
    uniqc(cache, a="running")
    settings = Settings(cache_dir=cache.directory, max_wait=1)
    async with piped(build_server(cache.store, settings)) as client:
        _, structured = cache.answer(await client.call_tool("wait_for_tasks", {}))
    assert 1 <= structured["waited_seconds"] < min(20, DEFAULT_WAIT)
