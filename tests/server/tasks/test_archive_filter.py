"""Lists and counts with tasks that uniqc put into its archive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

ARCHIVED_ONE = """
    INSERT INTO archived_tasks (task_id, backend, status, shots, submit_time, update_time,
        metadata_json, archived_at, error_message)
    VALUES ('uqt_archived', 'ibm:ibm_fez', 'failed', 10, '2026-11-01T12:00:00+00:00',
        '2026-11-01T13:00:00+00:00', '{"task_name": "old one"}', '2026-11-02T12:00:00+00:00',
        'HTTP 401: token=hunter2')
"""


@pytest.fixture
def two(cache: Cache) -> Cache:
    """Return a live task that failed, and an older one in the archive."""
    return cache.write(
        {"task_id": "uqt_live", "backend": "dummy", "status": "failed"},
        version=5,
        script=ARCHIVED_ONE,
    )


@pytest.mark.parametrize(
    ("asked", "words", "expected"),
    [
        ({}, "1 failed task.", ["uqt_live"]),
        (
            {"archived": "include"},
            "2 failed tasks in the cache or its archive.",
            ["uqt_live", "uqt_archived"],
        ),
        ({"archived": "only"}, "1 archived failed task.", ["uqt_archived"]),
        (
            {"archived": "include", "order": "oldest"},
            "2 failed tasks in the cache or its archive.",
            ["uqt_archived", "uqt_live"],
        ),
        ({"archived": "only", "updated_after": "2026-11-02"}, "No archived failed tasks last", []),
    ],
)
async def test_the_archive_is_listed_where_it_is_asked_for(
    two: Cache, asked: dict[str, Any], words: str, expected: list[str]
) -> None:
    text, structured = await two.ask("list_tasks", status="failed", **asked)
    assert text.startswith(words)
    assert [task["task_id"] for task in structured["tasks"]] == expected
    counted = {name: value for name, value in asked.items() if name != "order"}
    text, structured = await two.ask("count_tasks", status="failed", **counted)
    assert text.startswith(words)
    assert structured["total"] == len(expected)


async def test_an_archived_task_is_marked_in_both_channels_and_redacted(two: Cache) -> None:
    text, structured = await two.ask("list_tasks", status="any", archived="include")
    notes = {task["task_id"]: task.get("note") for task in structured["tasks"]}
    assert notes["uqt_archived"] == "archived"
    assert "archived" not in (notes["uqt_live"] or "")
    (line,) = [line for line in text.splitlines() if line.startswith("- uqt_archived")]
    assert line.endswith(", archived")
    assert "hunter2" not in text + json.dumps(structured)


async def test_pages_go_on_into_the_archive(two: Cache) -> None:
    asked = {"status": "any", "archived": "include", "limit": 1}
    _, first = await two.ask("list_tasks", **asked)
    _, second = await two.ask("list_tasks", cursor=first["next_cursor"], **asked)
    assert [page["tasks"][0]["task_id"] for page in (first, second)] == ["uqt_live", "uqt_archived"]
    assert not second["next_cursor"]
    refusal = await two.refusal("list_tasks", {"status": "any", "cursor": first["next_cursor"]})
    assert "another order" in refusal


async def test_counts_group_the_archive_too(two: Cache) -> None:
    _, structured = await two.ask("count_tasks", archived="include", group_by="backend")
    assert {group["backend"]: group["count"] for group in structured["groups"]} == {
        "dummy": 1,
        "ibm:ibm_fez": 1,
    }
    _, structured = await two.ask("count_tasks", archived="only", group_by="none")
    assert (structured["total"], structured.get("groups", [])) == (1, [])


async def test_a_list_that_finds_archived_tasks_only_says_how_to_see_them(two: Cache) -> None:
    text, _ = await two.ask("list_tasks", status="failed", backend="IBM")
    assert '1 failed task on "IBM" is archived: archived=include lists them.' in text


async def test_a_file_without_an_archive_has_nothing_in_it(cache: Cache) -> None:
    cache.write({})
    text, structured = await cache.ask("list_tasks", status="any", archived="only")
    assert structured["total"] == 0
    assert "Tasks in the archive in all: 0." in text
    _, structured = await cache.ask("list_tasks", status="any", archived="include")
    assert structured["total"] == 1


async def test_the_resource_takes_the_same_choice(two: Cache) -> None:
    page = json.loads(await two.read("uniqc://tasks?archived=only"))
    assert [task["task_id"] for task in page["tasks"]] == ["uqt_archived"]
    error = await two.read_error("uniqc://tasks?archived=yes")
    assert "archived must be one of exclude, include, only" in error.message
