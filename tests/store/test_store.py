"""Methods that ``TaskStore`` has in common with uniqc's own."""

from __future__ import annotations

import inspect
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.store.conftest import (
    check_free,
    connect,
    copy_real,
    execute,
    insert,
    insert_shard,
    make_store,
    v5_directory,
)

from uniqc_store import (
    TERMINAL_STATUSES,
    AmbiguousIdError,
    InvalidValueError,
    StoreBusyError,
    TaskFilter,
    TaskInfo,
    TaskStatus,
    TaskStore,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from uniqc_store import Snapshot


def ids(store: TaskStore, **only: Any) -> list[str]:
    return [task.task_id for task in store.list(**only)]


@pytest.fixture
def mixed(store: TaskStore) -> TaskStore:
    """Return a store with one task of every status on each of two backends, oldest first."""
    minute = 0
    for backend in ("dummy", "originq:WK_C180"):
        for status in TaskStatus:
            time = datetime(2026, 8, 1, 9, minute, tzinfo=UTC).isoformat()
            name = f"{status.value}-{backend.partition(':')[0]}"
            store.save(TaskInfo(name, backend, status, submit_time=time))
            minute += 1
    return store


def test_the_methods_have_the_signatures_of_uniqc() -> None:
    for method, parameters in {
        "save": ["task"],
        "get": ["task_id"],
        "list": ["status", "backend", "limit", "offset"],
        "count": ["status", "backend"],
        "delete": ["task_id"],
        "clear_completed": ["terminal_statuses"],
        "clear_all": [],
    }.items():
        signature = inspect.signature(getattr(TaskStore, method))
        assert list(signature.parameters) == ["self", *parameters]
    assert next(iter(inspect.signature(TaskStore).parameters)) == "cache_dir"
    assert TERMINAL_STATUSES == ("success", "failed", "cancelled")


def test_get_and_list_return_a_saved_task_unchanged(store: TaskStore) -> None:
    task = TaskInfo(
        "a",
        "originq:WK_C180",
        TaskStatus.SUCCESS,
        result={"counts": {"00": 512, "11": 488}, "probabilities": [0.512, 0.488]},
        shots=1000,
        metadata={"task_name": "贝尔态 №2", "tags": ["nightly"], "nested": {"deep": None}},
    )
    store.save(task)
    assert store.get("a") == task
    assert store.list() == [task]


def test_get_of_an_unknown_id_is_none(mixed: TaskStore) -> None:
    assert mixed.get("unknown") is None


def test_get_does_not_match_a_prefix_of_an_id(mixed: TaskStore) -> None:
    assert mixed.get("success-dum") is None


def test_every_get_returns_a_new_object(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy", metadata={"tags": []}))
    first, second = store.get("a"), store.get("a")
    assert first is not None
    first.metadata["tags"] = ["mine"]
    assert second == store.get("a")


def test_the_value_of_a_status_is_stored_and_not_its_repr(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy", TaskStatus.RUNNING))
    with closing(connect(store.cache_dir)) as connection:
        assert connection.execute("SELECT status FROM tasks").fetchall() == [("running",)]


def test_an_unknown_status_is_stored_unchanged(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy", "QUEUED"))
    task = store.get("a")
    assert task is not None
    assert (task.status, task.damaged) == ("QUEUED", ("status",))


def test_a_second_save_updates_all_but_the_submit_time(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy", submit_time="2026-08-01T09:00:00+00:00"))
    changed = TaskInfo(
        "a",
        "originq",
        "failed",
        result=[1],
        shots=5,
        submit_time="2027-01-01T00:00:00+00:00",
        metadata={"note": "changed"},
    )
    store.save(changed)
    stored = store.get("a")
    assert stored is not None
    assert stored.submit_time == "2026-08-01T09:00:00+00:00"
    stored.submit_time = changed.submit_time
    assert stored == changed
    assert store.count() == 1


def test_a_second_save_keeps_the_position_of_the_task(store: TaskStore) -> None:
    for name in ("a", "b", "c"):
        store.save(TaskInfo(name, "dummy", submit_time="2026-08-01T09:00:00+00:00"))
    store.save(TaskInfo("a", "dummy", "running"))
    assert ids(store) == ["c", "b", "a"]


def test_a_save_can_remove_a_result(store: TaskStore) -> None:
    task = TaskInfo("a", "dummy", result={"00": 1})
    store.save(task)
    task.result = None
    store.save(task)
    assert store.get("a") == task


def test_a_save_sets_the_same_update_time_on_the_task_and_its_row(store: TaskStore) -> None:
    task = TaskInfo("a", "dummy", update_time="2026-08-01T09:00:00+00:00")
    began = datetime.now(UTC)
    store.save(task)
    stamped = task.updated_at
    assert stamped is not None
    assert began <= stamped <= datetime.now(UTC)
    assert task.update_time.endswith("+00:00")
    stored = store.get("a")
    assert stored is not None
    assert stored.update_time == task.update_time


def test_a_save_that_finds_the_file_in_use_does_not_change_the_task(tmp_path: Path) -> None:
    store = TaskStore(tmp_path, busy_timeout=0.05)
    task = TaskInfo("a", "dummy", metadata={"tags": ["x"]})
    before = task.to_dict()
    with closing(connect(tmp_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError):
            store.save(task)
    assert task.to_dict() == before
    assert store.count() == 0


def test_tasks_are_listed_newest_first_by_submit_time_as_text(store: TaskStore) -> None:
    times = ["2026-08-01T09:00:00+00:00", "2026-08-01 10:00:00", "", "soon", "2026-08-02"]
    for number, time in enumerate(times):
        store.save(TaskInfo(str(number), "dummy", submit_time=time))
    assert ids(store) == ["3", "4", "0", "1", "2"]


def test_the_last_saved_of_equal_submit_times_is_listed_first(store: TaskStore) -> None:
    for name in ("b", "c", "a"):
        store.save(TaskInfo(name, "dummy", submit_time="2026-08-01T09:00:00+00:00"))
    assert ids(store) == ["a", "c", "b"]


def test_a_list_can_be_filtered_by_status_and_backend(mixed: TaskStore) -> None:
    assert ids(mixed, status="failed") == ["failed-originq", "failed-dummy"]
    assert ids(mixed, status=TaskStatus.FAILED, backend="dummy") == ["failed-dummy"]
    assert ids(mixed, backend="originq:WK_C180", limit=1) == ["cancelled-originq"]


def test_list_compares_the_whole_label_of_a_backend(mixed: TaskStore) -> None:
    assert ids(mixed, backend="originq") == []


def test_a_list_without_matching_tasks_is_empty(mixed: TaskStore) -> None:
    assert ids(mixed, status="QUEUED") == ids(mixed, backend="") == []


def test_a_limit_keeps_the_newest_tasks(mixed: TaskStore) -> None:
    everything = ids(mixed)
    assert [ids(mixed, limit=limit) for limit in (1, 3, 100)] == [
        everything[:1],
        everything[:3],
        everything,
    ]


def test_an_offset_skips_the_newest(mixed: TaskStore) -> None:
    everything = ids(mixed)
    assert [ids(mixed, offset=offset) for offset in (0, 1, 9, 10, 2**63 - 1)] == [
        everything,
        everything[1:],
        everything[9:],
        [],
        [],
    ]
    assert ids(mixed, offset=2, limit=3) == everything[2:5]
    assert (
        ids(mixed, offset=1, backend="originq:WK_C180")
        == (ids(mixed, backend="originq:WK_C180")[1:])
    )


def test_a_count_is_the_length_of_the_list(mixed: TaskStore) -> None:
    assert mixed.count() == 10
    for status in ("failed", "x"):
        assert mixed.count(status=status) == len(mixed.list(status=status))
    assert mixed.count(backend="dummy") == len(mixed.list(backend="dummy"))
    assert mixed.count(status=TaskStatus.SUCCESS, backend="dummy") == 1


def test_a_value_is_never_executed_as_sql(mixed: TaskStore) -> None:
    for text in ("' OR 1=1 --", '"', "%", "\0", "success-dummy' --"):
        assert mixed.get(text) is None
        assert mixed.count(status=text) == mixed.count(backend=text) == 0
        assert not mixed.delete(text)
    assert mixed.count() == 10


def test_delete_returns_whether_the_task_existed(mixed: TaskStore) -> None:
    assert mixed.delete("failed-dummy")
    assert not mixed.delete("failed-dummy")
    assert mixed.get("failed-dummy") is None
    assert mixed.count() == 9


def test_clear_completed_removes_every_finished_task(mixed: TaskStore) -> None:
    assert mixed.clear_completed() == 6
    assert {task.status for task in mixed.list()} == {"pending", "running"}
    assert mixed.clear_completed() == 0


@pytest.mark.parametrize("status", ["success", TaskStatus.SUCCESS, ["success"], ("success",) * 2])
def test_clear_completed_accepts_a_single_status(mixed: TaskStore, status: Any) -> None:
    assert mixed.clear_completed(status) == 2
    assert mixed.count(status="success") == 0
    assert mixed.count() == 8


def test_clear_completed_accepts_statuses_as_enums_and_as_text(mixed: TaskStore) -> None:
    assert mixed.clear_completed([TaskStatus.FAILED, "cancelled"]) == 4
    assert mixed.count() == 6


@pytest.mark.parametrize("statuses", [[], (), "", "s", "succes"])
def test_clear_completed_of_no_known_status_removes_nothing(
    mixed: TaskStore, statuses: Any
) -> None:
    assert mixed.clear_completed(statuses) == 0
    assert mixed.count() == 10


def test_clear_completed_keeps_statuses_that_only_look_finished(store: TaskStore) -> None:
    for status in ("SUCCESS", "TaskStatus.SUCCESS", "success ", "done"):
        store.save(TaskInfo(status, "dummy", status))
    assert store.clear_completed() == 0


def test_clear_completed_is_all_or_nothing(mixed: TaskStore) -> None:
    execute(
        mixed.cache_dir,
        "CREATE TRIGGER keep BEFORE DELETE ON tasks WHEN old.status = 'cancelled' "
        "BEGIN SELECT RAISE(ABORT, 'kept'); END",
    )
    with pytest.raises(Exception, match="kept"):
        mixed.clear_completed()
    assert mixed.count() == 10


def test_an_error_message_is_refused_by_the_first_schema(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy"))
    task = TaskInfo("a", "dummy", "failed", error_message="no token")
    before = task.to_dict()
    with pytest.raises(InvalidValueError, match="schema version 1") as caught:
        store.save(task)
    assert caught.value.field == "error_message"
    assert task.to_dict() == before
    assert [stored.status for stored in store.list()] == ["pending"]


def test_an_error_message_can_be_saved_and_removed_in_a_later_schema(tmp_path: Path) -> None:
    store = TaskStore(v5_directory(tmp_path))
    task = TaskInfo("a", "dummy", "failed", error_message="no token")
    store.save(task)
    assert store.get("a") == task
    task.error_message = None
    store.save(task)
    assert store.get("a") == task


def test_shards_are_removed_with_their_task(tmp_path: Path) -> None:
    directory = v5_directory(tmp_path)
    for name in ("a", "b", "c"):
        insert(directory, name, status="success" if name == "b" else "running")
        insert_shard(directory, name, f"P-{name}")
    store = TaskStore(directory)
    store.delete("a")
    store.clear_completed()
    with closing(connect(directory)) as connection:
        left = connection.execute("SELECT uniqc_task_id FROM task_shards").fetchall()
    assert left == [("c",)]


def test_a_save_keeps_the_shards_of_the_task(tmp_path: Path) -> None:
    directory = v5_directory(tmp_path)
    insert(directory, "a")
    insert_shard(directory, "a", "P-a")
    store = TaskStore(directory)
    store.save(TaskInfo("a", "dummy", "success"))
    assert [task.status for task in store.list()] == ["success"]
    task = store.get("P-a")
    assert task is not None
    assert task.task_id == "a"


def test_get_names_the_tasks_that_share_a_platform_id(tmp_path: Path) -> None:
    directory = v5_directory(tmp_path)
    for name in ("b", "a"):
        insert(directory, name)
        insert_shard(directory, name, "P")
    with pytest.raises(AmbiguousIdError) as caught:
        TaskStore(directory).get("P")
    assert (caught.value.reference, caught.value.candidates) == ("P", ("a", "b"))


def test_get_ignores_the_archive(tmp_path: Path) -> None:
    directory = v5_directory(tmp_path)
    insert(directory, "a", table="archived_tasks", archived_at="2026-08-02")
    insert_shard(directory, "a", "P", table="archived_task_shards", archived_at="2026-08-02")
    insert(directory, "b")
    insert_shard(directory, "b", "P")
    store = TaskStore(directory)
    assert store.get("a") is None
    task = store.get("P")
    assert task is not None
    assert task.task_id == "b"


def test_instances_see_each_others_changes(store: TaskStore) -> None:
    other = TaskStore(store.cache_dir)
    store.save(TaskInfo("a", "dummy"))
    assert other.count() == 1
    assert other.delete("a")
    assert store.count() == 0


def test_a_task_that_uniqc_writes_is_counted(tmp_path: Path) -> None:
    store = TaskStore(copy_real("1-0.0.5.sqlite", tmp_path))
    before = store.count()
    insert(tmp_path, "from uniqc")
    assert store.count() == before + 1


def test_several_queries_of_one_read_see_the_same_state(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy"))

    def twice(snapshot: Snapshot) -> list[int]:
        first = snapshot.count(TaskFilter())
        insert(store.cache_dir, "between")
        return [first, snapshot.count(TaskFilter())]

    assert store.read(twice) == [1, 1]
    assert store.count() == 2


def test_no_call_leaves_anything_open_or_locked(mixed: TaskStore) -> None:
    calls: list[Callable[[], object]] = [
        lambda: mixed.save(TaskInfo("a", "dummy")),
        lambda: mixed.get("a"),
        mixed.list,
        mixed.count,
        lambda: mixed.delete("a"),
        mixed.clear_completed,
        lambda: mixed.read(lambda snapshot: snapshot.state),
        lambda: TaskStore(mixed.cache_dir, read_only=True).count(),
        mixed.clear_all,
        lambda: TaskStore(mixed.cache_dir),
    ]
    for call in calls:
        call()
        if mixed.db_path.exists():
            check_free(mixed.cache_dir)


def test_a_call_that_fails_leaves_nothing_open_or_locked(store: TaskStore) -> None:
    with pytest.raises(InvalidValueError):
        store.save(TaskInfo("a", "dummy", error_message="no token"))
    check_free(store.cache_dir)

    class CallerError(Exception):
        """An error of the caller."""

    def fail(_: object) -> None:
        raise CallerError

    for asked in (store, TaskStore(store.cache_dir, read_only=True)):
        with pytest.raises(CallerError):
            asked.read(fail)
        check_free(store.cache_dir)


def test_a_file_in_rollback_mode_is_switched_to_wal(tmp_path: Path) -> None:
    directory = make_store(tmp_path / "cache")
    TaskStore(directory)
    with closing(connect(directory)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
