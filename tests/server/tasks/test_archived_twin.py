"""The archived task of an id that is live as well can be read, by ``archived:ID``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Cache

TWIN = """
    INSERT INTO archived_tasks (task_id, backend, status, shots, submit_time, update_time,
        result_json, metadata_json, archived_at)
    SELECT task_id, backend, status, shots, '2026-10-01T12:00:00+00:00', update_time,
        '{"00": 7, "11": 3}', '{"task_name": "first run"}', '2026-10-20T12:00:00+00:00'
    FROM tasks"""


@pytest.fixture
def twins(cache: Cache) -> Cache:
    live = {"result_json": '{"00": 1000}', "metadata_json": '{"task_name": "second run"}'}
    return cache.write(live, version=5, script=TWIN)


async def test_get_task_names_the_archived_task_and_reads_it(twins: Cache) -> None:
    text, live = await twins.ask("get_task", task_id="task-000001")
    assert live["task"]["name"] == "second run"
    assert 'get_task shows the other as "archived:task-000001"' in text
    text, archived = await twins.ask("get_task", task_id="archived:task-000001")
    task = archived["task"]
    assert (task["name"], task["archived_at"]) == ("first run", "2026-10-20T12:00:00Z")
    assert task["result"]["uri"] == "uniqc://task/archived%3Atask-000001/result"
    assert "first run" in text


async def test_the_resources_of_the_archived_task_are_its_own(twins: Cache) -> None:
    assert json.loads(await twins.read("uniqc://task/task-000001/result")) == {"00": 1000}
    archived = await twins.read("uniqc://task/archived%3Atask-000001/result")
    assert json.loads(archived) == {"00": 7, "11": 3}


async def test_both_can_be_compared_and_told_apart(twins: Cache) -> None:
    text, found = await twins.ask("compare_tasks", task_ids=["task-000001", "archived:task-000001"])
    live, archived = text.split("\n")[1:3]
    assert '"second run"' in live
    assert "archived" not in live
    assert '"first run"' in archived
    assert archived.endswith(", archived")
    assert [task.get("note") for task in found["tasks"]] == [None, "archived"]


@pytest.mark.parametrize("task_id", ["archived:", "archived:task-00000", "archived:other"])
async def test_an_archived_task_needs_its_whole_id(twins: Cache, task_id: str) -> None:
    said = await twins.refusal("get_task", {"task_id": task_id})
    assert said.startswith(f'No task has the id "{task_id}".')


async def test_an_id_that_begins_like_this_comes_first(cache: Cache) -> None:
    cache.write({"task_id": "archived:task-000001"}, version=5, script=TWIN)
    _, found = await cache.ask("get_task", task_id="archived:task-000001")
    assert "archived_at" not in found["task"]
