"""Which index a question goes by is not left to a planner without statistics."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import connect

from uniqc_store import TaskFilter, TaskInfo, TaskStore, conditions, probing, queries
from uniqc_store.filters import Cursor
from uniqc_store.schema import read_layout

if TYPE_CHECKING:
    from pathlib import Path

    from uniqc_store.conditions import Index, Where

AFTER = datetime(2026, 8, 1, tzinfo=UTC)
BEFORE = datetime(2099, 8, 1, tzinfo=UTC)
FILTERS = [
    TaskFilter(),
    TaskFilter(status="active"),
    TaskFilter(status="finished"),
    TaskFilter(status="success"),
    TaskFilter(backend="originq"),
    TaskFilter(backend="originq:WK_C180"),
    TaskFilter(name_contains="vqe"),
    TaskFilter(submitted_after=AFTER, submitted_before=BEFORE),
    TaskFilter(status="success", backend="originq"),
    TaskFilter(status="active", backend="originq:WK_C180"),
    TaskFilter(status="active", backend="originq", submitted_before=BEFORE, name_contains="vqe"),
]
BY_BOTH_LABELS = FILTERS[8:]
PLACE = Cursor(time=b"2026-08-02", is_text=True, rowid=3, seen=0)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Nine tasks that succeeded, three of them on one backend, and one that runs on it."""
    store = TaskStore(tmp_path)
    for number in range(10):
        store.save(
            TaskInfo(
                task_id=f"t{number}",
                backend="originq:WK_C180" if number in {0, 3, 6, 9} else "dummy",
                status="running" if number == 9 else "success",
            )
        )
    return tmp_path


def plan(directory: Path, statement: str, where: Where | None = None) -> str:
    """What SQLite says it does, step by step."""
    values = {"limit": 5, "bound": 5, "width": 5, "rows": "[1, 2]", "status": "success"}
    with closing(connect(directory)) as connection:
        conditions.add_functions(connection)
        steps = connection.execute(
            f"EXPLAIN QUERY PLAN {statement}", values | (where.parameters if where else {})
        )
        return "; ".join(str(step[3]) for step in steps)


def page(directory: Path, where: Where, index: Index) -> str:
    with closing(connect(directory)) as connection:
        layout = read_layout(connection)
    statement = queries.page(layout, where, order_by=conditions.order_by(index))
    return plan(directory, statement, where)


@pytest.mark.parametrize("later", [False, True], ids=["first page", "later page"])
@pytest.mark.parametrize("task_filter", FILTERS, ids=repr)
def test_by_time_a_page_is_walked_and_nothing_is_sorted(
    directory: Path, task_filter: TaskFilter, *, later: bool
) -> None:
    where = conditions.where_matching(task_filter, index="time")
    if later:
        conditions.start_after(where, PLACE, index="time")
    conditions.end_with(where, PLACE)
    steps = page(directory, where, "time")
    assert "tasks_submit_time_idx" in steps
    assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize("task_filter", FILTERS, ids=repr)
def test_how_far_to_walk_is_told_by_the_index_alone(
    directory: Path, task_filter: TaskFilter
) -> None:
    where = conditions.where_text_in_time(task_filter)
    conditions.start_after(where, PLACE, index="time")
    steps = plan(directory, queries.place_after(where), where)
    assert steps.startswith("SEARCH tasks USING COVERING INDEX tasks_submit_time_idx")
    assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize("task_filter", BY_BOTH_LABELS, ids=repr)
@pytest.mark.parametrize(
    ("index", "others"),
    [
        ("status", ("tasks_backend_idx", "tasks_submit_time_idx")),
        ("backend", ("tasks_status_idx", "tasks_submit_time_idx")),
        ("time", ("tasks_status_idx", "tasks_backend_idx")),
    ],
)
def test_what_one_index_leaves_is_found_by_no_other(
    directory: Path, task_filter: TaskFilter, index: Index, others: tuple[str, ...]
) -> None:
    where = conditions.where_matching(task_filter, index=index)
    statement = queries.rows_in_order(where, order_by=conditions.order_by(index))
    for steps in (page(directory, where, index), plan(directory, statement, where)):
        assert f"tasks_{index.replace('time', 'submit_time')}_idx" in steps
        assert not any(other in steps for other in others)


@pytest.mark.parametrize("task_filter", FILTERS, ids=repr)
def test_a_probe_reads_no_task(directory: Path, task_filter: TaskFilter) -> None:
    for index, where in conditions.selective(task_filter):
        steps = plan(directory, queries.count_at_most(where), where)
        index_of = f"tasks_{index.replace('time', 'submit_time')}_idx"
        # Of all tasks, any index tells how many there are.
        assert f"COVERING INDEX {index_of}" in steps or not where.conditions
        assert "COVERING INDEX" in steps


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (queries.STATUSES, "tasks_status_idx"),
        (queries.BACKENDS, "tasks_backend_idx"),
        (queries.COUNT_BY_BACKEND, "tasks_backend_idx"),
        (queries.COUNT_STATUS, "tasks_status_idx"),
        (queries.tally(["status"], conditions.Where()), "tasks_status_idx"),
    ],
)
def test_counts_by_one_label_read_its_index_alone(
    directory: Path, statement: str, index: str
) -> None:
    assert f"COVERING INDEX {index}" in plan(directory, statement)


def test_the_backends_of_one_status_are_counted_among_its_tasks(directory: Path) -> None:
    steps = plan(directory, queries.COUNT_STATUS_BY_BACKEND)
    assert steps.startswith("SEARCH tasks USING INDEX tasks_status_idx (status=?)")


def test_rows_that_are_known_are_looked_up_in_their_order(directory: Path) -> None:
    with closing(connect(directory)) as connection:
        layout = read_layout(connection)
    steps = plan(directory, queries.page_of_rows(layout))
    assert steps.startswith("SCAN chosen VIRTUAL TABLE")
    assert "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)" in steps


def test_a_label_that_few_tasks_have_is_looked_up_and_a_common_one_is_walked(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "FEW_TASKS", 4)

    def best(status: str = "any", backend: str = "") -> Index | None:
        wanted = TaskFilter(status=status, backend=backend)
        narrowing = TaskStore(directory, read_only=True).read(
            lambda snapshot: probing.narrowest(snapshot._session, wanted)  # pyright: ignore[reportPrivateUsage]
        )
        return None if narrowing is None else narrowing.index

    assert best() is None
    assert best(status="success") is None
    assert best(status="active") == "status"
    assert best(status="active", backend="dummy") == "status"
    assert best(status="success", backend="absent") == "backend"
    assert best(status="success", backend="dummy") is None
