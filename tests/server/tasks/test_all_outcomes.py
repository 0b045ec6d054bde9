"""`uniqc://task/{task_id}/outcomes`: what a view draws of a task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.records.test_result_cases import measure, task

from uniqc_mcp.tasks.all_outcomes import MAX_OF_CIRCUIT, MAX_OF_TASK

if TYPE_CHECKING:
    from tests.server.conftest import Cache

ID = "task-000001"


async def outcomes_of(cache: Cache, task_id: str = ID) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(await cache.read(f"uniqc://task/{task_id}/outcomes"))
    return answer


async def test_each_outcome_has_its_bits_count_and_probability(cache: Cache) -> None:
    circuit = measure(0, 1)
    stored = {"00": 1, "01": 3, "11": 996}
    cache.write(task(stored, backend="originq:WK_C180", circuit=circuit), version=5)
    answer = await outcomes_of(cache)
    (only,) = answer["circuits"]
    assert only["outcomes"] == [["11", 996, 0.996], ["01", 3, 0.003], ["00", 1, 0.001]]
    assert only["distinct"] == 3
    assert only["bit_order"] == "right (c[0] is last)"
    assert only["measured"] == "c[0]=q[0], c[1]=q[1]"
    assert (answer["task_id"], answer["status"], answer["shots"]) == (ID, "success", 1000)


@pytest.mark.parametrize(("written", "shown"), [(4_096, 4_096), (4_097, MAX_OF_CIRCUIT)])
async def test_the_most_frequent_outcomes_of_a_circuit_are_told(
    cache: Cache, written: int, shown: int
) -> None:
    stored = {f"{state:013b}": written - state for state in range(written)}
    cache.write(task(stored, backend="originq:WK_C180"), version=5)
    (only,) = (await outcomes_of(cache))["circuits"]
    assert only["distinct"] == written
    assert len(only["outcomes"]) == shown
    assert [count for _, count, _ in only["outcomes"]] == [*range(written, written - shown, -1)]


async def test_the_circuits_of_a_batch_share_a_bound(cache: Cache) -> None:
    batch = [{"counts": {f"{state:012b}": 1 for state in range(4_096)}} for _ in range(8)]
    cache.write(task(batch, backend="originq:WK_C180", batch_size=8), version=5)
    circuits = (await outcomes_of(cache))["circuits"]
    assert [circuit["place"] for circuit in circuits] == [*range(8)]
    assert sum(len(circuit["outcomes"]) for circuit in circuits) == MAX_OF_TASK


async def test_numbers_that_are_no_outcomes_are_not_told(cache: Cache) -> None:
    # Each byte of a shot, which uniqc stores for more than 8 bits of IBM's.
    stored = {"0000000000": 1014, "0000000011": 493, "0011111111": 493}
    cache.write(task(stored, backend="ibm:ibm_fez", circuit=measure(*range(10))), version=5)
    (only,) = (await outcomes_of(cache))["circuits"]
    assert only["outcomes"] == []
    assert only["notes"]


async def test_a_task_without_a_result_says_so(cache: Cache) -> None:
    cache.write({"status": "running"}, version=5)
    answer = await outcomes_of(cache)
    assert answer["circuits"] == []
    assert answer["notes"] == ['The task has no result to plot; its status is "running".']


async def test_an_unknown_task_is_not_found(cache: Cache) -> None:
    cache.write({}, version=5)
    error = await cache.read_error("uniqc://task/nothing-like-it/outcomes")
    assert "nothing-like-it" in error.message
