"""Batches side by side of which one is not complete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from mcp_types import TextContent

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

ONE = "uqt_00000000000000000000000000000001"
OTHER = "uqt_00000000000000000000000000000002"
COMPLETE = [{"0": 500, "1": 500}, {"0": 1000}, {"1": 1000}]


def insert_job(place: int, result: object, status: str = "success") -> str:
    stored = "NULL" if result is None else f"'{json.dumps(result)}'"
    return f"""
        INSERT INTO task_shards
        SELECT task_id, {place}, 'p{place}', backend, 1, {place}, '{status}', {stored}, NULL,
            submit_time, update_time FROM tasks WHERE task_id = '{ONE}';
    """


async def compared(cache: Cache, status: str, *jobs: str) -> str:
    """Return the words on a batch with some jobs beside a complete one."""
    metadata = json.dumps({"circuits": ["QINIT 1\nCREG 1\nMEASURE q[0],c[0]"] * 3})
    tasks = [
        {"task_id": ONE, "status": status, "metadata_json": metadata},
        {"task_id": OTHER, "metadata_json": metadata, "result_json": json.dumps(COMPLETE)},
    ]
    cache.write(*tasks, version=5, script="".join(jobs))
    async with cache.client() as client:
        arguments = {"task_id": ONE, "other_task_id": OTHER}
        prompt = await client.get_prompt("explain_differences", arguments)
    content = prompt.messages[0].content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.parametrize("status", ["running", "failed"])
async def test_circuits_that_both_have_are_brought_side_by_side(cache: Cache, status: str) -> None:
    words = await compared(
        cache,
        status,
        insert_job(0, {"0": 480, "1": 520}),
        insert_job(1, None, status),
        insert_job(2, {"1": 1000}),
    )
    assert "Circuit 0. Outcomes of the first | the second" in words
    assert "480 (0.48) | 500 (0.5)" in words
    assert "Circuit 2. Outcomes" in words
    assert "Circuit 1." not in words
    assert "Circuits without outcomes in one of the two: 1 of 3." in words


async def test_a_batch_whose_results_are_all_empty_has_no_outcomes(cache: Cache) -> None:
    words = await compared(cache, "running", *(insert_job(place, {}) for place in range(3)))
    assert "can't be brought side by side: the first has no outcomes." in words


async def test_a_long_error_of_a_job_is_told_once(cache: Cache) -> None:
    long = "the beginning " + 700 * "of it " + "and the end"
    cache.write(
        {"task_id": ONE, "status": "failed"},
        version=5,
        script=insert_job(0, {"msg": long}, "failed")
        + insert_job(1, {"msg": long + " of another"}, "failed"),
    )
    text, structured = await cache.ask("get_task", task_id=ONE)
    assert text.count("the beginning") == 2
    assert (
        "job 1 of 2: failed on originq:WK_C180, 1 circuit, platform id p0, error: as above" in text
    )
    assert all(job["error"].startswith("the beginning") for job in structured["task"]["shards"])


@pytest.mark.parametrize("include_gap", [True, False])
async def test_a_result_after_a_missing_job_keeps_its_place(
    cache: Cache, *, include_gap: bool
) -> None:
    circuits = [f"QINIT 3\nCREG 1\nMEASURE q[{qubit}],c[0]" for qubit in range(3)]
    jobs = [insert_job(0, {"0": 1000}), insert_job(2, {"1": 1000})]
    if not include_gap:
        jobs.insert(1, insert_job(1, {"1": 1000}))
    result = [{"0": 1000}, {"1": 1000}] if include_gap else COMPLETE
    task = {"task_id": ONE, "metadata_json": json.dumps({"circuits": circuits})}
    cache.write({**task, "result_json": json.dumps(result)}, version=5, script="".join(jobs))
    text, structured = await cache.ask("get_task", task_id=ONE)
    last = structured["task"]["result"]["batch"][-1]
    assert last["measured"] == "c[0]=q[2]"
    assert last.get("place") == (2 if include_gap else None)
    assert "circuit 2: 1 1000x" in text
    assert ("circuit 1: " in text) != include_gap
