"""Several answers about one task must not contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

TASK_ID = "uqt_00000000000000000000000000000001"
JOB = """
    INSERT INTO task_shards
    SELECT task_id, 0, 'p0', backend, 1, 0, 'success', '{"0": 1000}', NULL, submit_time, update_time
    FROM tasks;
"""


@pytest.mark.parametrize("metadata", ["{cut short", "[1, 2]", "7", ""])
async def test_damaged_metadata_hides_no_missing_job(cache: Cache, metadata: str) -> None:
    task = {"task_id": TASK_ID, "status": "pending", "metadata_json": metadata}
    cache.write(task, version=5)
    text, listed = await cache.ask("list_tasks")
    assert listed["tasks"][0]["note"] == "no platform job"
    assert "heard of" not in text
    _, got = await cache.ask("get_task", task_id=TASK_ID)
    assert got["task"]["note"] == "no platform job"
    _, counted = await cache.ask("count_tasks")
    assert counted["store"]["notes"][0].startswith("Active tasks without a platform job: 1.")
    for arguments in ({}, {"task_ids": [TASK_ID]}):
        _, waited = await cache.ask("wait_for_tasks", timeout_seconds=1, **arguments)
        assert waited["state"] == "not_submitted"
        assert waited["active"][0]["note"] == "no platform job"


@pytest.mark.parametrize("status", ["running", "pending", "failed"])
async def test_a_wait_says_that_a_task_is_archived(cache: Cache, status: str) -> None:
    archive = f"""
        INSERT INTO archived_tasks
        SELECT *, '2026-11-03T12:00:00+00:00', NULL FROM (
            SELECT task_id, backend, '{status}', shots, submit_time, update_time, result_json,
                metadata_json FROM tasks);
        DELETE FROM tasks;
    """
    cache.write({"task_id": TASK_ID}, version=5, script=archive)
    text, waited = await cache.ask("wait_for_tasks", task_ids=[TASK_ID], timeout_seconds=1)
    assert waited["finished"][0]["note"] == "archived"
    assert ", archived" in text


@pytest.mark.parametrize("status", ["failed", "cancelled", "running"])
async def test_a_successful_job_of_a_task_without_success_is_marked_in_lists_too(
    cache: Cache, status: str
) -> None:
    task = {"task_id": TASK_ID, "status": status, "error_message": "polling failed: timeout"}
    cache.write(task, version=5, script=JOB)
    text, got = await cache.ask("get_task", task_id=TASK_ID)
    line, listed = await cache.ask("list_tasks", status="any")
    assert listed["tasks"][0].get("note") == got["task"].get("note")
    if note := got["task"].get("note"):
        assert note in text
        assert note in line
    assert bool(got["task"].get("note")) == (status != "cancelled")
