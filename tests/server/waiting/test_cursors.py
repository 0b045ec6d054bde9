"""A cursor of a wait in another process, or older than the log, still tells what changed."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from tests.server.watching import save, uniqc

from uniqc_mcp.errors import InvalidArgumentError
from uniqc_mcp.subscriptions import watcher
from uniqc_mcp.waiting.cursor import MAX_MARKED, ActiveTasks, WaitCursor, id_mark
from uniqc_store import TaskState

if TYPE_CHECKING:
    from tests.server.conftest import Cache

OF_ANOTHER = "by another process of this server, or is older than its log"


async def wait(cache: Cache, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Return the answer of a server of its own, which knows nothing of earlier calls."""
    return await cache.ask("wait_for_tasks", timeout_seconds=1, **arguments)


def changes(structured: dict[str, Any]) -> list[tuple[str, str, str]]:
    return sorted((one["task_id"], one["before"], one["status"]) for one in structured["changes"])


ASKED: list[dict[str, Any]] = [
    {},
    {"task_ids": ["a", "b", "c"]},
    {"backend": "originq"},
    {"name_contains": "st"},
]


def three(cache: Cache) -> Any:
    other = uniqc(cache)
    for task_id in "abc":
        save(other, task_id, "running", name="a step")
    return other


@pytest.mark.parametrize("arguments", ASKED)
async def test_another_process_tells_what_changed_since_the_cursor(
    cache: Cache, arguments: dict[str, Any]
) -> None:
    other = three(cache)
    _, first = await wait(cache, **arguments)
    save(other, "a", "success", name="a step")
    save(other, "b", "pending", name="a step")
    text, second = await wait(cache, **arguments, cursor=first["cursor"])
    assert second["state"] == "changed"
    assert second["waited_seconds"] == 0
    assert changes(second) == [("a", "running", "success"), ("b", "running", "pending")]
    assert sorted(task["task_id"] for task in second["active"]) == ["b", "c"]
    assert OF_ANOTHER in text
    assert any(OF_ANOTHER in note for note in second["store"]["notes"])
    _, third = await wait(cache, **arguments, cursor=second["cursor"])
    assert (third["state"], third["changes"]) == ("timeout", [])


@pytest.mark.parametrize("arguments", ASKED)
async def test_another_process_waits_where_nothing_changed(
    cache: Cache, arguments: dict[str, Any]
) -> None:
    other = three(cache)
    save(other, "old", "success", name="a step")
    _, first = await wait(cache, **arguments)
    save(other, "a", "running", name="a step")
    save(other, "old", "success", name="a step")  # polled once more: the update time alone moves
    _, second = await wait(cache, **arguments, cursor=first["cursor"])
    assert (second["state"], second["changes"]) == ("timeout", [])
    assert 1 <= second["waited_seconds"] < 20
    assert second["active_total"] == 3


async def test_a_task_that_came_and_finished_meanwhile_is_told(cache: Cache) -> None:
    other = three(cache)
    _, first = await wait(cache)
    save(other, "quick", "failed")
    save(other, "slow", "running")
    _, second = await wait(cache, cursor=first["cursor"])
    assert changes(second) == [("quick", "", "failed")]


@pytest.mark.parametrize("arguments", [{}, {"task_ids": ["a", "b"]}])
async def test_a_task_that_is_gone_ends_the_wait_and_is_counted(
    cache: Cache, arguments: dict[str, Any]
) -> None:
    other = three(cache)
    _, first = await wait(cache, **arguments)
    other.delete("a")
    text, second = await wait(cache, **arguments, cursor=first["cursor"])
    assert (second["state"], second["waited_seconds"]) == ("changed", 0)
    assert "Of the tasks active then, 1 are not among these: removed, archived, " in text
    assert text.startswith("Some of the ")


async def test_a_wait_for_all_goes_on_with_what_changed_before(cache: Cache) -> None:
    other = three(cache)
    _, first = await wait(cache, until="all")
    save(other, "a", "success", name="a step")
    _, second = await wait(cache, until="all", cursor=first["cursor"])
    assert (second["state"], second["waited_seconds"]) == ("timeout", 1)
    assert changes(second) == [("a", "running", "success")]
    for task_id in "bc":
        save(other, task_id, "success", name="a step")
    _, third = await wait(cache, until="all", cursor=second["cursor"])
    assert third["state"] == "finished"
    assert [one[0] for one in changes(third)] == ["b", "c"]


@pytest.mark.parametrize("count", [MAX_MARKED, MAX_MARKED + 1, 200])
async def test_a_cursor_of_many_tasks_stays_short_and_misses_none(cache: Cache, count: int) -> None:
    rows = [{"task_id": f"t{number:04}", "status": "running"} for number in range(count)]
    cache.write(*rows)
    _, first = await wait(cache)
    assert len(first["cursor"]) <= 140
    _, unchanged = await wait(cache, cursor=first["cursor"])
    assert unchanged["state"] == "timeout"
    now = datetime.now(UTC).isoformat()
    cache.change(
        "UPDATE tasks SET status = 'success', update_time = ? WHERE task_id = 't0000'", now
    )
    text, second = await wait(cache, cursor=first["cursor"])
    assert second["state"] == "changed"
    assert [one[0] for one in changes(second)] == ["t0000"]
    assert ("More were active then than the cursor tells" in text) == (count > MAX_MARKED)


async def test_a_cursor_that_the_log_no_longer_reaches_is_no_error(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "MAX_EVENTS", 2)
    other = three(cache)
    async with cache.client() as client:
        arguments: dict[str, Any] = {"timeout_seconds": 1}
        _, first = cache.answer(await client.call_tool("wait_for_tasks", arguments))
        for round_ in range(3):
            for task_id in "ab":
                save(other, task_id, f"step {round_}", name="a step")
            cache.answer(await client.call_tool("wait_for_tasks", arguments))
        save(other, "a", "success", name="a step")
        arguments["cursor"] = first["cursor"]
        _, last = cache.answer(await client.call_tool("wait_for_tasks", arguments))
    assert last["state"] == "changed"
    assert changes(last) == [("a", "running", "success"), ("b", "running", "step 2")]


async def test_a_cursor_of_other_tasks_claims_no_removal(cache: Cache) -> None:
    three(cache)
    _, first = await wait(cache, task_ids=["a"])
    text, second = await wait(cache, task_ids=["b"], cursor=first["cursor"])
    assert second["changes"] == []
    assert "or of another wait" in text


async def test_two_installed_servers_share_a_cursor(cache: Cache) -> None:
    other = three(cache)
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "uniqc_mcp", "--cache-dir", str(cache.directory)],
        env=dict(os.environ),
    )

    async def ask(**arguments: Any) -> dict[str, Any]:
        async with Client(stdio_client(server)) as client:
            arguments["timeout_seconds"] = 1
            return cache.answer(await client.call_tool("wait_for_tasks", arguments))[1]

    first = await ask()
    save(other, "a", "failed", name="a step")
    assert changes(await ask(cursor=first["cursor"])) == [("a", "running", "failed")]


states = st.builds(
    TaskState,
    task_id=st.text(min_size=1),
    backend=st.just("ibm"),
    name=st.just(""),
    status=st.text(),
    active=st.booleans(),
    submit_time=st.text(max_size=3),
    update_time=st.just(""),
)


@given(tasks=st.lists(states, unique_by=lambda state: state.task_id), at=st.floats(0, 4e9))
def test_a_cursor_is_read_as_it_was_written(tasks: list[TaskState], at: float) -> None:
    cursor = WaitCursor(place="gcU1zW_W3CcAAAAAAAAAAQ", at=at, active=ActiveTasks.of(tasks))
    assert WaitCursor.decode(cursor.encode()) == cursor
    assert ActiveTasks.of(reversed(tasks)) == cursor.active


@given(text=st.text() | st.from_regex(r"[\w-]{22}\.[\w-]{28,60}", fullmatch=True))
def test_any_other_text_is_refused_or_read(text: str) -> None:
    try:
        cursor = WaitCursor.decode(text)
    except InvalidArgumentError:
        return
    assert WaitCursor.decode(cursor.encode()) == cursor


@pytest.mark.parametrize("at", [0.0, -1e300, 1e300, 4e9])
async def test_a_cursor_of_an_impossible_time_is_no_fault(cache: Cache, at: float) -> None:
    three(cache)
    active = ActiveTasks(total=1, digest=b"12345678", marks={id_mark("x"): 5})
    cursor = WaitCursor(place="elsewhere", at=at, active=active).encode()
    _, structured = await wait(cache, cursor=cursor)
    assert structured["active_total"] == 3


def test_a_status_changes_the_digest() -> None:
    one = TaskState(
        task_id="a",
        backend="ibm",
        name="",
        status="running",
        active=True,
        submit_time="",
        update_time="",
    )
    assert ActiveTasks.of([one]).digest != ActiveTasks.of([]).digest
