"""A wait for so many active tasks that a page of them does not count them all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from uniqc_store import TaskFilter

if TYPE_CHECKING:
    from tests.server.conftest import Cache

MANY = 2_000
FILTERS = ({"backend": "originq"}, {"name_contains": "vqe"}, {"submitted_after": "2026-01-01"})


def with_many(cache: Cache, *, jobs_of: int) -> Cache:
    """Write many running tasks, of which the first have a platform job."""
    metadata = json.dumps({"task_name": "VQE"})
    cache.write(
        *(
            {"task_id": f"uqt_{place:032x}", "status": "running", "metadata_json": metadata}
            for place in range(MANY)
        ),
        *({"status": "running", "backend": "ibm:x"} for _ in range(MANY)),
        version=5,
        script=f"""
            INSERT INTO task_shards
            SELECT task_id, 0, 'p', backend, 1, 0, 'running', NULL, NULL, submit_time, update_time
            FROM tasks LIMIT {jobs_of}
        """,
    )
    return cache


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: next(iter(filters)))
async def test_all_active_tasks_are_counted(cache: Cache, filters: dict[str, Any]) -> None:
    with_many(cache, jobs_of=2 * MANY)
    text, answer = await cache.ask("wait_for_tasks", **filters, timeout_seconds=1)
    expected = 2 * MANY if "submitted_after" in filters else MANY
    assert answer["active_total"] == expected
    assert f"Still active: {expected}" in text


async def test_many_without_a_job_beside_some_with_one_may_finish(cache: Cache) -> None:
    with_many(cache, jobs_of=MANY // 2)
    page = cache.store.search(TaskFilter(status="active", backend="originq"), limit=10)
    assert not page.exact  # so that the test can fail
    _, answer = await cache.ask("wait_for_tasks", backend="originq", timeout_seconds=1)
    assert answer["state"] == "timeout"
