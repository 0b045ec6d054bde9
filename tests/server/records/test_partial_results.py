"""The results of finished jobs, put together with their places."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.server.records.test_progress import TASK

from uniqc_mcp.records.partial_results import PartialResults
from uniqc_store import TaskShard

COUNTS = '{"00": 500, "11": 500}'


def job(offset: int, circuits: int = 1, status: str = "success") -> TaskShard:
    return TaskShard(
        uniqc_task_id="uqt_1",
        shard_index=offset,
        platform_task_id="1",
        backend="originq:WK_C180",
        status=status,
        circuit_count=circuits,
        sub_index_offset=offset,
        has_result=True,
    )


def assembled(*jobs_and_results: tuple[TaskShard, str], circuits: int = 0) -> PartialResults | None:
    metadata: dict[str, Any] = {"circuits": ["QINIT 1"] * circuits} if circuits else {}
    jobs, results = zip(*jobs_and_results, strict=True)
    return PartialResults.of(replace(TASK, metadata=metadata), jobs, results)


def places_and_value(partial: PartialResults | None) -> tuple[list[int], Any]:
    assert partial is not None
    value = json.loads(partial.text)
    if partial.is_batch:
        assert [value[place] for place in partial.places] == json.loads(partial.text_without_gaps)
    return [*partial.places], value


def test_each_result_keeps_its_place_in_the_batch() -> None:
    partial = assembled(
        (job(0, 2), '[{"0": 1}, {"0": 2}]'),
        (job(2, 2, "running"), ""),
        (job(4), '{"0": 3}'),
        circuits=6,
    )
    value = [{"0": 1}, {"0": 2}, None, None, {"0": 3}, None]
    assert places_and_value(partial) == ([0, 1, 4], value)
    assert partial is not None
    assert (partial.jobs, partial.with_results, partial.circuits) == (3, 2, 6)
    assert partial.sentences() == [
        "Results of 2 of 3 jobs are stored: circuits 0 to 1 and 4 of 6, counted from 0."
    ]


def test_a_single_circuit_is_no_batch() -> None:
    partial = assembled((job(0), COUNTS))
    assert places_and_value(partial) == ([0], json.loads(COUNTS))
    assert partial is not None
    assert partial.text_without_gaps == COUNTS
    assert assembled((job(0), COUNTS), circuits=1) == partial


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_the_answer_of_a_platform_to_a_failed_job_is_no_result(status: str) -> None:
    assert assembled((job(0, 1, status), '{"msg": "too deep"}'), circuits=2) is None


def test_a_short_list_leaves_circuits_without_a_result_and_a_long_one_is_cut_as_by_uniqc() -> None:
    short = assembled((job(0, 3), "[{}, null]"), (job(3), COUNTS), circuits=4)
    assert places_and_value(short) == ([0, 3], [{}, None, None, json.loads(COUNTS)])
    long = assembled((job(0, 2), "[1, 2, 3]"), (job(2), "4"), circuits=3)
    assert places_and_value(long) == ([0, 1, 2], [1, 2, 4])


def test_one_result_for_several_circuits_is_not_copied_to_each() -> None:
    partial = assembled((job(0, 3), COUNTS), (job(3, 1, "running"), ""), circuits=4)
    assert places_and_value(partial) == ([0], [json.loads(COUNTS), None, None, None])
    assert partial is not None
    assert partial.undivided == (1,)
    assert "Job 1 of 2 holds one result for several circuits" in partial.sentences()[1]


@pytest.mark.parametrize("offsets", [(0, 0), (-1, 4), (1, 0, 1), (0, 10**9), (0, 2**62)])
def test_contradicting_places_are_replaced_by_the_order_of_the_jobs(
    offsets: tuple[int, ...],
) -> None:
    partial = assembled(*((job(offset), f'{{"0": {n}}}') for n, offset in enumerate(offsets)))
    places = [*range(len(offsets))]
    assert places_and_value(partial) == (places, [{"0": place} for place in places])


def test_a_damaged_number_of_circuits_makes_no_endless_list() -> None:
    partial = assembled((job(0, 10**12), "[1, 2]"), (job(1), COUNTS))
    assert partial is not None
    assert len(partial.text) < 1_000_000
    assert len(partial.results) == 3


def test_a_result_that_is_no_json_is_left_out_and_named() -> None:
    partial = assembled((job(0), COUNTS), (job(1), '{"00": '), circuits=2)
    assert places_and_value(partial) == ([0], [json.loads(COUNTS), None])
    assert partial is not None
    assert partial.unreadable == (1,)


def test_many_separate_places_are_told_in_few_words() -> None:
    partial = assembled(*((job(2 * n), COUNTS) for n in range(100)), circuits=200)
    assert partial is not None
    (sentence,) = partial.sentences()
    assert sentence.endswith(
        "circuits 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22 and others of 200, counted from 0."
    )


def test_one_place_is_no_number_of_circuits() -> None:
    partial = assembled((job(0), COUNTS), (job(1, status="running"), ""), circuits=2)
    assert partial is not None
    assert partial.sentences() == [
        "Results of 1 of 2 jobs are stored: circuit 0 of 2, counted from 0."
    ]
