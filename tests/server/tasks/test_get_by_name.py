"""A task got by its name, where only one has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from uniqc_store.query import index_scan, planner, search_scan

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio


def named(name: str, task_id: str = "", **more: object) -> dict[str, object]:
    task: dict[str, object] = {"metadata_json": json.dumps({"task_name": name}), **more}
    return task | ({"task_id": task_id} if task_id else {})


@pytest.mark.parametrize("name", ["ramsey", "Ramsey", "贝尔 态"])
async def test_the_only_task_of_a_name_is_got_by_it(cache: Cache, name: str) -> None:
    cache.write(named("ramsey, last night"), named("ramsey"), named("贝尔 态"))
    _, structured = await cache.ask("get_task", task_id=name)
    assert structured["task"]["name"].casefold() == name.casefold()


async def test_several_tasks_of_a_name_are_listed_newest_first(cache: Cache) -> None:
    cache.write(
        named("bell", submit_time="2026-11-01T12:00:00+00:00"),
        named("bell", submit_time="2026-11-02T12:00:00+00:00", status="failed"),
        named("bell 2"),
    )
    refusal = await cache.refusal("get_task", {"task_id": "bell"})
    assert refusal.splitlines() == [
        'No task has the id "bell". These have this name; ask for one by its id:',
        '- "task-000002" "bell" "failed" on "originq:WK_C180", submitted 2026-11-02T12:00:00Z',
        '- "task-000001" "bell" "success" on "originq:WK_C180", submitted 2026-11-01T12:00:00Z',
    ]


async def test_a_part_of_a_name_gets_no_task_but_the_candidates(cache: Cache) -> None:
    cache.write(named("vqe step 17"), named("other"))
    refusal = await cache.refusal("get_task", {"task_id": "step 17"})
    assert "These have this in their names" in refusal
    assert '- "task-000001" "vqe step 17" ' in refusal
    assert "other" not in refusal


async def test_an_id_comes_before_a_name(cache: Cache) -> None:
    cache.write(named("task-000002"), {})
    _, structured = await cache.ask("get_task", task_id="task-000002")
    assert structured["task"]["task_id"] == "task-000002"


async def test_many_tasks_of_a_name_are_not_all_listed(cache: Cache) -> None:
    cache.write(*(named("bell") for _ in range(12)))
    refusal = await cache.refusal("get_task", {"task_id": "bell"})
    assert len(refusal.splitlines()) == 10
    assert refusal.endswith("list_tasks with name_contains and status=any")


async def test_a_name_is_not_taken_for_the_only_one_where_not_all_were_read(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", 10)
    monkeypatch.setattr(index_scan, "MAX_SEARCHED", 5)
    monkeypatch.setattr(index_scan, "MAX_SEARCHED_IN_PART", 5)
    monkeypatch.setattr(search_scan, "STRETCH_TASKS", 1)
    monkeypatch.setattr(search_scan, "MAX_SECONDS", -1)
    old = named("bell", submit_time="2026-10-01T12:00:00+00:00")
    others: list[dict[str, object]] = [{}] * 20
    cache.write(old, *others, named("bell"))
    refusal = await cache.refusal("get_task", {"task_id": "bell"})
    assert "task-000022" in refusal
    assert "perhaps others" in refusal


async def test_a_credential_in_a_candidate_is_not_shown(cache: Cache) -> None:
    cache.write(named("bell token=hunter2"), named("bell"), named("bell"))
    assert "hunter2" not in await cache.refusal("get_task", {"task_id": "bell"})
    assert "hunter2" not in await cache.refusal("get_task", {"task_id": "bell token"})


async def test_the_resource_of_a_task_takes_its_name_too(cache: Cache) -> None:
    cache.write(named("ramsey 3"))
    answer = json.loads(await cache.read("uniqc://task/ramsey%203"))
    assert answer["task"]["task_id"] == "task-000001"
