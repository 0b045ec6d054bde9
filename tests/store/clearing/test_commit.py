"""A plan, its commit and its undo lose no record without consent."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.clearing_cache import all_rows

from uniqc_store import (
    CLEARED_FILENAME,
    TERMINAL_STATUSES,
    ClearPolicy,
    InvalidValueError,
    ReadOnlyStoreError,
    RestoreError,
    StoreNewerError,
    TaskFilter,
    TaskInfo,
    TaskStatus,
    TaskStore,
    UnknownReceiptError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

STORES = Path(__file__).parents[2] / "data" / "stores"
MANIFEST = json.loads((STORES / "manifest.json").read_text())
FILLED = [name for name, entry in MANIFEST.items() if entry["tables"].get("tasks", {}).get("count")]


@pytest.fixture(params=FILLED)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TaskStore:
    """Return a writable store for each of the real files."""
    shutil.copy(STORES / request.param, tmp_path / "tasks.sqlite")
    return TaskStore(tmp_path)


@pytest.fixture
def modern(tmp_path: Path) -> TaskStore:
    shutil.copy(STORES / "5-0.1.0.sqlite", tmp_path / "tasks.sqlite")
    return TaskStore(tmp_path)


@pytest.fixture
def fresh(tmp_path: Path) -> TaskStore:
    return TaskStore(tmp_path)


def fill(store: TaskStore, count: int, status: str = "success") -> None:
    for number in range(count):
        store.save(TaskInfo(task_id=f"task-{number:04}", backend="dummy", status=status))


def change(store: TaskStore, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Execute a statement as another process would, and return its rows."""
    with closing(sqlite3.connect(store.db_path)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def copies(store: TaskStore, table: str) -> int:
    """Return the number of copies in a table of the file of copies."""
    with closing(sqlite3.connect(store.cache_dir / CLEARED_FILENAME)) as connection:
        (count,) = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
        return int(count)


def test_a_plan_changes_nothing_and_has_the_right_counts(store: TaskStore) -> None:
    before = all_rows(store.db_path)
    plan = store.plan_clear(TaskFilter())
    assert all_rows(store.db_path) == before
    assert not (store.cache_dir / CLEARED_FILENAME).exists()
    finished = sum(store.count(status=status) for status in TERMINAL_STATUSES)
    kept = sum(reason.count for reason in plan.excluded)
    assert len(plan.rows) + kept == store.count()
    assert sum(group.count for group in plan.groups) == len(plan.rows) <= finished
    assert {group.status for group in plan.groups} <= set(TERMINAL_STATUSES)
    planned = {row.task_id.decode() for row in plan.rows}
    assert {(group.status, group.backend): group.count for group in plan.groups} == Counter(
        (task.status, task.backend) for task in store.list() if task.task_id in planned
    )
    assert 0 < len(plan.examples) <= 5


def test_an_undone_clear_restores_every_byte(store: TaskStore) -> None:
    before = all_rows(store.db_path)
    plan = store.plan_clear(TaskFilter())
    done = store.clear(plan)
    assert done.cleared == len(plan.rows)
    assert not done.skipped
    assert store.count() == len(before["tasks"]) - done.cleared
    undone = store.undo_clear(done.receipt_id)
    assert undone.restored == done.cleared
    assert all_rows(store.db_path) == before
    assert store.receipts() == ()


def test_a_read_only_store_plans_but_does_not_clear_or_undo(store: TaskStore) -> None:
    reading = TaskStore(store.cache_dir, read_only=True)
    plan = reading.plan_clear(TaskFilter())
    assert plan.rows
    with pytest.raises(ReadOnlyStoreError):
        reading.clear(plan)
    with pytest.raises(ReadOnlyStoreError):
        reading.undo_clear("clr_0")


def test_shards_are_cleared_with_their_task_and_the_archive_is_kept(modern: TaskStore) -> None:
    before = all_rows(modern.db_path)
    done = modern.clear(modern.plan_clear(TaskFilter(status="success")))
    after = all_rows(modern.db_path)
    assert after["archived_tasks"] == before["archived_tasks"]
    assert after["archived_task_shards"] == before["archived_task_shards"]
    ids = {row[1] for row in after["tasks"]}
    assert {row[1] for row in after["task_shards"]} <= ids
    assert len(after["task_shards"]) < len(before["task_shards"])
    assert copies(modern, "cleared_shards") == len(before["task_shards"]) - len(
        after["task_shards"]
    )
    modern.undo_clear(done.receipt_id)
    assert all_rows(modern.db_path) == before


def test_a_finished_task_with_an_active_job_is_never_cleared(modern: TaskStore) -> None:
    with closing(sqlite3.connect(modern.db_path)) as connection, connection:
        (task_id,) = connection.execute(
            """
            SELECT task_id FROM tasks JOIN task_shards ON task_id = uniqc_task_id
            WHERE tasks.status = 'success' LIMIT 1
            """
        ).fetchone()
        connection.execute(
            "UPDATE task_shards SET status = 'RUNNING' WHERE uniqc_task_id = ?", (task_id,)
        )
    plan = modern.plan_clear(TaskFilter())
    assert ("a platform job is not finished", 1) in [(r.text, r.count) for r in plan.excluded]
    modern.clear(plan)
    assert modern.get(task_id) is not None


def test_a_task_whose_job_became_active_after_the_plan_is_kept(modern: TaskStore) -> None:
    plan = modern.plan_clear(TaskFilter())
    (task_id,) = change(
        modern,
        """
        UPDATE task_shards SET status = 'running' WHERE rowid = (
            SELECT task_shards.rowid FROM task_shards JOIN tasks ON task_id = uniqc_task_id
            WHERE tasks.status = 'success'
        ) RETURNING uniqc_task_id
        """,
    )[0]
    before = modern.get(task_id)
    done = modern.clear(plan)
    assert done.cleared == len(plan.rows) - 1
    assert [(r.text, r.count) for r in done.skipped] == [("changed since", 1)]
    assert modern.get(task_id) == before


def test_active_tasks_are_kept_even_if_the_filter_selects_them(modern: TaskStore) -> None:
    assert modern.plan_clear(TaskFilter(status="active")).rows == ()
    assert modern.plan_clear(TaskFilter(status="QUEUED")).rows == ()


@pytest.mark.parametrize(
    ("policy", "reason_text"),
    [
        (ClearPolicy(statuses=("cancelled",)), "status not allowed"),
        (ClearPolicy(backends=("quark",)), "backend not allowed"),
        (ClearPolicy(min_age=timedelta(days=36_500)), "touched too recently"),
        (ClearPolicy(max_rows=3), "beyond the most rows per clear"),
    ],
)
def test_a_policy_limits_every_plan(
    modern: TaskStore, policy: ClearPolicy, reason_text: str
) -> None:
    everything = modern.plan_clear(TaskFilter())
    plan = modern.plan_clear(TaskFilter(), policy=policy)
    count = sum(reason.count for reason in plan.excluded if reason.text == reason_text)
    assert len(plan.rows) == len(everything.rows) - count
    assert count > 0


def test_a_policy_may_allow_one_task_per_clear(fresh: TaskStore) -> None:
    fill(fresh, 3)
    change(fresh, "UPDATE tasks SET submit_time = '2026-01-01'")  # equal times: the rowid decides
    plan = fresh.plan_clear(TaskFilter(), policy=ClearPolicy(max_rows=1))
    assert [row.task_id for row in plan.rows] == [b"task-0000"]


def test_a_limited_plan_has_the_oldest_tasks(modern: TaskStore) -> None:
    plan = modern.plan_clear(TaskFilter(), policy=ClearPolicy(max_rows=3))
    finished = [task for task in modern.list() if task.finished]
    oldest = [task.task_id.encode() for task in finished[:-4:-1]]
    assert [row.task_id for row in plan.rows] == oldest


def test_older_than_refers_to_the_update_time(fresh: TaskStore) -> None:
    fill(fresh, 2)
    assert fresh.plan_clear(TaskFilter(), older_than=timedelta(hours=1)).rows == ()
    with closing(sqlite3.connect(fresh.db_path)) as connection, connection:
        touched = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        connection.execute("UPDATE tasks SET update_time = ? WHERE rowid = 1", (touched,))
    plan = fresh.plan_clear(TaskFilter(), older_than=timedelta(hours=1))
    assert [row.task_id for row in plan.rows] == [b"task-0000"]


@pytest.mark.parametrize(
    ("older_than", "min_age", "found"),
    [(30, 7, ["task-0000"]), (7, 30, ["task-0000"]), (5, 7, ["task-0000", "task-0001"])],
)
def test_the_higher_of_older_than_and_min_age_applies(
    fresh: TaskStore, older_than: int, min_age: int, found: list[str]
) -> None:
    fill(fresh, 3)
    for row, days in ((1, 100), (2, 10), (3, 6)):
        touched = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        change(fresh, "UPDATE tasks SET update_time = ? WHERE rowid = ?", touched, row)
    plan = fresh.plan_clear(
        TaskFilter(),
        older_than=timedelta(days=older_than),
        policy=ClearPolicy(min_age=timedelta(days=min_age)),
    )
    assert [row.task_id.decode() for row in plan.rows] == found


def test_a_task_without_a_readable_time_is_not_cleared_by_age(fresh: TaskStore) -> None:
    fill(fresh, 1)
    with closing(sqlite3.connect(fresh.db_path)) as connection, connection:
        connection.execute("UPDATE tasks SET update_time = 'a while ago'")
    assert fresh.plan_clear(TaskFilter(), older_than=timedelta(seconds=1)).rows == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"statuses": ("running",)},
        {"statuses": ()},
        {"min_age": timedelta(days=-1)},
        {"max_rows": 0},
        {"max_rows": 1.5},
        {"max_rows": "3"},
        {"max_rows": True},
        {"backends": ("",)},
    ],
)
def test_an_invalid_policy_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError) as caught:
        ClearPolicy(**wrong)  # type: ignore[arg-type]  # one wrong field at a time
    assert caught.value.field in wrong


def change_status(store: TaskStore, task: TaskInfo) -> None:
    task.status = TaskStatus.RUNNING
    store.save(task)


def save_again(store: TaskStore, task: TaskInfo) -> None:
    store.save(task)


def delete(store: TaskStore, task: TaskInfo) -> None:
    store.delete(task.task_id)


def replace(store: TaskStore, task: TaskInfo) -> None:
    store.delete(task.task_id)
    store.save(task)


def rename(store: TaskStore, task: TaskInfo) -> None:
    change(store, "UPDATE tasks SET task_id = 'another' WHERE task_id = ?", task.task_id)


@pytest.mark.parametrize(
    ("interfere", "reason_text"),
    [
        (change_status, "changed since"),
        (save_again, "changed since"),
        (delete, "gone already"),
        (replace, "gone already"),
        (rename, "gone already"),
    ],
)
def test_a_task_that_changed_after_the_plan_is_kept_and_reported(
    fresh: TaskStore, interfere: Callable[[TaskStore, TaskInfo], None], reason_text: str
) -> None:
    fill(fresh, 5)
    plan = fresh.plan_clear(TaskFilter())
    task = fresh.get("task-0002")
    assert task is not None
    interfere(fresh, task)
    before = fresh.get("task-0002")
    done = fresh.clear(plan)
    assert done.cleared == 4
    assert [(reason.text, reason.count) for reason in done.skipped] == [(reason_text, 1)]
    assert fresh.get("task-0002") == before


def test_a_plan_that_was_committed_clears_nothing_again(fresh: TaskStore) -> None:
    fill(fresh, 3)
    plan = fresh.plan_clear(TaskFilter())
    first, second = fresh.clear(plan), fresh.clear(plan)
    assert (first.cleared, second.cleared) == (3, 0)
    assert second.receipt_id == ""
    (receipt,) = fresh.receipts()
    assert (receipt.receipt_id, receipt.state) == (first.receipt_id, "done")
    assert (receipt.planned, receipt.held) == (3, 3)


def test_a_plan_for_a_removed_store_clears_nothing(fresh: TaskStore) -> None:
    fill(fresh, 3)
    plan = fresh.plan_clear(TaskFilter())
    fresh.clear_all()
    done = fresh.clear(plan)
    assert (done.cleared, done.receipt_id, done.stopped) == (0, "", "")
    assert [(reason.text, reason.count) for reason in done.skipped] == [("gone already", 3)]
    assert (fresh.count(), fresh.receipts()) == (0, ())


def test_undo_does_not_overwrite_a_task_that_was_saved_again(fresh: TaskStore) -> None:
    fill(fresh, 3)
    done = fresh.clear(fresh.plan_clear(TaskFilter()))
    newer = TaskInfo(task_id="task-0001", backend="somewhere else")
    fresh.save(newer)
    undone = fresh.undo_clear(done.receipt_id)
    assert (undone.restored, undone.skipped) == (2, 1)
    assert fresh.get("task-0001") == newer
    assert [receipt.held for receipt in fresh.receipts()] == [1]
    fresh.delete("task-0001")
    assert fresh.undo_clear(done.receipt_id).restored == 1
    assert fresh.receipts() == ()


def test_undo_restores_a_task_whose_id_is_in_the_archive_too(modern: TaskStore) -> None:
    change(
        modern,
        "UPDATE archived_tasks SET task_id = (SELECT min(task_id) FROM tasks "
        "WHERE status = 'success') WHERE rowid = (SELECT min(rowid) FROM archived_tasks)",
    )
    before = all_rows(modern.db_path)
    done = modern.clear(modern.plan_clear(TaskFilter(status="success")))
    undone = modern.undo_clear(done.receipt_id)
    assert (undone.restored, undone.skipped) == (done.cleared, 0)
    assert all_rows(modern.db_path) == before
    assert modern.receipts() == ()


def test_undo_does_not_overwrite_a_job_that_was_saved_again(modern: TaskStore) -> None:
    done = modern.clear(modern.plan_clear(TaskFilter(status="success")))
    with closing(sqlite3.connect(modern.cache_dir / CLEARED_FILENAME)) as connection:
        copied = connection.execute(
            "SELECT uniqc_task_id, shard_index, platform_task_id FROM cleared_shards"
        ).fetchall()
    change(
        modern,
        "INSERT INTO task_shards (uniqc_task_id, shard_index, platform_task_id, backend, "
        "circuit_count, sub_index_offset, status, submit_time, update_time) "
        "VALUES (?, ?, 'another job', 'dummy', 1, 0, 'success', '', '')",
        *copied[0][:2],
    )
    undone = modern.undo_clear(done.receipt_id)
    assert (undone.restored, undone.skipped) == (done.cleared, 0)
    back = change(modern, "SELECT uniqc_task_id, shard_index, platform_task_id FROM task_shards")
    assert set(copied[1:]) < set(back)
    assert (*copied[0][:2], "another job") in back
    assert copied[0] not in back


def test_undo_gives_a_task_a_new_highest_rowid_if_its_own_is_taken(fresh: TaskStore) -> None:
    fill(fresh, 3)
    done = fresh.clear(fresh.plan_clear(TaskFilter()))
    fresh.save(TaskInfo("new", "dummy"))  # gets rowid 1, because the table is empty
    fresh.undo_clear(done.receipt_id)
    assert change(fresh, "SELECT rowid, task_id FROM tasks ORDER BY rowid") == [
        (1, "new"),
        (2, "task-0001"),
        (3, "task-0002"),
        (4, "task-0000"),
    ]


def test_undo_gives_a_job_another_rowid_if_its_own_is_taken(modern: TaskStore) -> None:
    before = set(change(modern, "SELECT uniqc_task_id, shard_index FROM task_shards"))
    done = modern.clear(modern.plan_clear(TaskFilter()))
    with closing(sqlite3.connect(modern.cache_dir / CLEARED_FILENAME)) as connection:
        taken = connection.execute("SELECT min(_rowid) FROM cleared_shards").fetchone()
    change(
        modern,
        "UPDATE task_shards SET rowid = ? WHERE rowid = (SELECT max(rowid) FROM task_shards)",
        *taken,
    )
    modern.undo_clear(done.receipt_id)
    assert set(change(modern, "SELECT uniqc_task_id, shard_index FROM task_shards")) == before


def test_a_receipt_can_be_used_once(fresh: TaskStore) -> None:
    fill(fresh, 1)
    done = fresh.clear(fresh.plan_clear(TaskFilter()))
    fresh.undo_clear(done.receipt_id)
    for receipt in (done.receipt_id, "clr_of_somebody_else"):
        with pytest.raises(UnknownReceiptError) as caught:
            fresh.undo_clear(receipt)
        assert caught.value.receipt_id == receipt


def test_a_later_clear_deletes_copies_after_the_retention_period(fresh: TaskStore) -> None:
    fill(fresh, 2)
    old = fresh.clear(fresh.plan_clear(TaskFilter()))
    fill(fresh, 3)
    new = fresh.clear(fresh.plan_clear(TaskFilter()), keep=timedelta(0))
    assert [receipt.receipt_id for receipt in fresh.receipts()] == [new.receipt_id]
    with pytest.raises(UnknownReceiptError):
        fresh.undo_clear(old.receipt_id)


def test_copies_of_jobs_are_deleted_with_those_of_their_tasks(modern: TaskStore) -> None:
    modern.clear(modern.plan_clear(TaskFilter()))
    assert copies(modern, "cleared_tasks") > 0
    assert copies(modern, "cleared_shards") > 0
    modern.clear(modern.plan_clear(TaskFilter()), keep=timedelta(0))
    assert copies(modern, "cleared_tasks") == copies(modern, "cleared_shards") == 0


def test_the_file_of_copies_is_private_and_has_an_application_id(fresh: TaskStore) -> None:
    fill(fresh, 1)
    fresh.clear(fresh.plan_clear(TaskFilter()))
    path = fresh.cache_dir / CLEARED_FILENAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (0x554E4343,)


def test_a_file_of_copies_that_is_upgraded_during_a_clear_is_not_changed(fresh: TaskStore) -> None:
    fill(fresh, 2)
    fresh.clear(fresh.plan_clear(TaskFilter(status="no such status")))  # makes the file
    before = all_rows(fresh.db_path)
    contents: list[list[str]] = []

    def upgrade() -> bool:
        with closing(sqlite3.connect(fresh.cache_dir / CLEARED_FILENAME)) as connection:
            connection.execute("PRAGMA user_version = 2")
            contents.append(list(connection.iterdump()))
        return False

    with pytest.raises(StoreNewerError):
        fresh.clear(fresh.plan_clear(TaskFilter()), should_stop=upgrade)
    upgrade()
    assert contents[0] == contents[1]
    assert all_rows(fresh.db_path) == before


def test_unknown_columns_are_restored(fresh: TaskStore) -> None:
    fill(fresh, 2)
    with closing(sqlite3.connect(fresh.db_path)) as connection, connection:
        connection.execute('ALTER TABLE tasks ADD COLUMN "of the ""future""" BLOB')
        connection.execute('UPDATE tasks SET "of the ""future""" = x\'00ff\' WHERE rowid = 2')
    before = all_rows(fresh.db_path)
    done = fresh.clear(fresh.plan_clear(TaskFilter()))
    fresh.undo_clear(done.receipt_id)
    assert all_rows(fresh.db_path) == before


def test_nothing_is_restored_if_a_column_would_be_lost(modern: TaskStore) -> None:
    done = modern.clear(modern.plan_clear(TaskFilter(status="failed")))
    modern.clear_all()
    older = TaskStore(modern.cache_dir)
    with pytest.raises(RestoreError) as caught:
        older.undo_clear(done.receipt_id)
    assert caught.value.missing
    assert older.count() == 0
    assert [receipt.held for receipt in older.receipts()] == [done.cleared]


@pytest.mark.parametrize("held", [None, "something"])
def test_a_missing_column_prevents_an_undo_if_it_has_values(
    fresh: TaskStore, held: str | None
) -> None:
    fill(fresh, 2)
    change(fresh, "ALTER TABLE tasks ADD COLUMN first")
    change(fresh, "ALTER TABLE tasks ADD COLUMN second")
    change(fresh, "UPDATE tasks SET second = ? WHERE rowid = 2", held)
    done = fresh.clear(fresh.plan_clear(TaskFilter()))
    fresh.clear_all()
    if held is None:
        assert fresh.undo_clear(done.receipt_id).restored == 2
        return
    with pytest.raises(RestoreError) as caught:
        fresh.undo_clear(done.receipt_id)
    assert tuple(caught.value.missing) == ("first", "second")
    assert fresh.count() == 0


def test_unusual_rows_are_restored_with_their_types(fresh: TaskStore) -> None:
    with closing(sqlite3.connect(fresh.db_path)) as connection, connection:
        connection.executemany(
            "INSERT INTO tasks VALUES (?, ?, 'failed', ?, ?, ?, ?, ?)",
            [
                (b"\x00\xff", b"blob", "many", b"\x01", "2026-01-01", b"{}", "{"),
                (None, "x", 1.5, "2026", "2026-01-01", None, "null"),
            ],
        )
        connection.execute(
            "INSERT INTO tasks SELECT CAST(x'ff' AS TEXT), 'x', 'failed', 1, '', '', NULL, '{}'"
        )
    before = all_rows(fresh.db_path)
    done = fresh.clear(fresh.plan_clear(TaskFilter()))
    assert (done.cleared, done.skipped) == (3, ())
    fresh.undo_clear(done.receipt_id)
    assert all_rows(fresh.db_path) == before


def test_a_cancelled_clear_stops_between_batches_and_its_receipt_undoes_it(
    fresh: TaskStore,
) -> None:
    fill(fresh, 300)
    before = all_rows(fresh.db_path)
    seen: list[tuple[int, int]] = []
    done = fresh.clear(
        fresh.plan_clear(TaskFilter()),
        progress=lambda through, total: seen.append((through, total)),
        should_stop=lambda: bool(seen),
    )
    assert done.stopped == "cancelled"
    assert 0 < done.cleared < 300
    assert seen == [(done.cleared, 300)]
    assert [(reason.text, reason.count) for reason in done.skipped] == [
        ("not reached", 300 - done.cleared)
    ]
    assert [receipt.state for receipt in fresh.receipts()] == ["cancelled"]
    fresh.undo_clear(done.receipt_id)
    assert all_rows(fresh.db_path) == before


statuses = st.sampled_from(["success", "failed", "cancelled", "running", "QUEUED"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tasks=st.lists(st.tuples(st.integers(0, 20), statuses), max_size=25),
    later_saves=st.lists(st.tuples(st.integers(0, 20), statuses), max_size=5),
    wanted=st.sampled_from(["any", "finished", "failed"]),
    limit=st.none() | st.integers(1, 10),
)
def test_every_record_is_in_the_store_or_in_a_receipt(
    tmp_path_factory: pytest.TempPathFactory,
    tasks: list[tuple[int, str]],
    later_saves: list[tuple[int, str]],
    wanted: str,
    limit: int | None,
) -> None:
    store = TaskStore(tmp_path_factory.mktemp("round"))
    for number, status in tasks:
        store.save(TaskInfo(task_id=f"t{number}", backend="dummy", status=status))
    plan = store.plan_clear(TaskFilter(status=wanted), policy=ClearPolicy(max_rows=limit))
    for number, status in later_saves:
        store.save(TaskInfo(task_id=f"t{number}", backend="other", status=status))
    known = {task.task_id: task for task in store.list()}
    done = store.clear(plan)
    left = {task.task_id for task in store.list()}
    assert done.cleared + len(left) == len(known)
    assert all(known[task_id].finished for task_id in known.keys() - left)
    assert done.cleared + sum(reason.count for reason in done.skipped) == len(plan.rows)
    if done.receipt_id:
        assert store.undo_clear(done.receipt_id).restored == done.cleared
    assert {task.task_id: task for task in store.list()} == known


def test_the_directory_may_have_any_name(tmp_path: Path) -> None:
    directory = tmp_path / "a ?#%25 'place' é"
    store = TaskStore(directory)
    fill(store, 2)
    done = store.clear(store.plan_clear(TaskFilter()))
    store.undo_clear(done.receipt_id)
    assert store.count() == 2
    assert sorted(entry.name for entry in directory.iterdir()) == [CLEARED_FILENAME, "tasks.sqlite"]
