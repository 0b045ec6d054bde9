"""A plan is bound to rows as they were: whatever another process changes is kept and reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from uniqc_store import TaskFilter, TaskStore

if TYPE_CHECKING:
    from tests.clearing_cache import Cache

TASK = "WHERE task_id = (SELECT min(task_id) FROM tasks WHERE status = 'success')"
JOB = """WHERE uniqc_task_id = (
    SELECT min(uniqc_task_id) FROM task_shards
    JOIN tasks ON task_id = uniqc_task_id AND tasks.status = 'success'
)"""


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE tasks SET result_json = '{{}}' {TASK}",
        f"UPDATE tasks SET result_json = NULL {TASK}",
        f"UPDATE tasks SET metadata_json = CAST(metadata_json AS BLOB) {TASK}",
        f"UPDATE tasks SET backend = 'another' {TASK}",
        f"UPDATE tasks SET status = 'failed' {TASK}",
        f"UPDATE tasks SET error_message = 'late' {TASK}",
        f"UPDATE tasks SET shots = shots + 1 {TASK}",
        f"UPDATE task_shards SET result_json = '{{}}' {JOB}",
        f"UPDATE task_shards SET status = 'failed' {JOB}",
        f"DELETE FROM task_shards {JOB}",
    ],
)
def test_a_task_whose_row_or_job_changed_since_the_plan_is_kept(
    cache: Cache, statement: str
) -> None:
    store = TaskStore(cache.copy().directory)
    plan = store.plan_clear(TaskFilter())
    cache.change(statement)
    done = store.clear(plan)
    assert [(reason.text, reason.count) for reason in done.skipped] == [("changed since", 1)]
    assert done.cleared == len(plan.rows) - 1


def test_a_plan_of_text_that_is_not_utf_8_and_of_numbers_as_text_is_good(cache: Cache) -> None:
    cache.fill(3)
    cache.change("UPDATE tasks SET metadata_json = CAST(x'ff' AS TEXT), shots = 0.1")
    store = TaskStore(cache.directory)
    assert store.clear(store.plan_clear(TaskFilter())).cleared == 3
