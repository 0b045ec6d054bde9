"""The tasks that a watch tracks, and the changes that it reports."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import (
    NotUtf8,
    connect,
    copy_real,
    execute,
    fill,
    insert,
    insert_shard,
    make_store,
    v5_directory,
)

from uniqc_store import (
    APPLICATION_ID,
    DB_FILENAME,
    Snapshot,
    TaskInfo,
    TaskState,
    TaskStore,
    TaskWatch,
)
from uniqc_store.database.connection import Session
from uniqc_store.database.schema import read_layout
from uniqc_store.filters import TaskFilter
from uniqc_store.query.conditions import FilterSql
from uniqc_store.watch import reader, tracked_tasks
from uniqc_store.watch import statements as watch_statements

if TYPE_CHECKING:
    from pathlib import Path

    from uniqc_store import Changes


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return make_store(tmp_path / "cache")


def follow(directory: Path, *, newest: int = 1_000, max_events: int = 10_000) -> Follower:
    return Follower(
        TaskWatch(TaskStore(directory, read_only=True), newest=newest, max_events=max_events)
    )


class Follower:
    """A watch, and the cursor of the last changes that were read from it."""

    def __init__(self, watch: TaskWatch) -> None:
        self.watch = watch
        self.cursor = watch.since().cursor

    def next(self) -> Changes:
        """Refresh the watch, and return the changes since the last call."""
        self.watch.refresh()
        changes = self.watch.since(self.cursor)
        self.cursor = changes.cursor
        return changes


def hour(number: int) -> str:
    return f"2026-08-01T{number:02}:00:00+00:00"


def fill_hours(directory: Path, *hours: int, status: str = "success") -> None:
    """Insert one task for each of these hours, such as ``t9`` for nine o'clock."""
    for number in hours:
        fill(directory, f"t{number}", status=status, submit_time=hour(number))


def set_status(directory: Path, task_id: str, status: str) -> None:
    with closing(connect(directory)) as uniqc:
        uniqc.execute(
            "UPDATE tasks SET status = ?, update_time = 'now' WHERE task_id = ?", (status, task_id)
        )


def delete(directory: Path, *task_ids: str) -> None:
    with closing(connect(directory)) as uniqc:
        uniqc.executemany("DELETE FROM tasks WHERE task_id = ?", [(one,) for one in task_ids])


# Reported changes


def test_a_new_task_is_reported_with_its_fields(directory: Path) -> None:
    follower = follow(directory)
    insert(
        directory,
        "a",
        status="QUEUED",
        metadata_json=json.dumps({"task_name": "vqe step 18"}),
        update_time=hour(10),
    )
    (new,) = follower.next().new
    assert new == TaskState(
        task_id="a",
        backend="originq:WK_C180",
        name="vqe step 18",
        status="QUEUED",
        active=True,
        submit_time=hour(9),
        update_time=hour(10),
    )


def test_a_save_is_a_change_even_if_the_status_stays(directory: Path) -> None:
    store = TaskStore(directory)
    task = TaskInfo("a", "dummy", status="running")
    store.save(task)
    follower = follow(directory)
    store.save(task)
    (change,) = follower.next().changed
    assert not change.status_changed
    assert change.before is not None
    assert change.before.update_time < change.after.update_time
    assert change.before.submit_time == change.after.submit_time


@pytest.mark.parametrize(
    ("status", "active"),
    [("running", True), ("QUEUED", True), ("success", False), ("failed", False)],
)
@pytest.mark.parametrize("newest", [1, 1_000])
def test_a_new_update_time_is_reported_without_a_change_of_status(
    directory: Path, status: str, newest: int, *, active: bool
) -> None:
    fill(directory, "a", status=status)
    fill_hours(directory, 10, 11)
    follower = follow(directory, newest=newest)
    with follower.watch.tracking(["a"]):
        follower.next()
        execute(directory, f"UPDATE tasks SET update_time = '{hour(12)}' WHERE task_id = 'a'")
        changes = follower.next()
    (change,) = changes.changed
    assert change.before is not None
    assert (change.before.update_time, change.after.update_time) == (hour(9), hour(12))
    assert (change.before.status, change.after.status) == (status, status)
    assert not change.status_changed
    assert (changes.store_changed, changes.active_changed) == (True, active)


def test_a_write_to_a_column_that_is_not_reported_is_not_a_change(directory: Path) -> None:
    fill(directory, "a")
    follower = follow(directory)
    execute(directory, "UPDATE tasks SET result_json = '{}'")
    assert not follower.next().store_changed


def test_a_task_that_is_deleted_and_saved_again_is_changed(directory: Path) -> None:
    fill(directory, "a", "b", status="success")
    follower = follow(directory)
    delete(directory, "a")
    fill(directory, "c")
    insert(directory, "a", status="running")
    changes = follower.next()
    assert [(one.before and one.before.status, one.after.status) for one in changes.changed] == [
        ("success", "running")
    ]
    assert [new.task_id for new in changes.new] == ["c"]


def test_a_task_that_reuses_a_rowid_is_new(directory: Path) -> None:
    fill(directory, "a", "b")
    follower = follow(directory)
    delete(directory, "b")
    fill(directory, "c")
    changes = follower.next()
    assert [new.task_id for new in changes.new] == ["c"]
    assert [gone.last.task_id for gone in changes.gone] == ["b"]


def test_a_task_that_is_restored_unchanged_is_not_reported(directory: Path) -> None:
    fill(directory, "a", "b")
    follower = follow(directory)
    delete(directory, "a")
    fill(directory, "a")
    assert not follower.watch.refresh()
    assert not follower.next().store_changed


def test_an_archived_task_is_reported_as_gone_and_archived(tmp_path: Path) -> None:
    directory = v5_directory(tmp_path)
    fill(directory, "a", "b", status="success")
    follower = follow(directory)
    insert(directory, "a", table="archived_tasks", archived_at=hour(11))
    delete(directory, "a", "b")
    assert {(one.last.task_id, one.archived) for one in follower.next().gone} == {
        ("a", True),
        ("b", False),
    }
    delete_from_archive = "DELETE FROM archived_tasks"
    execute(directory, delete_from_archive)
    fill(directory, "a", status="success")
    assert [new.task_id for new in follower.next().new] == ["a"]


def test_a_new_shard_is_not_a_change_of_its_task(tmp_path: Path) -> None:
    directory = v5_directory(tmp_path)
    fill(directory, "a")
    follower = follow(directory)
    insert_shard(directory, "a", "platform-1")
    assert not follower.next().store_changed


# Tracked tasks


def test_an_active_task_is_tracked_however_old_it_is(directory: Path) -> None:
    fill(directory, "old", submit_time=hour(1))
    fill_hours(directory, 5, 6, 7)
    follower = follow(directory, newest=2)
    set_status(directory, "old", "failed")
    (change,) = follower.next().changed
    assert (change.after.task_id, change.after.status) == ("old", "failed")


def test_an_old_task_that_finishes_is_tracked_while_it_is_in_the_log(
    directory: Path,
) -> None:
    fill(directory, "old", submit_time=hour(1))
    fill_hours(directory, 5, 6, 7)
    follower = follow(directory, newest=2)
    start = follower.cursor
    set_status(directory, "old", "failed")
    follower.next()
    set_status(directory, "old", "cancelled")
    (change,) = follower.watch.since(start).changed
    assert change.after.status == "failed"
    follower.next()
    (change,) = follower.watch.since(start).changed
    assert change.before is not None
    assert (change.before.status, change.after.status) == ("running", "cancelled")
    delete(directory, "old")
    follower.next()
    (gone,) = follower.watch.since(start).gone
    assert gone.before is not None
    assert (gone.before.status, gone.last.status) == ("running", "cancelled")


def test_a_task_that_is_no_longer_among_the_newest_is_not_gone(directory: Path) -> None:
    fill_hours(directory, 1, 2, 3)
    follower = follow(directory, newest=2)
    fill_hours(directory, 4, 5)
    changes = follower.next()
    assert [new.task_id for new in changes.new] == ["t5", "t4"]
    assert (changes.gone, changes.untracked_delta) == ((), 0)
    assert follower.watch.states(["t1", "t2", "t3", "t4"]).keys() == {"t4"}
    delete(directory, "t2", "t3")
    changes = follower.next()
    assert (changes.gone, changes.untracked_delta) == ((), -2)


def test_an_old_task_that_becomes_one_of_the_newest_is_not_new(directory: Path) -> None:
    fill_hours(directory, 1, 2, 3, 4)
    follower = follow(directory, newest=2)
    delete(directory, "t4")
    changes = follower.next()
    assert (changes.new, changes.untracked_delta) == ((), 0)
    assert follower.watch.states(["t2"]).keys() == {"t2"}
    delete(directory, "t2")
    assert [gone.last.task_id for gone in follower.next().gone] == ["t2"]


def test_an_old_task_that_is_active_again_is_reported_without_a_before(directory: Path) -> None:
    fill_hours(directory, 1, 2, 3, 4)
    follower = follow(directory, newest=2)
    set_status(directory, "t1", "running")
    changes = follower.next()
    (change,) = changes.changed
    assert (change.before, change.after.task_id) == (None, "t1")
    assert change.status_changed
    assert changes.active_changed


def test_a_change_of_an_untracked_task_is_not_reported(directory: Path) -> None:
    fill_hours(directory, 1, 2, 3, 4)
    follower = follow(directory, newest=2)
    set_status(directory, "t1", "cancelled")
    assert not follower.next().store_changed


def test_an_added_old_task_is_new_if_active_and_otherwise_only_counted(directory: Path) -> None:
    fill_hours(directory, 1, 2, 4, 5)
    follower = follow(directory, newest=2)
    fill_hours(directory, 3)
    changes = follower.next()
    assert (changes.new, changes.untracked_delta) == ((), 1)
    delete(directory, "t5")
    fill_hours(directory, 0)
    follower.next()
    fill(directory, "active", submit_time=hour(0))
    assert [new.task_id for new in follower.next().new] == ["active"]


def test_the_change_in_the_number_of_untracked_tasks_is_reported(directory: Path) -> None:
    fill_hours(directory, *range(1, 9))
    follower = follow(directory, newest=2)
    delete(directory, "t1", "t2", "t3", "t8")
    fill_hours(directory, 0, 9)
    changes = follower.next()
    assert [new.task_id for new in changes.new] == ["t9"]
    assert [gone.last.task_id for gone in changes.gone] == ["t8"]
    assert changes.untracked_delta == -2
    assert changes.store_status.total == 6


def test_a_task_named_for_tracking_is_tracked_however_old_it_is(directory: Path) -> None:
    fill_hours(directory, 1, 2, 3, 4)
    follower = follow(directory, newest=2)
    with follower.watch.tracking(["t1"]):
        assert follower.next().states == ()
        assert follower.watch.states(["t1"])["t1"].status == "success"
        set_status(directory, "t1", "failed")
        (change,) = follower.next().changed
        assert change.before is not None
        assert (change.before.status, change.after.status) == ("success", "failed")


def test_a_task_named_for_tracking_may_be_saved_later(directory: Path) -> None:
    fill_hours(directory, 5, 6, 7, 8)
    follower = follow(directory, newest=2)
    with follower.watch.tracking(["t1"]):
        assert follower.next().states == ()
        delete(directory, "t8")
        fill_hours(directory, 1)
        assert "t1" in [new.task_id for new in follower.next().new]
        delete(directory, "t1")
        assert [gone.last.task_id for gone in follower.next().gone] == ["t1"]


def test_a_task_is_tracked_until_the_last_tracking_of_it_ends(directory: Path) -> None:
    fill_hours(directory, 1, 2, 3, 4)
    follower = follow(directory, newest=2)
    with follower.watch.tracking(["t1"]):
        with follower.watch.tracking(["t1", "t1", "t2"]):
            follower.next()
        follower.next()
        assert follower.watch.states(["t1", "t2"]).keys() == {"t1"}
    follower.next()
    assert follower.watch.states(["t1", "t2"]) == {}
    set_status(directory, "t1", "failed")
    assert not follower.next().store_changed


def test_tracking_ends_when_its_block_raises(directory: Path) -> None:
    fill_hours(directory, 1, 2, 3, 4)
    follower = follow(directory, newest=2)
    with pytest.raises(RuntimeError), follower.watch.tracking(["t1"]):
        raise RuntimeError
    follower.next()
    assert follower.watch.states(["t1"]) == {}


def test_a_removed_task_that_returns_is_reported(directory: Path) -> None:
    fill_hours(directory, 5, 6, 7)
    fill(directory, "old", submit_time=hour(1))
    fill_hours(directory, 8)
    follower = follow(directory, newest=2)
    start = follower.cursor
    delete(directory, "old")
    assert [gone.last.task_id for gone in follower.next().gone] == ["old"]
    delete(directory, "t8")  # so that the rowids of both are reused
    fill(directory, "old", status="failed", submit_time=hour(1))
    assert [new.task_id for new in follower.next().new] == ["old"]
    changes = follower.watch.since(start)
    assert [gone.last.task_id for gone in changes.gone] == ["t8"]
    assert [change.after.status for change in changes.changed] == ["failed"]


def test_rowids_of_a_replacement_file_do_not_make_tasks_new(tmp_path: Path) -> None:
    directory, other = make_store(tmp_path / "cache"), make_store(tmp_path / "other")
    fill_hours(directory, 1, 2, 3, 4)
    fill_hours(other, 4, 3, 2, 0)
    fill(other, "t1", status="success", submit_time=hour(1))
    follower = follow(directory, newest=2)
    (other / DB_FILENAME).replace(directory / DB_FILENAME)
    with follower.watch.tracking(["t1"]):
        changes = follower.next()
    assert (changes.new, changes.untracked_delta) == ((), 1)


def test_a_task_whose_events_left_the_log_is_not_tracked(directory: Path) -> None:
    fill_hours(directory, *range(1, 9))
    follower = follow(directory, newest=1, max_events=2)
    for task_id in ("t1", "t2", "t3", "t4"):
        set_status(directory, task_id, "running")
        follower.next()
        set_status(directory, task_id, "failed")
        follower.next()
    fill_hours(directory, 9)
    follower.next()
    follower.next()
    assert follower.watch.states(["t1", "t2", "t3", "t4"]).keys() <= {"t4"}


def test_more_active_tasks_than_the_limit_are_tracked_in_part(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uniqc_store.watch.reader.MAX_ACTIVE", 3)
    fill_hours(directory, *range(1, 9), status="running")
    follower = follow(directory, newest=2)
    set_status(directory, "t1", "success")
    changes = follower.next()
    assert [change.after.task_id for change in changes.changed] == ["t1"]
    assert (changes.new, changes.gone, changes.untracked_delta) == ((), (), 0)
    delete(directory, "t6")
    assert (follower.next().gone, follower.watch.since().store_status.total) == ((), 7)


def test_as_many_active_tasks_as_the_limit_are_all_tracked(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_ACTIVE", 3)
    fill_hours(directory, 1, 5, 6)
    fill_hours(directory, 2, 3, 4, status="running")
    follower = follow(directory, newest=2)
    set_status(directory, "t4", "success")
    set_status(directory, "t1", "running")
    assert {one.after.task_id: one.before is None for one in follower.next().changed} == {
        "t4": False,
        "t1": True,
    }


def test_an_active_task_that_was_over_the_limit_is_not_new_once_tracked(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_ACTIVE", 3)
    fill_hours(directory, 5, 6)
    fill_hours(directory, 1, 2, 3, 4, status="running")
    follower = follow(directory, newest=2)
    set_status(directory, "t1", "success")
    changes = follower.next()
    assert [change.after.task_id for change in changes.changed] == ["t1"]
    assert changes.new == ()
    assert follower.watch.states(["t4"])["t4"].status == "running"


# Unusual and damaged rows


def test_tasks_with_any_type_of_submit_time_are_sorted_as_in_sqlite(tmp_path: Path) -> None:
    execute(
        tmp_path,
        "CREATE TABLE tasks "
        "(task_id, backend, status, shots, submit_time, update_time, metadata_json)",
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 1",
    )
    times: list[object] = [b"", "b", None, 7, "", NotUtf8(b"b\xff"), -1.5, b"a", "é", None, "b", 7]
    for number, time in enumerate(times):
        insert(tmp_path, str(number), submit_time=time)
    with closing(connect(tmp_path)) as connection:
        in_order = connection.execute("SELECT task_id FROM tasks ORDER BY submit_time, rowid")
        expected = [task_id for (task_id,) in in_order]

    def look(snapshot: Snapshot) -> tracked_tasks.TrackedTasks:
        session = snapshot._session  # pyright: ignore[reportPrivateUsage]
        return tracked_tasks.scan(
            session, tracked_tasks.NOTHING, newest=1, track=frozenset(), identity=None
        )

    seen = TaskStore(tmp_path, read_only=True).read(look)
    places = {key: task.sort_key for key, task in seen.tasks.items()}
    assert sorted(places, key=places.__getitem__) == expected
    assert all(reader.LOWEST < place < reader.HIGHEST for place in places.values())


UNUSUAL_IDS: list[object] = ["é", "", "a'b\n", b"a", b"\xff\x00", NotUtf8(b"caf\xe9"), "\U0001f600"]


@pytest.mark.parametrize("task_id", UNUSUAL_IDS, ids=repr)
@pytest.mark.parametrize("newest", [1, 1_000])
def test_a_task_with_an_unusual_id_is_tracked(
    directory: Path, task_id: object, newest: int
) -> None:
    fill_hours(directory, 10, 11)
    follower = follow(directory, newest=newest)
    start = follower.cursor
    insert(directory, "a", submit_time=hour(8))
    insert(directory, task_id)
    assert len(follower.next().new) == 2
    execute(directory, "UPDATE tasks SET status = 'failed' WHERE status = 'running'")
    assert len(follower.next().changed) == 2
    execute(directory, "DELETE FROM tasks WHERE status = 'failed'")
    changes = follower.next()
    assert (len(changes.gone), changes.untracked_delta) == (2, 0)
    for one in changes.gone:
        one.last.task_id.encode()
    assert not follower.watch.since(start).store_changed


@pytest.mark.parametrize(
    "columns",
    [
        {"status": b"running"},
        {"status": b"\xff"},
        {"status": NotUtf8(b"caf\xe9")},
        {"status": ""},
        {"status": "success "},
        {"backend": b"\xff"},
        {"update_time": NotUtf8(b"\xff")},
        {"submit_time": b"\xff"},
        {"submit_time": "long ago"},
        {"metadata_json": "{"},
        {"metadata_json": '{"task_name": "\\ud800"}'},
        {"metadata_json": '{"task_name": ["a"]}'},
        {"metadata_json": '["task_name"]'},
        {"metadata_json": '{"task_name": ' + "[" * 100_000},
        {"metadata_json": b'{"task_name": "a"}'},
        {"metadata_json": NotUtf8(b'{"task_name": "caf\xe9"}')},
        {"metadata_json": '{"task_name": "a", "energy": NaN}'},
    ],
    ids=repr,
)
def test_a_damaged_row_is_reported_and_hides_no_other(
    directory: Path, columns: dict[str, object]
) -> None:
    follower = follow(directory, newest=2)
    insert(directory, "good")
    insert(directory, "bad", **columns)
    assert {new.task_id for new in follower.next().new} == {"good", "bad"}
    execute(directory, "UPDATE tasks SET status = 'failed'")
    changes = follower.next()
    assert {change.after.task_id for change in changes.changed} == {"good", "bad"}
    assert {change.after.status for change in changes.changed} == {"failed"}


def test_the_stored_status_decides_whether_a_task_is_active(directory: Path) -> None:
    follower = follow(directory)
    insert(directory, "a", status=b"success")
    insert(directory, "b", status="success")
    active = {new.task_id: new.active for new in follower.next().new}
    assert active == {"a": True, "b": False}
    assert TaskStore(directory).search(TaskFilter(status="active"), limit=9).total == 1


def test_a_task_without_an_id_is_counted(directory: Path) -> None:
    fill_hours(directory, 1)
    follower = follow(directory, newest=2)
    for _ in range(3):
        insert(directory, None)
    changes = follower.next()
    assert (changes.states, changes.untracked_delta) == ((), 3)
    assert follower.watch.states(["t1"]) == {}
    assert not follower.next().store_changed


def test_a_file_of_any_release_can_be_watched(real_directory: Path) -> None:
    follower = follow(real_directory)
    total = TaskStore(real_directory, read_only=True).count()
    assert follower.watch.since().store_status.total == total
    assert not follower.next().store_changed


def test_an_upgrade_that_changes_ids_is_reported(tmp_path: Path) -> None:
    follower = follow(copy_real("1-0.0.5.sqlite", tmp_path))
    total = follower.watch.since().store_status.total
    assert total > 0
    execute(tmp_path, "UPDATE tasks SET task_id = 'uqt_' || task_id")
    changes = follower.next()
    assert (len(changes.new), len(changes.gone), changes.untracked_delta) == (total, total, 0)


# Cost


def test_results_are_never_read(directory: Path) -> None:
    fill(directory, "a", "b", result_json='{"00": 1}')
    read: set[str | None] = set()

    def allow(action: int, table: str | None, column: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ and table == "tasks":
            read.add(column)
        return sqlite3.SQLITE_OK

    with closing(connect(directory)) as connection:
        layout = read_layout(connection)
        connection.set_authorizer(allow)
        session = Session(connect=lambda: connection, layout=layout, exists=True)
        seen = tracked_tasks.scan(
            session, tracked_tasks.NOTHING, newest=1, track=frozenset({"c"}), identity=None
        )
    assert seen.tasks.keys() == {"a", "b"}
    assert {"task_id", "status", "metadata_json"} <= read
    assert "result_json" not in read


def test_every_statement_uses_an_index_without_sorting(directory: Path) -> None:
    active = FilterSql(TaskFilter(status="active")).where(index="status")
    places = ["CAST(:id_0 AS TEXT)", ":id_1"]
    statements = {
        watch_statements.NEWEST: "tasks_submit_time_idx",
        watch_statements.active(active): "tasks_status_idx",
        watch_statements.by_id(places): "sqlite_autoindex_tasks_1",
        watch_statements.ids_in("tasks", places): "sqlite_autoindex_tasks_1",
        watch_statements.details(frozenset({"metadata_json"})): "INTEGER PRIMARY KEY",
    }
    with closing(connect(directory)) as connection:
        for statement, index in statements.items():
            values = {"limit": 1, "id_0": "a", "id_1": "b", "rows": "[1, 2]"}
            steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            plan = " ".join(str(step[3]) for step in steps)
            assert index in plan
            assert "TEMP B-TREE" not in plan


def test_changes_of_more_tasks_than_sql_parameters_are_reported(directory: Path) -> None:
    follower = follow(directory, newest=10)
    fill(directory, *(f"task-{number}" for number in range(1_203)))
    assert len(follower.next().new) == 1_203
    execute(directory, "UPDATE tasks SET status = 'success'")
    assert len(follower.next().changed) == 1_203
    execute(directory, "DELETE FROM tasks")
    assert len(follower.next().gone) == 1_203
