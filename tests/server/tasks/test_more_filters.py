"""Filters by several statuses, by exceptions, by ids and by errors, in lists, counts and plans."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client

from uniqc_mcp.server import build_server
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_store import ClearPolicy

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

TASKS: list[dict[str, object]] = [
    {"task_id": "task-fez-1", "backend": "ibm:ibm_fez", "status": "failed"},
    {"task_id": "task-fez-2", "backend": "ibm:ibm_fez", "status": "success"},
    {"task_id": "task-wk", "backend": "originq:WK_C180", "status": "failed"},
    {"task_id": "task-dummy", "backend": "dummy", "status": "cancelled"},
    {"task_id": "task-quark", "backend": "quark:Baihua", "status": "running"},
]
ERRORS = {"task-fez-1": "HTTP 401: Invalid Token", "task-wk": "timed out after 60 s"}


@pytest.fixture
def five(cache: Cache) -> Cache:
    return cache.write(
        *({**task, "error_message": ERRORS.get(str(task["task_id"]))} for task in TASKS), version=5
    )


async def found(cache: Cache, **asked: Any) -> set[str]:
    """Return the names of the tasks in a list, whose number a count gives too."""
    asked = {"status": "any", **asked}
    _, structured = await cache.ask("list_tasks", **asked)
    _, counted = await cache.ask("count_tasks", **asked)
    assert counted["total"] == structured["total"] == len(structured["tasks"])
    return {task["task_id"].removeprefix("task-") for task in structured["tasks"]}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"status": ["failed", "cancelled"]}, {"fez-1", "wk", "dummy"}),
        ({"status": ["active", "cancelled"]}, {"quark", "dummy"}),
        ({"status": ["failed"]}, {"fez-1", "wk"}),
        ({"status": "failed"}, {"fez-1", "wk"}),
        ({"status": ["failed", "any"]}, {"fez-1", "fez-2", "wk", "dummy", "quark"}),
        ({"backend": "OriginQ"}, {"wk"}),
        ({"backend": "originq:wk_c180"}, {"wk"}),
        ({"backend": "IBM", "status": "success"}, {"fez-2"}),
        ({"except_backend": ["Quark", "ibm"]}, {"wk", "dummy"}),
        ({"except_backend": "ibm:ibm_fez"}, {"wk", "dummy", "quark"}),
        ({"except_backend": ["ibm"], "status": ["failed", "success"]}, {"wk"}),
        ({"task_ids": ["task-wk", "task-dummy", "task-w"]}, {"wk", "dummy"}),
        ({"task_ids": ["task-wk"], "status": "success"}, set[str]()),
        ({"error_contains": "invalid token"}, {"fez-1"}),
        ({"error_contains": "TIMED", "backend": "ibm"}, set[str]()),
    ],
)
async def test_lists_and_counts_find_the_same_tasks(
    five: Cache, asked: dict[str, Any], expected: set[str]
) -> None:
    assert await found(five, **asked) == expected


async def test_a_list_without_a_status_shows_active_tasks(five: Cache) -> None:
    given: list[dict[str, Any]] = [{}, {"status": []}, {"status": ""}, {"status": None}]
    for arguments in given:
        text, _ = await five.ask("list_tasks", **arguments)
        assert text.startswith("1 active task.")


async def test_the_words_say_every_filter(five: Cache) -> None:
    text, _ = await five.ask(
        "list_tasks",
        status=["failed", "cancelled"],
        except_backend=["ibm", "quark"],
        task_ids=["task-wk", "task-dummy"],
        name_contains="a",
        error_contains="b",
    )
    assert text.startswith(
        'No failed or cancelled tasks among 2 given by id not on "ibm" or "quark" with "a" in the '
        'name and "b" in the error.'
    )


async def test_an_unknown_status_in_a_list_is_refused_with_the_known_ones(five: Cache) -> None:
    refusal = await five.refusal("list_tasks", {"status": ["failed", "done"]})
    assert "status must be one of any, active" in refusal
    assert '"done"' in refusal


async def test_names_that_nothing_has_are_told(five: Cache) -> None:
    _, structured = await five.ask(
        "list_tasks", status="any", except_backend=["quafoo", "ibm"], task_ids=["task-w", "task-wk"]
    )
    notes = " ".join(structured["store"]["notes"])
    assert 'No task in the cache has the id "task-w".' in notes
    assert 'None is on backend "quafoo". Similar ones: ' in notes
    assert '"ibm"' not in notes.partition("Similar")[0]


async def test_a_file_without_error_messages_says_so(cache: Cache) -> None:
    cache.write({"status": "failed"})
    text, structured = await cache.ask("list_tasks", status="failed", error_contains="token")
    assert structured["total"] == 0
    assert "too old to hold error messages" in text


async def test_a_resource_takes_several_statuses(five: Cache) -> None:
    page = json.loads(await five.read("uniqc://tasks?status=failed,cancelled"))
    assert page["total"] == 3
    assert "status must be one of" in (await five.read_error("uniqc://tasks?status=a,any")).message


async def planned(cache: Cache, asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    settings = Settings(clearing=ClearSettings(policy=ClearPolicy(min_age=timedelta(0))))
    server = build_server(cache.store, settings, clock=lambda: cache.now)
    async with Client(server) as client:
        return cache.answer(await client.call_tool("clear_tasks", asked))


@pytest.mark.parametrize(
    ("asked", "matched"),
    [
        ({"except_backend": ["ibm"]}, 2),
        ({"error_contains": "401"}, 1),
        ({"task_ids": ["task-wk", "task-fez-2"]}, 2),
        ({"status": ["failed", "cancelled"]}, 3),
        ({"backend": "IBM"}, 2),
    ],
)
async def test_a_plan_takes_the_same_filters(
    five: Cache, asked: dict[str, Any], matched: int
) -> None:
    _, plan = await planned(five, asked)
    assert plan["matched"] == matched


async def test_a_plan_says_what_an_exception_does_not_name(five: Cache) -> None:
    text, _ = await planned(five, {"except_backend": ["quafoo"]})
    assert 'None is on backend "quafoo".' in text
