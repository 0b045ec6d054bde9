"""Waits for tasks that never reached a platform, and the reasons of those that ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.records.conftest import TASK_ID
from tests.server.waiting.test_wait import while_waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Cache

    Case = Callable[..., Cache]

RUNNING_TOO = """
    INSERT INTO tasks SELECT 'uqt_running', backend, 'running', shots, submit_time, update_time,
        NULL, '{}', NULL
    FROM tasks
"""
ITS_JOB = """
    INSERT INTO task_shards SELECT task_id, 0, 'p1', backend, 1, 0, 'running', NULL, NULL,
        submit_time, update_time
    FROM tasks WHERE task_id = 'uqt_running'
"""
PART = "its submission did not get through, or is under way"


@pytest.mark.parametrize("arguments", [{}, {"task_ids": [TASK_ID]}, {"backend": "originq"}])
@pytest.mark.parametrize("until", ["any", "all"])
async def test_a_wait_for_tasks_without_a_job_ends_at_once(
    case: Case, arguments: dict[str, Any], until: str
) -> None:
    cache = case("pending-without-job")
    began = time.monotonic()
    text, answer = await cache.ask("wait_for_tasks", until=until, timeout_seconds=50, **arguments)
    assert time.monotonic() - began < 40
    assert answer["state"] == "not_submitted"
    assert (answer["active_total"], answer["changes_total"]) == (1, 0)
    assert answer["active"][0]["note"] == "no platform job"
    assert "seconds_since_update" not in answer["active"][0]
    assert "heard of" not in text
    assert "can't finish by itself" in text
    assert "more" not in answer
    assert "go on waiting" not in text
    assert PART in text
    assert any(PART in note for note in answer["store"]["notes"])


async def test_others_are_waited_for_beside_one_without_a_job(case: Case) -> None:
    cache = case("pending-without-job", RUNNING_TOO, ITS_JOB)
    text, answer = await cache.ask("wait_for_tasks", timeout_seconds=1)
    assert (answer["state"], answer["active_total"]) == ("timeout", 2)
    assert any(PART in note for note in answer["store"]["notes"])
    assert "1 of the active tasks can't finish." in text


async def test_a_wait_ends_when_only_tasks_without_a_job_are_left(case: Case) -> None:
    cache = case("pending-without-job", RUNNING_TOO, ITS_JOB)

    def finish() -> None:
        cache.change("UPDATE tasks SET status = 'success' WHERE task_id = 'uqt_running'")

    text, answer = await while_waiting(cache, finish, until="all")
    assert answer["state"] == "not_submitted"
    assert [change["task_id"] for change in answer["changes"]] == ["uqt_running"]
    assert PART in text


async def test_a_file_without_jobs_is_waited_for_as_ever(case: Case) -> None:
    cache = case("pending-without-job", "DROP TABLE task_shards")
    _, answer = await cache.ask("wait_for_tasks", timeout_seconds=1)
    assert answer["state"] == "timeout"


async def test_a_task_that_fails_during_the_wait_comes_with_its_reason(case: Case) -> None:
    cache = case(
        "reason-in-shard-result", "UPDATE tasks SET status = 'running', error_message = NULL"
    )

    def fail() -> None:
        cache.change("UPDATE tasks SET status = 'failed', error_message = 'shard 0: failed'")

    text, answer = await while_waiting(cache, fail)
    (change,) = answer["changes"]
    assert change["error"] == "compile error: no route between Q3 and Q9"
    assert 'error: "compile error: no route between Q3 and Q9"' in text


async def test_a_task_that_had_finished_comes_with_its_reason_and_progress(case: Case) -> None:
    cache = case("batch-failed-no-error")
    text, answer = await cache.ask("wait_for_tasks", task_ids=[TASK_ID])
    (task,) = answer["finished"]
    assert task["error"].startswith("job 2 of 3: A invalid qubit is used.")
    assert task["note"] == "results of 2 of 3 jobs"
    assert 'error: "job 2 of 3: A invalid' in text
    cache = case("batch-cut-short")
    text, answer = await cache.ask("wait_for_tasks", task_ids=[TASK_ID])
    assert answer["finished"][0]["note"] == "2 of 5 circuits submitted"
    assert "2 of 5 circuits submitted" in text


async def test_a_credential_in_a_reason_is_hidden_in_a_wait(case: Case) -> None:
    change = "UPDATE task_shards SET error_message = 'token=hunter2hunter2' WHERE shard_index = 1"
    text, answer = await case("batch-failed-no-error", change).ask(
        "wait_for_tasks", task_ids=[TASK_ID]
    )
    assert "hunter2" not in text + str(answer)
    assert "[redacted]" in text


# Counts


@pytest.mark.parametrize("group_by", ["total", "status", "backend", "status_backend"])
@pytest.mark.parametrize("status", ["active", "pending"])
async def test_a_count_says_how_many_reached_no_platform(
    case: Case, group_by: str, status: str
) -> None:
    cache = case("pending-without-job", RUNNING_TOO, ITS_JOB)
    text, answer = await cache.ask("count_tasks", status=status, group_by=group_by)
    assert "Active tasks without a platform job: 1. No platform job: its submission" in text
    assert any(PART in note for note in answer["store"]["notes"])


async def test_a_count_of_other_tasks_does_not(case: Case) -> None:
    cache = case("pending-without-job", RUNNING_TOO, ITS_JOB)
    for arguments in ({"status": "running"}, {"status": "finished"}, {"backend": "ibm"}):
        text, _ = await cache.ask("count_tasks", **arguments)
        assert PART not in text
    text, _ = await cache.ask("count_tasks")
    assert PART in text
    assert PART in await cache.read("uniqc://store")
