"""Tasks that never reached a platform are found among the active ones, not among all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from uniqc_store import TaskFilter
from uniqc_store.database import functions
from uniqc_store.query import statements
from uniqc_store.query.conditions import FilterSql

BY_UNIQC = Path(__file__).parents[2] / "data" / "stores" / "5-0.1.0.sqlite"


def plan_without_job(task_filter: TaskFilter) -> str:
    """Return SQLite's plan for counting the active tasks without a job."""
    where = FilterSql(task_filter).where(index="status")
    where.add(statements.WITHOUT_JOB)
    with closing(sqlite3.connect(f"file:{BY_UNIQC}?mode=ro&immutable=1", uri=True)) as connection:
        functions.add_functions(connection)
        steps = connection.execute(
            f"EXPLAIN QUERY PLAN {statements.count(where)}", where.parameters
        )
        return "; ".join(text for _, _, _, text in steps)


@pytest.mark.parametrize(
    "task_filter",
    [
        TaskFilter(status="active"),
        TaskFilter(status="active", backend="originq"),
        TaskFilter(status="pending", backend="dummy"),
    ],
    ids=repr,
)
def test_tasks_without_a_job_are_found_by_their_status_and_not_by_their_id(
    task_filter: TaskFilter,
) -> None:
    steps = plan_without_job(task_filter)
    assert "SEARCH tasks USING INDEX tasks_status_idx" in steps
    assert "tasks USING INDEX sqlite_autoindex_tasks_1" not in steps
