"""Cursors of `include` that are of another include or task, or of no page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

ONE, OTHER = "task-000001", "task-000002"


def outcomes(first: int) -> dict[str, object]:
    return {"result_json": json.dumps({f"{place:016b}": first + place for place in range(2_000)})}


async def second_page(cache: Cache, task_id: str, *include: str) -> tuple[str, dict[str, Any]]:
    """Return the page at the first cursor of the result and circuit of the first task."""
    _, first = await cache.ask("get_task", task_id=ONE, include=["result", "circuit"])
    cursor = first["next_cursor"]
    return await cache.ask("get_task", task_id=task_id, include=[*include], cursor=cursor)


@pytest.mark.parametrize(
    ("task_id", "include"),
    [(ONE, ["result"]), (ONE, ["circuit", "result"]), (OTHER, ["result", "circuit"])],
)
async def test_another_include_or_task_is_not_told_as_a_change_alone(
    cache: Cache, task_id: str, include: list[str]
) -> None:
    cache.write(outcomes(1), outcomes(2))
    text, answer = await second_page(cache, task_id, *include)
    assert answer["included"][0]["start"] == 0
    assert answer["included"][0]["part"] == include[0]
    for channel in (text, json.dumps(answer)):
        assert "or its include or task differs: this begins again." in channel


async def test_a_cursor_of_the_same_include_goes_on(cache: Cache) -> None:
    cache.write(outcomes(1))
    text, answer = await second_page(cache, ONE, "result", "circuit")
    assert answer["included"][0]["start"] > 0
    assert "begins again" not in text


async def test_a_cursor_beyond_the_end_of_a_part_is_refused(cache: Cache) -> None:
    cache.write(outcomes(1))
    _, first = await cache.ask("get_task", task_id=ONE, include=["result"])
    digest = first["next_cursor"].split(":")[-1]
    arguments = {"task_id": ONE, "include": ["result"], "cursor": f"result:9999999:{digest}"}
    refusal = await cache.refusal("get_task", arguments)
    assert refusal.endswith("is none: give next_cursor, or none.")
