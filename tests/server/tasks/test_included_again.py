"""A page of a part whose record changed begins again, and says that alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from uniqc_mcp.tasks.task_detail import PAGE_ONLY
from uniqc_mcp.tasks.whole_parts import CHANGED

if TYPE_CHECKING:
    from tests.server.conftest import Cache

ASKED: dict[str, Any] = {"task_id": "a", "include": ["result"]}


async def test_a_page_that_begins_again_does_not_say_that_it_goes_on(cache: Cache) -> None:
    counts = {f"{place:020b}": place + 1 for place in range(4_000)}
    cache.write({"task_id": "a", "result_json": json.dumps(counts)})
    _, first = await cache.ask("get_task", **ASKED)
    _, second = await cache.ask("get_task", **ASKED, cursor=first["next_cursor"])
    assert PAGE_ONLY in second["store"]["notes"]
    cache.change("UPDATE tasks SET result_json = replace(result_json, ': 1,', ': 2,')")
    text, again = await cache.ask("get_task", **ASKED, cursor=first["next_cursor"])
    assert CHANGED in again["store"]["notes"]
    assert PAGE_ONLY not in again["store"]["notes"]
    assert PAGE_ONLY not in text
    assert again["included"][0]["start"] == 0
    assert set(again["task"]) == set(first["task"]) != set(second["task"])
