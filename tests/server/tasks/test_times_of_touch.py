"""Filters by the time of uniqc's last touch, and the orders of lists, as a client sees them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from uniqc_mcp.tasks.shown_page import READ_ALL, RECENT_ONLY
from uniqc_store.query import planner, touch_scan

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio


def time(cache: Cache, hours_ago: float) -> str:
    return (cache.now - timedelta(hours=hours_ago)).isoformat()


def task(cache: Cache, name: str, *, submitted: float, touched: float, **more: object) -> Any:
    return {
        "task_id": name,
        "submit_time": time(cache, submitted),
        "update_time": time(cache, touched),
        **more,
    }


@pytest.fixture
def three(cache: Cache) -> Cache:
    """Return three tasks: submitted in the order a, b, c and last touched in the order b, c, a."""
    return cache.write(
        task(cache, "task-a", submitted=72, touched=1, status="failed"),
        task(cache, "task-b", submitted=60, touched=50, status="failed"),
        task(cache, "task-c", submitted=40, touched=30, status="running"),
    )


def listed(structured: dict[str, Any]) -> list[str]:
    return [task["task_id"] for task in structured["tasks"]]


async def test_what_failed_since_yesterday_finds_a_task_submitted_before(three: Cache) -> None:
    text, structured = await three.ask("list_tasks", status="failed", updated_after="24h")
    assert listed(structured) == ["task-a"]
    assert text.startswith("1 failed task last touched by uniqc since 2026-11-02T18:00:00Z.")
    assert "submitted 2026-10-31T18:00:00Z, touched 2026-11-03T17:00:00Z" in text
    _, by_submission = await three.ask("list_tasks", status="failed", submitted_after="24h")
    assert listed(by_submission) == []
    _, counted = await three.ask("count_tasks", status="failed", updated_after="24h")
    assert counted["total"] == 1


@pytest.mark.parametrize(
    ("order", "words", "expected"),
    [
        ("newest", "newest first", ["task-c", "task-b", "task-a"]),
        ("oldest", "oldest first", ["task-a", "task-b", "task-c"]),
        ("updated", "last touched first", ["task-a", "task-c", "task-b"]),
    ],
)
async def test_pages_follow_the_order(
    three: Cache, order: str, words: str, expected: list[str]
) -> None:
    seen: list[str] = []
    cursor = ""
    for _ in expected:
        text, page = await three.ask(
            "list_tasks", status="any", order=order, limit=1, cursor=cursor
        )
        assert f"3 tasks; 1 shown, {words}." in text
        assert page["order"] == order
        seen += listed(page)
        cursor = page["next_cursor"]
    assert seen == expected
    assert not cursor


async def test_a_cursor_of_another_order_is_refused(three: Cache) -> None:
    _, page = await three.ask("list_tasks", status="any", limit=1)
    arguments = {"status": "any", "order": "oldest", "cursor": page["next_cursor"]}
    assert "another order" in await three.refusal("list_tasks", arguments)


async def test_the_resource_takes_the_same_times_and_orders(three: Cache) -> None:
    page = json.loads(await three.read("uniqc://tasks?updated_after=36h&order=updated"))
    assert listed(page) == ["task-a", "task-c"]
    error = await three.read_error("uniqc://tasks?order=random")
    assert "order must be one of newest, oldest, updated" in error.message


async def test_an_unreadable_time_of_touch_is_refused(three: Cache) -> None:
    refusal = await three.refusal("list_tasks", {"updated_after": "yesterday"})
    assert "updated_after must be a date or time such as" in refusal


async def test_a_range_of_times_is_told_as_one(three: Cache) -> None:
    text, _ = await three.ask(
        "list_tasks",
        submitted_after="3d",
        submitted_before="1d",
        updated_after="2d",
        updated_before="1h",
    )
    assert text.startswith(
        "1 active task submitted between 2026-10-31T18:00:00Z and 2026-11-02T18:00:00Z, last "
        "touched by uniqc between 2026-11-01T18:00:00Z and 2026-11-03T17:00:00Z."
    )


async def test_a_large_cache_says_which_tasks_it_read(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", 10)
    monkeypatch.setattr(touch_scan, "MAX_RECENT", 3)
    cache.write(
        *(
            task(cache, f"task-{n:02}", submitted=100 - n, touched=1 if n == 0 else 99 - n)
            for n in range(20)
        )
    )
    asked = {"status": "any", "order": "updated", "limit": 2, "updated_after": "90h"}
    text, first = await cache.ask("list_tasks", **asked)
    assert listed(first) == ["task-19", "task-18"]
    assert RECENT_ONLY in text
    assert RECENT_ONLY in first["store"]["notes"]
    _, second = await cache.ask("list_tasks", cursor=first["next_cursor"], **asked)
    assert listed(second) == ["task-17"]
    text, third = await cache.ask("list_tasks", cursor=second["next_cursor"], **asked)
    assert listed(third) == ["task-00", "task-16"]
    assert READ_ALL in text
    assert READ_ALL in third["store"]["notes"]
    text, counted = await cache.ask("count_tasks", updated_after="90h")
    assert counted["total"] == 12
    assert READ_ALL in text
    assert READ_ALL in counted["store"]["notes"]
