"""Which index a page goes by is not left to a planner without statistics."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import connect

from uniqc_store import TaskFilter, TaskInfo, TaskStore, conditions, queries, snapshot
from uniqc_store.schema import read_layout

if TYPE_CHECKING:
    from pathlib import Path

    from uniqc_store.conditions import Index

FILTERS = [
    TaskFilter(),
    TaskFilter(status="active"),
    TaskFilter(status="finished"),
    TaskFilter(status="success"),
    TaskFilter(backend="originq"),
    TaskFilter(backend="originq:WK_C180"),
    TaskFilter(status="success", backend="originq"),
    TaskFilter(status="active", backend="originq:WK_C180"),
]


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


def plan(directory: Path, task_filter: TaskFilter, index: Index) -> str:
    """What SQLite says it does for a page."""
    with closing(connect(directory)) as connection:
        conditions.add_functions(connection)
        where = conditions.where_matching(task_filter, index=index)
        order_by = conditions.order_by(index)
        statement = queries.page(read_layout(connection), where, order_by=order_by)
        steps = connection.execute(
            f"EXPLAIN QUERY PLAN {statement}", {**where.parameters, "limit": 5}
        )
        return " ".join(str(step[3]) for step in steps)


@pytest.mark.parametrize("task_filter", FILTERS, ids=repr)
def test_by_time_a_page_is_walked_and_nothing_is_sorted(
    directory: Path, task_filter: TaskFilter
) -> None:
    steps = plan(directory, task_filter, "time")
    assert "tasks_submit_time_idx" in steps
    assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize("task_filter", FILTERS[6:], ids=repr)
@pytest.mark.parametrize(
    ("index", "other"),
    [
        ("status", "tasks_backend_idx"),
        ("backend", "tasks_status_idx"),
    ],
)
def test_by_a_label_only_its_own_index_is_used(
    directory: Path, task_filter: TaskFilter, index: Index, other: str
) -> None:
    steps = plan(directory, task_filter, index)
    assert f"tasks_{index}_idx" in steps
    assert other not in steps


@pytest.mark.parametrize("few", [1, 2, 5, 100])
@pytest.mark.parametrize("task_filter", FILTERS, ids=repr)
def test_whichever_way_is_gone_the_answer_is_the_same(
    directory: Path, task_filter: TaskFilter, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TaskStore(directory, read_only=True)
    usual = store.search(task_filter, limit=2)
    monkeypatch.setattr(snapshot, "FEW_TASKS", few)
    page = store.search(task_filter, limit=2)
    assert page == usual
    assert page.total == sum(group.count for group in store.tally(task_filter))


def test_a_rare_label_is_looked_up_and_a_common_one_is_walked(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "FEW_TASKS", 4)

    def best(task_filter: TaskFilter) -> Index:
        store = TaskStore(directory, read_only=True)
        return store.read(lambda state: state._best_index(task_filter))  # pyright: ignore[reportPrivateUsage]

    assert best(TaskFilter()) == "time"
    assert best(TaskFilter(status="success")) == "time"
    assert best(TaskFilter(status="active")) == "status"
    assert best(TaskFilter(status="active", backend="dummy")) == "status"
    assert best(TaskFilter(status="success", backend="absent")) == "backend"
