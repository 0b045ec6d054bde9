"""A task without a readable submit time is not the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.server.conftest import Cache


async def test_tasks_without_a_time_are_compared_last(cache: Cache) -> None:
    cache.write(
        {"task_id": "undated", "submit_time": "yesterday"},
        {"task_id": "old", "submit_time": "2026-11-01T00:00:00+00:00"},
        {"task_id": "new", "submit_time": "2026-11-02T00:00:00+00:00"},
    )
    _, answer = await cache.ask("compare_tasks")
    assert [task["task_id"] for task in answer["tasks"]] == ["new", "old"]
    _, answer = await cache.ask("compare_tasks", newest=3)
    assert [task["task_id"] for task in answer["tasks"]] == ["new", "old", "undated"]
