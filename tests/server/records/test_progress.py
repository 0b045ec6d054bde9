"""The progress of a task's jobs: circuits submitted, results, contradictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from uniqc_mcp.records.progress import Progress, needs_jobs
from uniqc_store import TaskRecord, TaskShard

TASK = TaskRecord(
    task_id="uqt_1",
    backend="originq:WK_C180",
    status="success",
    shots=1000,
    submit_time="",
    update_time="",
    metadata={"circuits": [*5 * ["QINIT 1"]], "batch_size": 5},
    error_message=None,
    archived_at=None,
    result_bytes=None,
    damaged=(),
)


def jobs(*statuses: str, circuits: int = 1, has_result: bool = False) -> list[TaskShard]:
    return [
        TaskShard(
            uniqc_task_id="uqt_1",
            shard_index=index,
            platform_task_id=f"p{index}",
            backend="originq:WK_C180",
            status=status,
            circuit_count=circuits,
            has_result=has_result,
        )
        for index, status in enumerate(statuses)
    ]


def progress(these: list[TaskShard], *, has_job_table: bool = True, **changes: Any) -> Progress:
    return Progress.of(replace(TASK, **changes), these, has_job_table=has_job_table)


def test_circuits_without_a_platform_job_are_counted() -> None:
    short = progress(jobs("success", "success"))
    assert short.marks == "2 of 5 circuits submitted"
    assert [*short.sentences()] == ["2 of 5 circuits were submitted; 3 have no platform job."]
    native = progress(jobs("success", circuits=4))
    assert [*native.sentences()] == ["4 of 5 circuits were submitted; 1 has no platform job."]
    refused = progress([], status="failed")
    assert refused.marks == "0 of 5 circuits submitted"


@pytest.mark.parametrize(
    "whole",
    [
        progress(jobs(*5 * ["success"])),
        progress(jobs("success", circuits=5)),
        # One row of an older release has one circuit and the size of its batch.
        progress(jobs("success"), metadata={"batch_size": 5, "circuit_ir": "QINIT 1"}),
        # An upgrade made one job for a task whatever had been submitted.
        progress(jobs("success"), metadata={**TASK.metadata, "legacy_platform_id": "1"}),
        progress([], has_job_table=False),
        progress([], archived_at="2026-11-01T00:00:00+00:00"),
        progress([], archived_at="2026-11-01T00:00:00+00:00", status="failed"),
        progress([]),
        progress(jobs("success"), damaged=("task_id",)),
    ],
)
def test_nothing_is_said_of_a_whole_batch_or_where_it_is_not_known(whole: Progress) -> None:
    assert whole.marks == ""
    assert not [*whole.sentences()]


@pytest.mark.parametrize("status", ["pending", "running", "QUEUED"])
@pytest.mark.parametrize("metadata", [{}, TASK.metadata])
def test_an_active_task_without_a_job_never_reached_a_platform(
    status: str, metadata: dict[str, Any]
) -> None:
    stuck = progress([], status=status, metadata=metadata)
    assert stuck.never_submitted
    assert stuck.marks == "no platform job"
    (sentence,) = stuck.sentences()
    assert sentence.startswith("No platform job: its submission did not get through")


@pytest.mark.parametrize(
    "known",
    [
        progress(jobs("pending"), status="pending", metadata={}),
        progress([], status="pending", has_job_table=False),
        progress([], status="pending", task_id="1234abcd"),
        progress([], status="pending", metadata={"legacy_platform_id": "1"}),
        progress([], status="pending", damaged=("task_id",)),
        progress([], status="success", metadata={}),
    ],
)
def test_other_tasks_may_have_reached_one(known: Progress) -> None:
    assert not known.never_submitted
    assert known.marks == ""


@pytest.mark.parametrize(
    ("status", "statuses", "mark"),
    [
        ("success", ["success", "failed"], "1 of 2 jobs failed"),
        ("success", ["success", "running"], "1 of 2 jobs is not finished"),
        ("success", ["cancelled"], "its job is cancelled"),
        ("failed", ["failed", "QUEUED", "running"], "2 of 3 jobs are not finished"),
        ("failed", ["success", "success"], "all 2 jobs are successful"),
        ("running", ["success", "failed"], "all 2 jobs are finished"),
        ("pending", ["success"], "its job is finished"),
        ("cancelled", ["failed", "cancelled"], "1 of 2 jobs failed"),
        ("running", ["running", "failed"], ""),
        ("failed", ["success", "failed"], ""),
        ("cancelled", ["success", "cancelled"], ""),
    ],
)
def test_jobs_that_contradict_their_task_are_told(
    status: str, statuses: list[str], mark: str
) -> None:
    told = progress(jobs(*statuses), status=status, metadata={})
    assert told.marks == mark
    state = "not finished" if status in {"running", "pending"} else status
    sentence = f"{mark[:1].upper()}{mark[1:]}, but the task is {state}."
    assert [*told.sentences()] == ([sentence] if mark else [])


def test_results_of_some_jobs_are_marked_while_the_task_has_none() -> None:
    these = jobs("success", has_result=True) + jobs("failed", has_result=True) + jobs("running")
    running = progress(these, status="running", metadata={})
    assert running.marks == "results of 1 of 3 jobs"
    assert progress(these, metadata={}).marks == "1 of 3 jobs is not finished; 1 of 3 jobs failed"


def test_a_line_about_a_successful_single_task_needs_no_jobs() -> None:
    single = replace(TASK, metadata={"circuit_ir": "QINIT 1"})
    assert not needs_jobs(single)
    assert needs_jobs(replace(single, status="failed"))
    assert needs_jobs(replace(single, status="running"))
    assert needs_jobs(TASK)
