"""What several answers say of one task must not contradict."""

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
