"""Results that stayed on their machine: every answer says so, and none that there is no result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from tests.contract.records import StoredTask
from tests.lab.messages import compare_of, push_of

from uniqc_mcp.comparing.tools import CompareTools
from uniqc_mcp.errors import RequestError
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_mcp.resources import ReadResources
from uniqc_mcp.tasks.lookup import RESULT_ELSEWHERE
from uniqc_mcp.tasks.tools import ReadTools

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.pool import Database

COUNTS = '{"00": 480, "11": 520}'


@pytest.fixture
def store(database: Database) -> LabStore:
    tasks = [
        StoredTask(task_id="large", status="success", result=COUNTS),
        StoredTask(task_id="small", status="success", result=COUNTS),
    ]
    push = push_of(enumerate(tasks))
    large = push.tasks[0].model_copy(update={"result": None, "result_bytes": 5_000_000})
    ingest = Ingest(database)
    ingest.compare("alice", compare_of([]))
    ingest.push("alice", push.model_copy(update={"tasks": (large, *push.tasks[1:])}))
    return LabStore(database, viewer=Viewer(owners=frozenset({"alice"})))


def test_a_task_tells_that_its_result_stayed_where_it_is(store: LabStore) -> None:
    answer = ReadTools(store).get_task(task_id="large")
    assert RESULT_ELSEWHERE in answer.text()
    assert "5000000 bytes" in answer.text()
    assert RESULT_ELSEWHERE not in ReadTools(store).get_task(task_id="small").text()


@pytest.mark.parametrize("part", ["result", "plot"])
def test_what_is_asked_for_besides_tells_it_too(
    store: LabStore, part: Literal["result", "plot"]
) -> None:
    answer = ReadTools(store).get_task(task_id="large", include=[part])
    assert RESULT_ELSEWHERE in answer.text()


def test_the_resource_of_the_result_is_an_error_that_tells_it(store: LabStore) -> None:
    resources = ReadResources(store)
    with pytest.raises(RequestError, match="stayed on the machine"):
        resources.result(task_id="large")
    assert resources.result(task_id="small") == COUNTS


def test_a_comparison_tells_it(store: LabStore) -> None:
    answer = CompareTools(store).compare_tasks(task_ids=["large", "small"])
    assert "has a result that stayed on its machine" in answer.text()
