"""A wait for the tasks that were submitted in a range of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.server.watching import uniqc

from uniqc_store import TaskInfo

if TYPE_CHECKING:
    from tests.server.conftest import Cache

    from uniqc_store import TaskStore

SINCE = {"submitted_after": "2026-02-01"}


def with_two_tasks(cache: Cache) -> TaskStore:
    store = uniqc(cache)
    for task_id, month in (("old", "01"), ("new", "03")):
        store.save(TaskInfo(task_id, "dummy", status="running", submit_time=f"2026-{month}-15"))
    return store


def finish(store: TaskStore, task_id: str) -> None:
    task = store.get(task_id)
    assert task is not None
    task.status = "success"
    store.save(task)


@pytest.mark.parametrize(
    ("asked", "others"), [(SINCE, "old"), ({"submitted_before": "2026-02-01"}, "new")]
)
async def test_only_tasks_of_that_time_are_waited_for(
    cache: Cache, asked: dict[str, Any], others: str
) -> None:
    store = with_two_tasks(cache)
    (waited,) = {"old", "new"} - {others}
    _, before = await cache.ask("wait_for_tasks", **asked, timeout_seconds=1)
    assert [task["task_id"] for task in before["active"]] == [waited]
    assert "submitted" in before["matching"]
    finish(store, others)
    cursor = before["cursor"]
    _, after = await cache.ask("wait_for_tasks", **asked, cursor=cursor, timeout_seconds=1)
    assert (after["state"], after["changes"]) == ("timeout", [])
    finish(store, waited)
    _, after = await cache.ask("wait_for_tasks", **asked, cursor=cursor, timeout_seconds=1)
    assert [change["task_id"] for change in after["changes"]] == [waited]


async def test_a_time_at_which_nothing_was_submitted_is_no_finished_wait(cache: Cache) -> None:
    with_two_tasks(cache)
    _, answer = await cache.ask("wait_for_tasks", submitted_after="2026-05-01")
    assert answer["state"] == "none_match"


async def test_times_beside_ids_and_what_is_no_time_are_refused(cache: Cache) -> None:
    with_two_tasks(cache)
    both = {"task_ids": ["old"], **SINCE}
    assert "Give task_ids, or filters" in await cache.refusal("wait_for_tasks", both)
    refusal = await cache.refusal("wait_for_tasks", {"submitted_after": "soon"})
    assert "submitted_after must be a date or time" in refusal
