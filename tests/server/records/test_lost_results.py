"""Batches with fewer results than circuits."""

from __future__ import annotations

import pytest

from uniqc_mcp.records.lost_results import copied_histograms, kept_first_only, may_hold_copies
from uniqc_store import JsonValue, TaskRecord, TaskShard


def record(backend: str = "originq:WK_C180", **metadata: JsonValue) -> TaskRecord:
    return TaskRecord(
        task_id="uqt_1",
        backend=backend,
        status="success",
        shots=1000,
        submit_time="2026-11-03T12:00:00+00:00",
        update_time="2026-11-03T12:00:00+00:00",
        metadata=metadata,
        error_message=None,
        archived_at=None,
        result_bytes=2,
        damaged=(),
    )


def job(
    index: int, first: int, circuits: int, platform_id: str = "", status: str = "success"
) -> TaskShard:
    return TaskShard(
        uniqc_task_id="uqt_1",
        shard_index=index,
        platform_task_id=platform_id or f"P{index}",
        backend="originq:WK_C180",
        circuit_count=circuits,
        sub_index_offset=first,
        status=status,
    )


def test_an_object_for_several_circuits_is_one_histogram() -> None:
    (copied,) = copied_histograms([job(0, 0, 3), job(1, 3, 1)], {0: "{", 1: "{"})
    assert copied.jobs == (0,)
    assert copied.places == frozenset({0, 1, 2})
    assert str(copied).startswith("Job 0 covers 3 circuits and holds one histogram: uniqc copied")


def test_jobs_of_one_platform_id_are_one_job() -> None:
    jobs = [job(index, index, 1, "SAME") for index in range(10)]
    (copied,) = copied_histograms(jobs, dict.fromkeys(range(10), "{"))
    assert len(copied.places) == 10
    assert str(copied).startswith("Jobs 0, 1, 2, 3, 4, 5, 6, 7 and 2 more are one job")


@pytest.mark.parametrize(
    ("jobs", "starts"),
    [
        ([job(0, 0, 3)], {0: "["}),
        ([job(0, 0, 3)], {}),
        ([job(0, 0, 3)], {0: "n"}),
        ([job(0, 0, 3, status="failed")], {0: "{"}),
        ([job(0, 0, 1), job(1, 1, 1)], {0: "{", 1: "{"}),
        ([job(0, 0, 1, "SAME"), job(1, 1, 1, "SAME")], {0: "{", 1: "["}),
        ([job(0, 0, -5)], {0: "{"}),
        ([], {}),
    ],
)
def test_other_jobs_hold_no_copies(jobs: list[TaskShard], starts: dict[int, str]) -> None:
    assert copied_histograms(jobs, starts) == ()


@pytest.mark.parametrize(
    ("backend", "jobs", "expected"),
    [
        ("originq:WK_C180", [job(0, 0, 3)], True),
        ("originq", [job(0, 0, 1), job(1, 1, 1)], True),
        ("originq:WK_C180", [job(0, 0, 1)], False),
        ("originq:WK_C180", [], False),
        ("quark:Baihua", [job(0, 0, 3)], False),
        ("dummy:originq:WK_C180", [job(0, 0, 3)], False),
    ],
)
def test_results_of_jobs_are_read_for_batches_of_originq_only(
    backend: str, jobs: list[TaskShard], *, expected: bool
) -> None:
    assert may_hold_copies(record(backend), jobs) == expected


@pytest.mark.parametrize(
    ("task", "version", "is_list", "expected"),
    [
        (record("ibm", batch_size=2), 2, False, 2),
        (record("ibm:ibm_fez", batch_size=5), 3, False, 5),
        (record("ibm", batch_size=3, legacy_platform_id="d0"), 5, False, 3),
        (record("ibm", batch_size=2), 5, False, 0),
        (record("ibm", batch_size=2), 2, True, 0),
        (record("ibm", batch_size=1), 2, False, 0),
        (record("ibm", batch_size="2"), 2, False, 0),
        (record("ibm", batch_size=True), 2, False, 0),
        (record("ibm"), 2, False, 0),
        (record("originq", batch_size=2), 2, False, 0),
        (record("dummy:ibm:fez", batch_size=2), 2, False, 0),
    ],
)
def test_a_single_object_for_a_batch_of_ibm_is_its_first_circuit(
    task: TaskRecord, version: int, *, is_list: bool, expected: int
) -> None:
    assert kept_first_only(task, version, is_list=is_list) == expected
