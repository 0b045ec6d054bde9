"""Lists and counts that find nothing say that tasks were cleared, and list_cleared which file."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from uniqc_store import CLEARED_FILENAME, ClearPolicy, TaskFilter, TaskStore

if TYPE_CHECKING:
    from tests.clearing_cache import Cache

CLEARED = "3 tasks were cleared and are in no list: see list_cleared."


def clear(cache: Cache) -> None:
    store = TaskStore(cache.directory)
    store.clear(store.plan_clear(TaskFilter(status="failed")))


@pytest.mark.parametrize("tool", ["list_tasks", "count_tasks", "summarize_tasks"])
async def test_an_answer_that_finds_nothing_tells_of_cleared_tasks(cache: Cache, tool: str) -> None:
    cache.fill(3, status="failed").fill(1, prefix="kept")
    async with cache.client() as client:
        _, before = await cache.call(client, tool, status="failed")
        assert before["total"] == 3
        clear(cache)
        text, after = await cache.call(client, tool, status="failed")
        assert after["total"] == 0
        assert CLEARED in after["store"]["notes"]
        assert CLEARED in text
        for status in ("success", "active"):
            _, other = await cache.call(client, tool, status=status)
            assert CLEARED not in other["store"]["notes"]


async def test_a_name_that_only_a_cleared_task_has_is_not_told_as_unknown(cache: Cache) -> None:
    hint = "3 tasks were cleared and are found by id alone: see list_cleared."
    cache.fill(3, status="failed")
    async with cache.client() as client:
        assert hint not in await cache.refusal(client, "get_task", task_id="the name of one")
        clear(cache)
        said = await cache.refusal(client, "get_task", task_id="the name of one")
    assert said.startswith('No task has the id "the name of one".')
    assert said.endswith(f"\n{hint}")


async def test_without_anything_cleared_there_is_no_hint(cache: Cache) -> None:
    cache.fill(1)
    async with cache.client() as client:
        _, answer = await cache.call(client, "list_tasks", status="failed")
    assert not any("cleared" in note for note in answer["store"]["notes"])


async def test_without_a_file_of_copies_the_answer_says_so(cache: Cache) -> None:
    cache.fill(1, status="failed")
    async with cache.client() as client:
        text, answer = await cache.call(client, "list_cleared")
        assert answer["store"]["exists"] is False
        assert "There is no file " in text
        assert CLEARED_FILENAME in text
        assert "Read " not in text
        clear(cache)
        text, _ = await cache.call(client, "list_cleared")
        assert "Read " in text


async def test_the_limits_of_a_policy_are_told_as_they_are(cache: Cache) -> None:
    cache.fill(1)
    settings = cache.settings(policy=ClearPolicy(min_age=timedelta(hours=36)))
    async with cache.client(settings=settings) as client:
        text, plan = await cache.call(client, "clear_tasks")
    assert (plan["policy"]["min_age"], plan["policy"]["max_tasks"]) == ("36 h", 250_000)
    assert "untouched for 36 h; at most 250000 tasks at a time; " in text
