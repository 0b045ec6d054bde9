"""Active tasks that uniqc has not touched for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio


@pytest.fixture
def four(cache: Cache) -> Cache:
    def task(name: str, status: str, hours: float) -> dict[str, object]:
        touched = (cache.now - timedelta(hours=hours)).isoformat()
        return {"task_id": name, "status": status, "update_time": touched}

    return cache.write(
        task("task-stuck", "running", 30),
        task("task-queued", "QUEUED", 7),
        task("task-polled", "running", 1),
        task("task-done", "success", 50),
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"not_heard_for": "6h"}, {"task-stuck", "task-queued"}),
        ({"not_heard_for": "7h"}, {"task-stuck"}),
        ({"not_heard_for": "6h", "status": "any"}, {"task-stuck", "task-queued"}),
        ({"not_heard_for": "6h", "status": "running"}, {"task-stuck"}),
        ({"not_heard_for": "1m", "updated_before": "20h"}, {"task-stuck"}),
        ({"not_heard_for": ""}, {"task-stuck", "task-queued", "task-polled"}),
    ],
)
async def test_only_active_tasks_untouched_for_so_long_are_found(
    four: Cache, asked: dict[str, Any], expected: set[str]
) -> None:
    text, structured = await four.ask("list_tasks", **asked)
    assert {task["task_id"] for task in structured["tasks"]} == expected
    assert ("last touched by uniqc before" in text) == bool(asked["not_heard_for"])
    if asked["not_heard_for"]:
        _, counted = await four.ask("count_tasks", **asked)
        assert counted["total"] == len(expected)


@pytest.mark.parametrize("status", ["finished", ["running", "failed"]])
async def test_finished_tasks_are_not_called_unheard(four: Cache, status: Any) -> None:
    refusal = await four.refusal("list_tasks", {"status": status, "not_heard_for": "6h"})
    assert "not_heard_for is for active tasks" in refusal
    assert "updated_before" in refusal


@pytest.mark.parametrize("value", ["soon", "2026-11-03", "-6h"])
async def test_what_is_no_duration_is_refused(four: Cache, value: str) -> None:
    refusal = await four.refusal("list_tasks", {"not_heard_for": value})
    assert f'not_heard_for must be a duration such as 6h or 2d, not "{value}".' in refusal


async def test_a_duration_longer_than_time_finds_nothing_or_is_refused(four: Cache) -> None:
    assert "not_heard_for" in await four.refusal("list_tasks", {"not_heard_for": "999999w"})
