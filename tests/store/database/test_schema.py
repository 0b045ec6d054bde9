"""A new file is created completely or not at all, and once, by any number of processes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import (
    Child,
    check_free,
    connect,
    execute,
    files,
    header,
    insert,
    make_store,
    tables,
)

from uniqc_store import (
    APPLICATION_ID,
    CURRENT_SCHEMA_VERSION,
    DB_FILENAME,
    MIGRATIONS,
    StoreBusyError,
    StoreNewerError,
    TaskInfo,
    TaskStore,
)
from uniqc_store.database import schema

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

FIRST_SCHEMA = [
    ("task_id", "TEXT", 0, None, 1),
    ("backend", "TEXT", 1, None, 0),
    ("status", "TEXT", 1, None, 0),
    ("shots", "INTEGER", 1, "0", 0),
    ("submit_time", "TEXT", 1, None, 0),
    ("update_time", "TEXT", 1, None, 0),
    ("result_json", "TEXT", 0, None, 0),
    ("metadata_json", "TEXT", 1, "'{}'", 0),
]


class MigrationError(Exception):
    """The error of a migration that fails in a test."""


def add_note(connection: sqlite3.Connection) -> None:
    """Migrate to an invented version 2."""
    connection.execute("ALTER TABLE tasks ADD COLUMN note TEXT")
    connection.execute("UPDATE tasks SET note = 'from version 2'")


def fail_half_way(connection: sqlite3.Connection) -> None:
    """Fail in the middle of a migration to an invented version 3."""
    connection.execute("CREATE TABLE half_done (number INTEGER)")
    connection.execute("UPDATE tasks SET note = 'from version 3', status = 'lost'")
    connection.execute("DROP INDEX tasks_status_idx")
    raise MigrationError


def do_nothing(connection: sqlite3.Connection) -> None:
    """Migrate to an invented version that changes only the number."""


def fail_if_called(connection: sqlite3.Connection) -> None:
    pytest.fail("a migration has run again")


def columns(directory: Path) -> list[str]:
    with closing(connect(directory)) as connection:
        return [
            name for (name,) in connection.execute("SELECT name FROM pragma_table_info('tasks')")
        ]


def test_the_constants_equal_those_of_uniqc() -> None:
    assert APPLICATION_ID.to_bytes(4, "big") == b"UNIC"
    assert CURRENT_SCHEMA_VERSION == 1


def test_migrations_are_in_order_and_end_at_the_current_version() -> None:
    versions = [version for version, _ in MIGRATIONS]
    assert versions == sorted(set(versions))
    assert versions[-1] == CURRENT_SCHEMA_VERSION


def test_a_fresh_file_has_the_first_schema(store: TaskStore) -> None:
    with closing(connect(store.cache_dir)) as connection:
        found = connection.execute(
            "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('tasks')"
        ).fetchall()
        indices = connection.execute(
            "SELECT indices.name, columns.name FROM pragma_index_list('tasks') AS indices "
            "JOIN pragma_index_info(indices.name) AS columns WHERE indices.origin = 'c'"
        ).fetchall()
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    assert found == FIRST_SCHEMA
    assert dict(indices) == {
        "tasks_backend_idx": "backend",
        "tasks_status_idx": "status",
        "tasks_submit_time_idx": "submit_time",
    }
    assert mode == "wal"


def test_a_fresh_file_has_the_application_id_and_version_1(store: TaskStore) -> None:
    assert header(store.cache_dir) == (APPLICATION_ID, 1)
    assert tables(store.cache_dir) == {"tasks"}


def test_opening_a_file_again_changes_nothing_in_it(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy"))
    before = store.db_path.read_bytes()
    assert TaskStore(store.cache_dir).count() == 1
    assert store.db_path.read_bytes() == before


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / DB_FILENAME).touch()
    assert TaskStore(tmp_path).count() == 0
    assert header(tmp_path) == (APPLICATION_ID, 1)


def test_an_empty_file_with_the_application_id_becomes_a_store(tmp_path: Path) -> None:
    execute(tmp_path, f"PRAGMA application_id = {APPLICATION_ID}")
    TaskStore(tmp_path).save(TaskInfo("a", "dummy"))
    assert header(tmp_path) == (APPLICATION_ID, 1)


def test_a_table_without_a_schema_version_is_kept(tmp_path: Path) -> None:
    directory = make_store(tmp_path / "cache", version=0)
    execute(directory, "DROP INDEX tasks_status_idx")
    insert(directory, "a")
    assert [task.task_id for task in TaskStore(directory).list()] == ["a"]
    assert header(directory) == (APPLICATION_ID, 1)
    assert tables(directory) == {"tasks"}


def test_later_migrations_run_in_order_and_once(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(TaskInfo("a", "dummy"))
    order: list[int] = []

    def third(connection: sqlite3.Connection) -> None:
        assert connection.execute("SELECT note FROM tasks").fetchall() == [("from version 2",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        order.append(3)

    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, (2, add_note), (3, third)])
    assert store.count() == 1
    assert header(store.cache_dir) == (APPLICATION_ID, 3)
    monkeypatch.setattr(
        schema, "MIGRATIONS", [(1, fail_if_called), (2, fail_if_called), (3, fail_if_called)]
    )
    assert TaskStore(store.cache_dir).count() == 1
    assert order == [3]


def test_a_failed_migration_is_rolled_back(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(TaskInfo("a", "dummy"))
    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, (2, add_note), (3, fail_half_way)])
    with pytest.raises(MigrationError):
        TaskStore(store.cache_dir)
    assert header(store.cache_dir) == (APPLICATION_ID, 2)
    assert tables(store.cache_dir) == {"tasks"}
    with closing(connect(store.cache_dir)) as connection:
        rows = connection.execute("SELECT task_id, status, note FROM tasks").fetchall()
        index = "SELECT 1 FROM sqlite_master WHERE name = 'tasks_status_idx'"
        assert connection.execute(index).fetchone() == (1,)
    assert rows == [("a", "pending", "from version 2")]
    check_free(store.cache_dir)


def test_a_failed_migration_is_repeated_at_the_next_opening(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, (2, add_note), (3, fail_half_way)])
    with pytest.raises(MigrationError):
        store.count()
    monkeypatch.setattr(
        schema, "MIGRATIONS", [(1, fail_if_called), (2, fail_if_called), (3, do_nothing)]
    )
    assert store.count() == 0
    assert header(store.cache_dir) == (APPLICATION_ID, 3)
    assert columns(store.cache_dir)[-1] == "note"


def test_a_first_migration_that_fails_leaves_an_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        schema.make_version_1(connection)
        raise MigrationError

    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", [(1, fail)])
        with pytest.raises(MigrationError):
            TaskStore(tmp_path)
    assert files(tmp_path) == {DB_FILENAME: b""}
    assert TaskStore(tmp_path).count() == 0


def test_a_version_is_newer_only_without_its_migration(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = [(version, do_nothing) for version in range(2, 8)]
    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, *later])
    store.save(TaskInfo("a", "dummy"))
    assert header(store.cache_dir) == (APPLICATION_ID, 7)
    monkeypatch.undo()
    with pytest.raises(StoreNewerError):
        store.save(TaskInfo("b", "dummy"))


def test_a_process_killed_in_the_first_migration_leaves_an_empty_store(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    start("die_in_migration", tmp_path, 1).wait(-9)
    assert TaskStore(tmp_path, read_only=True).count() == 0
    assert TaskStore(tmp_path).count() == 0
    assert header(tmp_path) == (APPLICATION_ID, 1)
    assert tables(tmp_path) == {"tasks"}
    check_free(tmp_path)


def test_a_process_killed_in_a_later_migration_leaves_the_previous_version(
    store: TaskStore, start: Callable[..., Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(TaskInfo("a", "dummy"))
    start("die_in_migration", store.cache_dir, 2).wait(-9)
    assert store.count() == 1
    assert header(store.cache_dir) == (APPLICATION_ID, 1)
    assert tables(store.cache_dir) == {"tasks"}
    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, (2, add_note)])
    assert store.count() == 1
    assert header(store.cache_dir) == (APPLICATION_ID, 2)


@pytest.mark.parametrize(("processes", "rounds"), [(2, 30), (8, 20)])
def test_processes_that_open_a_fresh_path_at_once_all_succeed(
    tmp_path: Path, start: Callable[..., Child], processes: int, rounds: int
) -> None:
    names = [f"process-{number}" for number in range(processes)]
    children = [start("open_and_save", tmp_path, rounds, name) for name in names]
    for number in range(rounds):
        expected = "saved" if number else "ready"
        assert [child.receive() for child in children] == [expected] * processes
        for child in children:
            child.resume()
    assert [child.receive() for child in children] == ["saved"] * processes
    for number in range(rounds):
        directory = tmp_path / str(number)
        ids = sorted(task.task_id for task in TaskStore(directory, read_only=True).list())
        assert ids == names
        assert header(directory) == (APPLICATION_ID, 1)


def test_a_file_that_another_process_is_creating_is_busy(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    make_store(tmp_path / "cache", version=0)
    maker = start("hold", tmp_path / "cache", "BEGIN EXCLUSIVE", "DROP TABLE tasks")
    assert maker.receive() == "in"
    with pytest.raises(StoreBusyError):
        TaskStore(tmp_path / "cache", busy_timeout=0.05)
    assert maker.finish() == "out"
    assert TaskStore(tmp_path / "cache").count() == 0
