"""Files that releases of uniqc wrote through their own API."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.store.conftest import (
    MANIFEST,
    REAL_FILES,
    backdate,
    connect,
    copy_real,
    files,
    header,
    tables,
)

from uniqc_store import (
    APPLICATION_ID,
    TERMINAL_STATUSES,
    InvalidValueError,
    Matches,
    Snapshot,
    TaskFilter,
    TaskInfo,
    TaskRecord,
    TaskStore,
    parse_time,
)

if TYPE_CHECKING:
    from pathlib import Path

LATEST = [name for name in REAL_FILES if MANIFEST[name]["user_version"] >= 5]
WITH_MESSAGES = [name for name in REAL_FILES if MANIFEST[name]["user_version"] >= 3]
WITHOUT_MESSAGES = [name for name in REAL_FILES if MANIFEST[name]["user_version"] < 3]
STAMPED = [name for name in REAL_FILES if MANIFEST[name]["user_version"] >= 1]
OTHER_TABLES = ("task_shards", "archived_tasks", "archived_task_shards")

NOTHING: dict[str, Any] = {"count": 0, "by_status": {}, "by_backend": {}, "with_result": 0}


def manifest_entry(name: str, table: str = "tasks") -> dict[str, Any]:
    """Return the manifest's entry of a table. A missing table counts as an empty one."""
    entries: dict[str, dict[str, Any]] = MANIFEST[name]["tables"]
    return entries.get(table, NOTHING)


def rows(directory: Path, statement: str) -> list[Any]:
    with closing(connect(directory)) as connection:
        return connection.execute(statement).fetchall()


def ids_in(directory: Path, table: str) -> list[str]:
    if table not in tables(directory):
        return []
    return [task_id for (task_id,) in rows(directory, f"SELECT task_id FROM {table}")]


def whole_table(directory: Path, table: str) -> list[Any]:
    if table not in tables(directory):
        return []
    return rows(directory, f"SELECT * FROM {table} ORDER BY 1, 2")


def find(store: TaskStore, reference: str) -> Matches:
    return store.read(lambda snapshot: snapshot.find(reference))


def look_up(snapshot: Snapshot, task_id: str) -> tuple[TaskInfo, TaskRecord]:
    (match,) = snapshot.find(task_id).found
    return snapshot.info(match), snapshot.record(match)


@pytest.fixture
def reader(real_directory: Path) -> TaskStore:
    return TaskStore(backdate(real_directory), read_only=True)


def test_the_counts_equal_those_of_the_manifest(reader: TaskStore, real_name: str) -> None:
    expected = manifest_entry(real_name)
    assert reader.count() == expected["count"]
    for column in ("status", "backend"):
        groups = reader.tally(TaskFilter(), by=(column,))
        assert {getattr(group, column): group.count for group in groups} == expected[f"by_{column}"]
    for status, count in expected["by_status"].items():
        assert reader.count(status=status) == len(reader.list(status=status)) == count
    for backend, count in expected["by_backend"].items():
        assert reader.count(backend=backend) == len(reader.list(backend=backend)) == count
    finished = sum(expected["by_status"].get(status, 0) for status in TERMINAL_STATUSES)
    assert reader.search(TaskFilter(status="finished"), limit=1).total == finished
    assert reader.search(TaskFilter(status="active"), limit=1).total == reader.count() - finished


def test_the_state_has_the_schema_version(reader: TaskStore, real_name: str) -> None:
    state = reader.read(lambda snapshot: snapshot.state)
    assert (state.exists, state.schema_version) == (True, MANIFEST[real_name]["user_version"])


def test_list_get_and_find_return_every_task(reader: TaskStore, real_name: str) -> None:
    expected = manifest_entry(real_name)
    tasks = reader.list()
    assert len({task.task_id for task in tasks}) == expected["count"]
    assert sum(task.result is not None for task in tasks) == expected["with_result"]
    for task in tasks:
        assert reader.get(task.task_id) == task
        info, record = reader.read(partial(look_up, task_id=task.task_id))
        assert info == task
        assert record.task_id == task.task_id
        assert (record.result_bytes is None) is (task.result is None)


def test_every_field_is_returned_as_stored(reader: TaskStore, real_directory: Path) -> None:
    columns = "task_id, backend, status, shots, submit_time, update_time, metadata_json"
    stored = rows(real_directory, f"SELECT {columns} FROM tasks") if reader.count() else []
    tasks = {task.task_id: task for task in reader.list()}
    for task_id, backend, status, shots, submit_time, update_time, metadata in stored:
        task = tasks[task_id]
        assert (task.backend, task.status) == (backend, status)
        assert (task.shots, task.submit_time) == (shots, submit_time)
        assert (task.update_time, task.metadata) == (update_time, json.loads(metadata))


def test_only_unusual_fields_are_named_as_damaged(reader: TaskStore) -> None:
    for task in reader.list():
        expected: set[str] = set()
        if task.status in ("QUEUED", "TaskStatus.RUNNING"):
            expected.add("status")
        if not task.submit_time:
            expected.add("submit_time")
        assert set(task.damaged) == expected


def test_the_kinds_of_times_equal_those_of_the_manifest(reader: TaskStore, real_name: str) -> None:
    expected = manifest_entry(real_name).get("submit_time_kind", {})
    moments = [parse_time(task.submit_time) for task in reader.list()]
    kinds = Counter(
        "other" if moment is None else "naive" if moment.tzinfo is None else "aware"
        for moment in moments
    )
    assert {kind: count for kind, count in expected.items() if count} == kinds
    undated = reader.read(lambda snapshot: snapshot.undated())
    assert undated == expected.get("other", 0)


def test_pages_visit_every_task(reader: TaskStore) -> None:
    expected = [task.task_id for task in reader.list()]
    visited: list[str] = []
    cursor = ""
    while True:
        page = reader.search(TaskFilter(), limit=7, cursor=cursor)
        visited += [record.task_id for record in page.records]
        assert visited == expected[: len(visited)]
        if not (cursor := page.next_cursor):
            break
    assert visited == expected


def test_archived_tasks_are_found_and_marked_as_archived(
    reader: TaskStore, real_name: str, real_directory: Path
) -> None:
    archived = ids_in(real_directory, "archived_tasks")
    assert (
        reader.read(lambda snapshot: snapshot.archived())
        == manifest_entry(real_name, "archived_tasks")["count"]
        == len(archived)
    )

    def count_by_status(snapshot: Snapshot) -> Counter[str]:
        statuses: Counter[str] = Counter()
        for task_id in archived:
            assert [match.archived for match in snapshot.find(task_id).found] == [True]
            info, record = look_up(snapshot, task_id)
            assert info.archived_at == record.archived_at
            assert parse_time(record.archived_at or "") is not None
            statuses[record.status] += 1
        return statuses

    assert reader.read(count_by_status) == manifest_entry(real_name, "archived_tasks")["by_status"]
    assert all(reader.get(task_id) is None for task_id in archived)
    assert all(task.archived_at is None for task in reader.list())


@pytest.mark.parametrize("table", ["tasks", "archived_tasks"])
def test_the_shards_equal_those_of_the_manifest(
    reader: TaskStore, real_name: str, real_directory: Path, table: str
) -> None:
    expected = manifest_entry(
        real_name, {"tasks": "task_shards"}.get(table, "archived_task_shards")
    )

    def count_shards(snapshot: Snapshot) -> tuple[Counter[str], Counter[str]]:
        statuses: Counter[str] = Counter()
        backends: Counter[str] = Counter()
        for task_id in ids_in(real_directory, table):
            (match,) = snapshot.find(task_id).found
            shards = snapshot.shards(match)
            assert [shard.shard_index for shard in shards] == list(range(len(shards)))
            assert all(shard.uniqc_task_id == task_id for shard in shards)
            statuses.update(shard.status for shard in shards)
            backends.update(shard.backend for shard in shards)
        return statuses, backends

    assert reader.read(count_shards) == (expected["by_status"], expected["by_backend"])


@pytest.mark.parametrize("name", LATEST)
def test_a_platform_id_finds_its_task(name: str, tmp_path: Path) -> None:
    store = TaskStore(copy_real(name, tmp_path), read_only=True)
    owners: dict[str, set[str]] = {}
    for platform_id, task_id in rows(
        tmp_path, "SELECT platform_task_id, uniqc_task_id FROM task_shards"
    ):
        owners.setdefault(platform_id, set()).add(task_id)
    assert owners
    live = set(ids_in(tmp_path, "tasks"))
    for platform_id, tasks in owners.items():
        expected = {platform_id} if platform_id in live else tasks
        matches = find(store, platform_id)
        assert {match.task_id for match in matches.found if not match.archived} == expected
        if len(expected) == 1:
            task = store.get(platform_id)
            assert task is not None
            assert {task.task_id} == expected


def test_an_id_from_before_an_upgrade_finds_its_task(tmp_path: Path) -> None:
    directory = copy_real("5-0.1.1-migrated-from-0.0.4.sqlite", tmp_path)
    store = TaskStore(directory, read_only=True)
    legacy = {
        task.task_id: cast("str", task.metadata["legacy_platform_id"])
        for task in store.list()
        if "legacy_platform_id" in task.metadata
    }
    assert len(legacy) == store.count() > 0
    with closing(connect(directory)) as connection:
        connection.execute("DELETE FROM task_shards")
    for task_id, legacy_id in legacy.items():
        assert [match.task_id for match in find(store, legacy_id).found] == [task_id]
        task = store.get(legacy_id)
        assert task is not None
        assert task.task_id == task_id
    assert store.read(lambda snapshot: snapshot.doubled()) == 0


# Opened for writing


@pytest.mark.parametrize("name", STAMPED)
def test_a_write_does_not_change_the_schema(name: str, tmp_path: Path) -> None:
    directory = copy_real(name, tmp_path)
    layout = rows(directory, "SELECT type, name, sql FROM sqlite_master")
    store = TaskStore(directory)
    store.save(TaskInfo("new", "dummy"))
    store.delete("new")
    assert header(directory) == (APPLICATION_ID, MANIFEST[name]["user_version"])
    assert rows(directory, "SELECT type, name, sql FROM sqlite_master") == layout


def test_a_half_initialised_file_is_completed_at_version_1(tmp_path: Path) -> None:
    store = TaskStore(copy_real("0-halfinit.sqlite", tmp_path))
    store.save(TaskInfo("new", "dummy"))
    assert header(tmp_path) == (APPLICATION_ID, 1)


@pytest.mark.parametrize("name", STAMPED)
def test_opening_for_writing_changes_no_byte(name: str, tmp_path: Path) -> None:
    directory = copy_real(name, tmp_path)
    before = files(directory)
    TaskStore(directory).count()
    assert files(directory) == before


def test_opening_a_half_initialised_file_for_writing_completes_it(tmp_path: Path) -> None:
    store = TaskStore(copy_real("0-halfinit.sqlite", tmp_path))
    assert store.count() == 0
    assert (header(tmp_path), tables(tmp_path)) == ((APPLICATION_ID, 1), {"tasks"})


def test_a_save_and_a_delete_change_only_one_task(real_directory: Path) -> None:
    store = TaskStore(real_directory)
    before = store.list()
    others = [whole_table(real_directory, table) for table in OTHER_TABLES]
    task = TaskInfo("new", "dummy", result={"00": 5}, metadata={"task_name": "mine"})
    store.save(task)
    assert store.get("new") == task
    assert [other for other in store.list() if other.task_id != "new"] == before
    assert store.delete("new")
    assert store.list() == before
    assert [whole_table(real_directory, table) for table in OTHER_TABLES] == others


def test_every_task_can_be_saved_back_unchanged(real_directory: Path, real_name: str) -> None:
    store = TaskStore(real_directory)
    statement = "SELECT * FROM task_shards ORDER BY rowid"
    with_shards = MANIFEST[real_name]["user_version"] >= 5
    shards = rows(real_directory, statement) if with_shards else []
    expected = store.list()
    for number, task in enumerate(store.list()):
        if "nan" not in repr(task.result):  # uniqc writes NaN, which is not JSON
            store.save(task)
            expected[number].update_time = task.update_time
    # Compare texts, because NaN does not equal NaN.
    assert list(map(repr, store.list())) == list(map(repr, expected))
    assert len(expected) == manifest_entry(real_name)["count"]
    assert (rows(real_directory, statement) if with_shards else []) == shards


def test_clear_completed_removes_the_finished_tasks_and_their_shards(
    real_directory: Path, real_name: str
) -> None:
    store = TaskStore(real_directory)
    archive = whole_table(real_directory, "archived_tasks")
    by_status = manifest_entry(real_name)["by_status"]
    left = {status: n for status, n in by_status.items() if status not in TERMINAL_STATUSES}
    assert store.clear_completed() == sum(by_status.values()) - sum(left.values())
    assert Counter(task.status for task in store.list()) == left
    assert whole_table(real_directory, "archived_tasks") == archive
    if MANIFEST[real_name]["user_version"] >= 5:
        orphans = (
            "SELECT COUNT(*) FROM task_shards "
            "WHERE uniqc_task_id NOT IN (SELECT task_id FROM tasks)"
        )
        assert rows(real_directory, orphans) == [(0,)]
        archived_shards = rows(real_directory, "SELECT COUNT(*) FROM archived_task_shards")
        assert archived_shards == [(manifest_entry(real_name, "archived_task_shards")["count"],)]


@pytest.mark.parametrize("name", WITH_MESSAGES)
def test_an_error_message_is_kept_and_can_be_set(name: str, tmp_path: Path) -> None:
    store = TaskStore(copy_real(name, tmp_path))
    stored = rows(tmp_path, "SELECT task_id, error_message FROM tasks")
    assert {task.task_id: task.error_message for task in store.list()} == dict(stored)
    task = max(store.list(), key=lambda task: task.error_message or "")
    store.save(task)
    assert store.get(task.task_id) == task
    task.error_message = "another"
    store.save(task)
    assert store.get(task.task_id) == task


@pytest.mark.parametrize("name", WITHOUT_MESSAGES)
def test_an_error_message_without_a_column_is_refused_by_name(name: str, tmp_path: Path) -> None:
    store = TaskStore(copy_real(name, tmp_path))
    before = store.list()
    with pytest.raises(InvalidValueError) as caught:
        store.save(TaskInfo("new", "dummy", error_message="no token"))
    assert caught.value.field == "error_message"
    assert store.list() == before


def test_clear_all_removes_the_file_of_any_release(real_directory: Path) -> None:
    store = TaskStore(real_directory)
    store.clear_all()
    assert files(real_directory) == {}
    store.save(TaskInfo("new", "dummy"))
    assert header(real_directory) == (APPLICATION_ID, 1)
