"""compare_tasks tells of a task that was cleared, and names the store as the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store import CLEARED_FILENAME, TaskFilter, TaskInfo, TaskStore

if TYPE_CHECKING:
    from tests.clearing_cache import Cache


async def test_a_cleared_task_is_told_and_the_store_is_the_source(cache: Cache) -> None:
    cache.fill(1, prefix="gone")
    store = TaskStore(cache.directory)
    receipt = store.clear(store.plan_clear(TaskFilter())).receipt_id
    store.save(TaskInfo(task_id="live-1", backend="dummy", status="running"))
    cache.backdate()
    async with cache.client() as client:
        text, answer = await cache.call(client, "compare_tasks", task_ids=["gone-1", "live-1"])
    (note,) = (note for note in answer["notes"] if receipt in note)
    assert note.startswith("The first was cleared 20")
    assert note in text
    assert CLEARED_FILENAME not in text
    assert answer["store"]["location"].endswith("tasks.sqlite")
