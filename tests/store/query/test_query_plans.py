"""Each query uses the intended index, which SQLite could not choose without statistics."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import connect, insert_all, make_store

from uniqc_store import Snapshot, TaskFilter, TaskInfo, TaskStore
from uniqc_store.cursors import Cursor
from uniqc_store.database import functions
from uniqc_store.database.schema import read_layout
from uniqc_store.query import (
    index_scan,
    planner,
    sort_scan,
    statements,
    time_conditions,
)
from uniqc_store.query.conditions import FilterSql
from uniqc_store.query.where import Where

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from uniqc_store.query.where import Index

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
LOOKED_UP = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"
NEWEST = time_conditions.order_by("time")
PLACE = Cursor(time=b"2026-08-02", is_text=True, rowid=3, seen=0)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a store of nine successful tasks, three on one backend, and one running there."""
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
    """Return the steps of SQLite's query plan."""
    values = {
        "limit": 5,
        "bound": 5,
        "width": 5,
        "looked_up": 5,
        "skipped": 5,
        "rows": "[1]",
        "status": "success",
    }
    with closing(connect(directory)) as connection:
        functions.add_functions(connection)
        steps = connection.execute(
            f"EXPLAIN QUERY PLAN {statement}", values | (where.parameters if where else {})
        )
        return "; ".join(without_labels(steps.fetchall()))


def without_labels(steps: list[tuple[int, int, int, str]]) -> list[str]:
    """Return the steps without those of a list of distinct labels, found by seeks in its index."""
    parents = {step: (parent, text) for step, parent, _, text in steps}

    def list_of(step: int) -> int:
        while step and not parents[step][1].startswith("LIST SUBQUERY"):
            step = parents[step][0]
        return step

    labels = {list_of(step) for step, _, _, text in steps if text.startswith("SEARCH every USING")}
    return [text for step, _, _, text in steps if not list_of(step) or list_of(step) not in labels]


def page_plan(directory: Path, where: Where, index: Index) -> str:
    with closing(connect(directory)) as connection:
        layout = read_layout(connection)
    statement = statements.page(layout, where, order_by=time_conditions.order_by(index))
    return plan(directory, statement, where)


def page_of_rows_plan(directory: Path, rows: str, where: Where) -> str:
    with closing(connect(directory)) as connection:
        layout = read_layout(connection)
    return plan(directory, statements.page_of_rows(layout, rows, where), where)


@pytest.mark.parametrize("later", [False, True], ids=["first page", "later page"])
@pytest.mark.parametrize("task_filter", FILTERS, ids=repr)
def test_a_page_by_time_walks_its_index_without_sorting(
    directory: Path, task_filter: TaskFilter, *, later: bool
) -> None:
    start = PLACE if later else None
    where = FilterSql(task_filter).where(index="time", start=start, end=PLACE)
    steps = page_plan(directory, where, "time")
    assert "tasks_submit_time_idx" in steps
    assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize("task_filter", FILTERS, ids=repr)
def test_the_end_of_a_walk_is_found_in_the_index_alone(
    directory: Path, task_filter: TaskFilter
) -> None:
    where = FilterSql(task_filter).time_range(start=PLACE)
    steps = plan(directory, statements.place_after(where, order_by=NEWEST), where)
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
def test_a_query_by_one_index_uses_no_other(
    directory: Path, task_filter: TaskFilter, index: Index, others: tuple[str, ...]
) -> None:
    where = FilterSql(task_filter).where(index=index)
    statement = statements.sorted_rowids(where, order_by=time_conditions.order_by(index))
    for steps in (page_plan(directory, where, index), plan(directory, statement, where)):
        assert f"tasks_{index.replace('time', 'submit_time')}_idx" in steps
        assert not any(other in steps for other in others)


@pytest.mark.parametrize("task_filter", FILTERS, ids=repr)
def test_a_bounded_count_reads_no_task(directory: Path, task_filter: TaskFilter) -> None:
    for index, where in planner.index_conditions(FilterSql(task_filter)):
        steps = plan(directory, statements.count_at_most(where), where)
        index_of = f"tasks_{index.replace('time', 'submit_time')}_idx"
        # Without conditions, any index gives the number of tasks.
        assert f"COVERING INDEX {index_of}" in steps or not where.conditions
        assert "COVERING INDEX" in steps


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (statements.STATUSES, "tasks_status_idx"),
        (statements.BACKENDS, "tasks_backend_idx"),
        (statements.COUNT_BY_BACKEND, "tasks_backend_idx"),
        (statements.COUNT_STATUS, "tasks_status_idx"),
        (statements.tally(["status"], Where()), "tasks_status_idx"),
    ],
)
def test_counts_by_one_label_read_only_its_index(
    directory: Path, statement: str, index: str
) -> None:
    assert f"COVERING INDEX {index}" in plan(directory, statement)


def test_backends_of_one_status_are_counted_by_the_index_on_status(directory: Path) -> None:
    steps = plan(directory, statements.COUNT_STATUS_BY_BACKEND)
    assert steps.startswith("SEARCH tasks USING INDEX tasks_status_idx (status=?)")


@pytest.mark.parametrize("task_filter", FILTERS, ids=repr)
def test_listed_rows_are_looked_up_by_rowid_and_no_others(
    directory: Path, task_filter: TaskFilter
) -> None:
    where = FilterSql(task_filter).where(index="rowid", start=PLACE)
    steps = page_of_rows_plan(directory, statements.LISTED_ROWS, where)
    assert steps == "SCAN json_each VIRTUAL TABLE INDEX 1:; " + LOOKED_UP


@pytest.mark.parametrize("start", [None, PLACE], ids=["first page", "later page"])
@pytest.mark.parametrize("task_filter", FILTERS, ids=repr)
def test_tasks_of_a_label_are_found_along_the_submit_time_without_sorting(
    directory: Path, task_filter: TaskFilter, start: Cursor | None
) -> None:
    sql = FilterSql(task_filter)
    walked = sql.time_range(start=start)
    for index, of_label in planner.index_conditions(sql):
        if index in ("status", "backend"):
            where = sql.where(index="rowid")
            where.parameters |= of_label.parameters | walked.parameters
            rows = statements.first_rows_with(walked, of_label, order_by=NEWEST)
            steps = page_of_rows_plan(directory, rows, where)
            assert "USING COVERING INDEX tasks_submit_time_idx" in steps
            assert f"SEARCH tasks USING COVERING INDEX tasks_{index}_idx" in steps
            assert steps.endswith(LOOKED_UP)
            assert "TEMP B-TREE" not in steps


def test_the_index_of_a_rare_label_is_chosen_and_that_of_a_common_one_is_not(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", 4)

    def chosen(status: str = "any", backend: str = "") -> Index | None:
        wanted = TaskFilter(status=status, backend=backend)
        choice = TaskStore(directory, read_only=True).read(
            lambda snapshot: planner.choose_index(snapshot._session, FilterSql(wanted))  # pyright: ignore[reportPrivateUsage]
        )
        return None if choice is None else choice.index

    assert chosen() is None
    assert chosen(status="success") is None
    assert chosen(status="active") == "status"
    assert chosen(status="active", backend="dummy") == "status"
    assert chosen(status="success", backend="absent") == "backend"
    assert chosen(status="success", backend="dummy") is None


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskStore:
    """Return a store of 2,997 successful and three running tasks, sixty in each minute."""
    monkeypatch.setattr(planner, "FEW_TASKS", 100)
    make_store(tmp_path)
    insert_all(
        tmp_path,
        (
            {
                "task_id": f"t{number}",
                "status": "success" if number % 1_000 else "running",
                "submit_time": f"2026-08-02T00:{number // 60:02}",
                "metadata_json": '{"task_name": "vqe"}' if number % 1_000 else "{}",
            }
            for number in range(3_000)
        ),
    )
    return TaskStore(tmp_path, read_only=True)


def executed(store: TaskStore, question: Callable[[Snapshot], object]) -> list[str]:
    """Return the statements of a query function, each in one line with its values."""
    statements: list[str] = []

    def ask(snapshot: Snapshot) -> None:
        connection = snapshot._session.connection  # pyright: ignore[reportPrivateUsage]
        connection.set_trace_callback(statements.append)
        question(snapshot)

    store.read(ask)
    return [" ".join(statement.split()) for statement in statements]


def test_tasks_of_the_most_common_status_are_not_looked_up_for_counts(
    many: TaskStore,
) -> None:
    of_status = "SELECT COUNT(*) FROM tasks WHERE status IS"
    by_backend = "SELECT backend, COUNT(*) FROM tasks WHERE status IS"
    statements = executed(many, lambda snapshot: snapshot.tally(TaskFilter()))
    assert any(one.startswith(f"{by_backend} 'running'") for one in statements)
    assert not any(one.startswith(f"{by_backend} 'success'") for one in statements)
    assert not any("GROUP BY status" in one for one in statements)
    # The bounded count is exact for a rare status. The common one has the rest of the total.
    assert not any(one.startswith((f"{of_status} 'r", f"{of_status} 's")) for one in statements)


def test_the_count_of_a_common_status_is_the_rest_of_the_total(many: TaskStore) -> None:
    wanted = TaskFilter(status="success")
    statements = executed(many, lambda snapshot: snapshot.count(wanted))
    assert "SELECT COUNT(*) FROM tasks" in statements
    # The text of a bounded count ends with its bound instead.
    assert not any(one.endswith("'success'") for one in statements)


@pytest.mark.parametrize(("name", "expected"), [("absent", 0), ("vqe", 4)])
def test_times_are_parsed_only_of_tasks_with_the_name(
    many: TaskStore, monkeypatch: pytest.MonkeyPatch, name: str, expected: int
) -> None:
    times: list[object] = []

    def read_time(stored: object) -> int:
        times.append(stored)
        return 0

    monkeypatch.setattr(functions, "stored_microseconds", read_time)
    many.search(TaskFilter(submitted_before=BEFORE, name_contains=name), limit=3)
    assert len(times) == expected


def test_a_page_is_not_walked_when_its_tasks_are_too_far_apart(
    many: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sort_scan, "MAX_SORTED", 0)
    monkeypatch.delattr(index_scan, "_place_after")
    page = many.search(TaskFilter(status="running"), limit=2)
    assert [record.task_id for record in page.records] == ["t2000", "t1000"]


def test_the_cost_of_a_page_does_not_depend_on_its_position(
    many: TaskStore, tmp_path: Path
) -> None:
    wanted = TaskFilter(status="success", submitted_before=BEFORE)

    def steps(cursor: str) -> int:
        taken: list[None] = []

        def ask(snapshot: Snapshot) -> None:
            connection = snapshot._session.connection  # pyright: ignore[reportPrivateUsage]
            connection.set_progress_handler(lambda: taken.append(None), 1)
            snapshot.search(wanted, limit=5, cursor=cursor)

        # A new store object, because cached values take no steps.
        TaskStore(tmp_path, read_only=True).read(ask)
        return len(taken)

    near, far = (many.search(wanted, limit=limit).next_cursor for limit in (100, 2_500))
    assert near
    assert steps(far) == pytest.approx(steps(near), rel=0.1)


# ARCHITECTURE.md says what these shortcuts save. The tests count calls and steps, not time.


@pytest.fixture
def some_failed(tmp_path: Path) -> Path:
    """Return a store of 2,000 tasks, one a minute. One in ten failed; one in 500 is named "vqe"."""
    make_store(tmp_path)
    return insert_all(
        tmp_path,
        (
            {
                "task_id": f"t{number}",
                "status": "success" if number % 10 else "failed",
                "backend": f"b{number % 2}",
                "submit_time": f"2026-08-{2 + number // 1_440:02}T{number // 60 % 24:02}:"
                f"{number % 60:02}:00.000001+00:00",
                "metadata_json": '{"task_name": "bell"}'
                if number % 500
                else '{"task_name": "vqe"}',
            }
            for number in range(2_000)
        ),
    )


def count_calls(monkeypatch: pytest.MonkeyPatch, name: str) -> list[object]:
    """Return a list that collects the first argument of each call of an SQL function."""
    calls: list[object] = []
    original: Callable[..., object] = getattr(functions, name)

    def counted(*arguments: object) -> object:
        calls.append(arguments[0])
        return original(*arguments)

    monkeypatch.setattr(functions, name, counted)
    return calls


def steps_of(directory: Path, question: Callable[[Snapshot], object]) -> int:
    """Return the number of SQLite's steps for a query on a new store object."""
    steps: list[None] = []

    def ask(snapshot: Snapshot) -> None:
        connection = snapshot._session.connection  # pyright: ignore[reportPrivateUsage]
        connection.set_progress_handler(lambda: steps.append(None), 1)
        question(snapshot)

    TaskStore(directory, read_only=True).read(ask)
    return len(steps)


def test_a_page_of_a_label_looks_up_no_more_tasks_than_it_shows(
    some_failed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sort_scan, "MAX_SORTED", 0)
    looked_up = count_calls(monkeypatch, "stored_microseconds")
    wanted = TaskFilter(status="failed", submitted_before=BEFORE)
    page = TaskStore(some_failed, read_only=True).search(wanted, limit=5)
    assert [record.task_id for record in page.records] == [
        "t1990",
        "t1980",
        "t1970",
        "t1960",
        "t1950",
    ]
    assert len(looked_up) == 6


def test_a_walk_continues_when_it_finds_tasks_often_enough(
    some_failed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sort_scan, "MAX_SORTED", 0)
    monkeypatch.setattr(index_scan, "FIRST_STEPS_PER_TASK", 1)
    looked_up = count_calls(monkeypatch, "stored_microseconds")
    wanted = TaskFilter(status="failed", submitted_before=BEFORE)
    page = TaskStore(some_failed, read_only=True).search(wanted, limit=30)
    assert len(page.records) == 30
    assert len(looked_up) == 20 + 31


def test_few_tasks_are_looked_up_twice_when_a_walk_finds_nothing(
    some_failed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sort_scan, "MAX_SORTED", 0)
    looked_up = count_calls(monkeypatch, "_name_contains")
    wanted = TaskFilter(status="failed", name_contains='"')
    assert TaskStore(some_failed, read_only=True).search(wanted, limit=5).total == 0
    assert len(looked_up) == 200 // index_scan.LOOKED_UP_SHARE + 200


@pytest.mark.parametrize(("part", "found"), [("VQE", 4), ("BEST", 0), ("be\u017ft", 0)])
def test_metadata_without_the_name_is_not_parsed(
    some_failed: Path, monkeypatch: pytest.MonkeyPatch, part: str, found: int
) -> None:
    parsed = count_calls(monkeypatch, "_name_contains")
    page = TaskStore(some_failed, read_only=True).search(TaskFilter(name_contains=part), limit=50)
    assert len(page.records) == len(parsed) == found


@pytest.mark.parametrize(("part", "found"), [("态", 6), ("贝态", 0), ("bo", 0)])
def test_metadata_without_the_letters_is_not_parsed(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch, part: str, found: int
) -> None:
    for number in range(9):
        name = "贝尔态" if number % 3 else "校准"
        store.save(TaskInfo(str(number), "dummy", metadata={"task_name": name}))
    parsed = count_calls(monkeypatch, "_name_contains")
    page = TaskStore(store.cache_dir, read_only=True).search(
        TaskFilter(name_contains=part), limit=9
    )
    assert len(page.records) == len(parsed) == found


def test_utc_times_before_the_hour_of_the_filter_are_not_parsed(
    some_failed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = count_calls(monkeypatch, "stored_microseconds")
    after = datetime(2026, 8, 3, 8, 30, tzinfo=UTC)
    page = TaskStore(some_failed, read_only=True).search(TaskFilter(submitted_after=after), limit=5)
    assert page.total == 50
    assert len(parsed) == 80


def test_a_tally_by_status_does_not_step_through_the_most_common_one(
    some_failed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", 300)
    steps = steps_of(some_failed, lambda snapshot: snapshot.tally(TaskFilter(), by=("status",)))
    statement = statements.tally(["status"], Where())
    assert steps * 2 < steps_of(some_failed, lambda snapshot: execute(snapshot, statement))


def test_a_tally_by_both_labels_looks_up_no_task_of_the_most_common_status(
    some_failed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", 300)
    executed: list[str] = []

    def ask(snapshot: Snapshot) -> None:
        snapshot._session.connection.set_trace_callback(executed.append)  # pyright: ignore[reportPrivateUsage]
        snapshot.tally(TaskFilter())

    TaskStore(some_failed, read_only=True).read(ask)
    looking_up = [
        statement
        for statement in executed
        if "tasks" in (steps := plan(some_failed, statement)) and "COVERING" not in steps
    ]
    assert len(looking_up) == 1
    assert "status IS 'failed'" in looking_up[0]


def test_distinct_labels_take_one_seek_each(some_failed: Path) -> None:
    assert steps_of(some_failed, lambda snapshot: snapshot.backends()) < 200


def execute(snapshot: Snapshot, statement: str) -> object:
    return snapshot._session.rows(statement)  # pyright: ignore[reportPrivateUsage]


def test_active_tasks_are_found_without_scanning_finished_ones(directory: Path) -> None:
    where = FilterSql(TaskFilter(status="active")).where(index="status")
    assert "SCAN" not in plan(directory, statements.count(where), where)
