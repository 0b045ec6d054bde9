"""Results of OriginQ that uniqc lost, and the way to them, which not every task has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

TASK_ID = "uqt_00000000000000000000000000000001"
COUNTS = {"0": 1000}
LOST: dict[str, int] = {}
FETCHES = "`uniqc result ID` of a later release fetches them from the platform."
PARTLY = "`uniqc result ID` of a later release fetches those of jobs that have no result at all."


def insert_jobs(*jobs: tuple[int, int, str, object]) -> str:
    """Return a script for jobs: the first circuit, their number, the status, the result."""
    return "".join(
        f"""
        INSERT INTO task_shards
        SELECT task_id, {index}, 'p{index}', backend, {count}, {first}, '{status}',
            '{json.dumps(result)}', NULL, submit_time, update_time FROM tasks;
        """
        for index, (first, count, status, result) in enumerate(jobs)
    )


async def notes_of(cache: Cache) -> list[str]:
    """Return the notes that speak of lost results, which the text has too."""
    text, structured = await cache.ask("get_task", task_id=TASK_ID)
    notes = [note for note in structured["task"]["notes"] if "OriginQ" in note]
    assert all(note in text for note in notes)
    return notes


@pytest.mark.parametrize(
    ("result", "jobs", "begins", "remedy"),
    [
        (LOST, [(0, 1, "success", LOST)], "The result is empty", FETCHES),
        (
            [LOST, COUNTS],
            [(0, 1, "success", LOST), (1, 1, "success", COUNTS)],
            "1 result is",
            FETCHES,
        ),
        ([LOST, LOST], [(0, 2, "success", [LOST, LOST])], "2 results are", FETCHES),
        ([LOST, None], [(0, 2, "success", [LOST, None])], "1 result is", FETCHES),
        ([LOST, COUNTS, LOST], [(0, 3, "success", [LOST, COUNTS, LOST])], "2 results are", PARTLY),
    ],
)
async def test_what_a_later_release_fetches_is_told_by_the_jobs(
    cache: Cache, result: object, jobs: list[tuple[int, int, str, object]], begins: str, remedy: str
) -> None:
    task = {"task_id": TASK_ID, "status": "success", "result_json": json.dumps(result)}
    cache.write(task, version=5, script=insert_jobs(*jobs))
    (note,) = await notes_of(cache)
    assert note.startswith(begins)
    assert note.endswith(remedy)


@pytest.mark.parametrize("status", ["running", "failed"])
async def test_a_lost_result_of_a_job_is_told_before_the_task_is_successful(
    cache: Cache, status: str
) -> None:
    jobs = insert_jobs((0, 1, "success", LOST), (1, 1, status, None))
    metadata = json.dumps({"circuits": ["a", "b"]})
    cache.write(
        {"task_id": TASK_ID, "status": status, "metadata_json": metadata}, version=5, script=jobs
    )
    (note,) = await notes_of(cache)
    assert note.endswith(FETCHES)


async def test_a_lost_result_beside_long_ones_is_told(cache: Cache) -> None:
    long = {f"{number:012b}": 1 for number in range(4096)}
    result = json.dumps([long, long, long, LOST])
    cache.write(
        {"task_id": TASK_ID, "status": "success", "result_json": result},
        version=5,
        script=insert_jobs(*((place, 1, "success", LOST) for place in range(4))),
    )
    assert await notes_of(cache)


async def test_no_release_fetches_the_result_of_an_archived_task(cache: Cache) -> None:
    archive = """
        INSERT INTO archived_tasks
        SELECT *, '2026-11-03T12:00:00+00:00', NULL FROM (
            SELECT task_id, backend, status, shots, submit_time, update_time, result_json,
                metadata_json FROM tasks);
        DELETE FROM tasks;
    """
    cache.write({"task_id": TASK_ID, "result_json": "{}"}, version=5, script=archive)
    (note,) = await notes_of(cache)
    assert note.endswith("No release fetches them for an archived task.")


async def test_a_failed_task_with_an_empty_result_lost_none(cache: Cache) -> None:
    cache.write({"task_id": TASK_ID, "status": "failed", "result_json": "{}"}, version=5)
    assert not await notes_of(cache)
