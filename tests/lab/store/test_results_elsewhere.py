"""Results that stayed on their machine: every answer says so, and none that there is no result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from tests.contract.records import StoredJob, StoredTask
from tests.lab.messages import compare_of, push_of

from uniqc_mcp.comparing.tools import CompareTools
from uniqc_mcp.errors import RequestError
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_mcp.resources import ReadResources
from uniqc_mcp.tasks.lookup import RESULT_ELSEWHERE, SOME_RESULTS_ELSEWHERE
from uniqc_mcp.tasks.tools import ReadTools

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.exchange import Task

COUNTS = '{"00": 480, "11": 520}'
LARGE = '{"01": 1000}'
"""A result that stays at home, whose size is told as 5,000,000 bytes."""


def job(result: str, number: int, status: str = "success") -> StoredJob:
    return StoredJob(
        platform_task_id=f"job {number}", sub_index_offset=number, status=status, result=result
    )


TASKS = [
    StoredTask(task_id="large", status="success", result=LARGE),
    StoredTask(task_id="small", status="success", result=COUNTS),
    StoredTask(task_id="empty", status="running", result=""),
    StoredTask(task_id="jobs", jobs=(job(LARGE, 0), job(LARGE, 1), job(COUNTS, 2, "failed"))),
    StoredTask(task_id="some", jobs=(job(LARGE, 0), job(COUNTS, 1))),
]


def without_large(task: Task) -> Task:
    """Return a task as a machine sends it whose results of one kind are too large."""
    at_home = {"result": None, "result_bytes": 5_000_000}
    jobs = tuple(
        one.model_copy(update=at_home) if one.result == LARGE else one for one in task.jobs
    )
    # Empty text is sent as none.
    own = at_home if task.result == LARGE else {"result": task.result or None}
    return task.model_copy(update={**own, "jobs": jobs})


@pytest.fixture
def store(database: Database) -> LabStore:
    ingest = Ingest(database)
    ingest.compare("alice", compare_of([]))
    push = push_of(enumerate(TASKS))
    ingest.push("alice", push.model_copy(update={"tasks": tuple(map(without_large, push.tasks))}))
    return LabStore(database, viewer=Viewer(owners=frozenset({"alice"})))


@pytest.mark.parametrize(("task_id", "size"), [("large", 5_000_000), ("jobs", 10_000_000)])
def test_a_task_tells_that_its_result_stayed_where_it_is(
    store: LabStore, task_id: str, size: int
) -> None:
    answer = ReadTools(store).get_task(task_id=task_id)
    assert RESULT_ELSEWHERE in answer.text()
    assert f"{size} bytes" in answer.text()


def test_a_task_tells_that_results_of_some_jobs_did(store: LabStore) -> None:
    text = ReadTools(store).get_task(task_id="some", include=["result"]).text()
    assert "Results of 1 of 2 jobs are stored" in text
    assert text.count(SOME_RESULTS_ELSEWHERE) == 2
    assert RESULT_ELSEWHERE not in text
    with pytest.raises(RequestError, match="Results of some jobs stayed"):
        ReadResources(store).result(task_id="some")


@pytest.mark.parametrize("task_id", ["small", "empty"])
def test_a_task_that_is_here_whole_tells_nothing_of_it(store: LabStore, task_id: str) -> None:
    answer = ReadTools(store).get_task(task_id=task_id, include=["plot", "result"])
    assert "stayed" not in answer.text()
    compared = CompareTools(store).compare_tasks(task_ids=["small", "empty"])
    assert "stayed" not in compared.text()
    ReadResources(store).result(task_id=task_id)


@pytest.mark.parametrize("task_id", ["large", "jobs"])
@pytest.mark.parametrize("part", ["result", "plot"])
def test_what_is_asked_for_besides_tells_it_too(
    store: LabStore, part: Literal["result", "plot"], task_id: str
) -> None:
    answer = ReadTools(store).get_task(task_id=task_id, include=[part])
    assert RESULT_ELSEWHERE in answer.text()


def test_the_resource_of_the_result_is_an_error_that_tells_it(store: LabStore) -> None:
    resources = ReadResources(store)
    with pytest.raises(RequestError, match="stayed on the machine"):
        resources.result(task_id="large")
    assert resources.result(task_id="small") == COUNTS


def test_a_comparison_tells_it(store: LabStore) -> None:
    answer = CompareTools(store).compare_tasks(task_ids=["large", "small"])
    assert "has a result that stayed on its machine" in answer.text()
