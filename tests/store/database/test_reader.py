"""Reads leave no trace, in every state of the file and beside every writer."""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import (
    Child,
    backdate,
    check_free,
    connect,
    copy_as_killed,
    copy_real,
    copy_with_hot_journal,
    execute,
    files,
    fill,
    insert,
    make_store,
    open_files,
    unprivileged,
)

from uniqc_store import (
    DB_FILENAME,
    MIGRATIONS,
    ReadOnlyStoreError,
    Snapshot,
    StoreBusyError,
    StoreState,
    StoreUnreadableError,
    TaskFilter,
    TaskInfo,
    TaskStore,
)
from uniqc_store.database import schema

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

WAL = f"{DB_FILENAME}-wal"
SHM = f"{DB_FILENAME}-shm"


def read_only(directory: Path) -> TaskStore:
    return TaskStore(directory, read_only=True, busy_timeout=1)


def state(store: TaskStore) -> StoreState:
    return store.read(lambda snapshot: snapshot.state)


def read_everything(store: TaskStore) -> None:
    """Call every method that reads."""
    store.get("unknown")
    store.list()
    store.count()
    store.search(TaskFilter(name_contains="bell"), limit=5)
    store.tally(TaskFilter())
    state(store)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Return a store of ten tasks that was last written years ago."""
    directory = make_store(tmp_path / "filled")
    fill(directory, *(f"task-{number}" for number in range(10)))
    execute(directory, "PRAGMA journal_mode = WAL")
    return backdate(directory)


@pytest.fixture
def with_wal(filled: Path, tmp_path: Path) -> Path:
    """Return the same store with three more tasks, which are committed in the WAL only."""
    with closing(connect(filled)) as connection:
        connection.execute("SELECT COUNT(*) FROM tasks").fetchone()
        fill(filled, "late-1", "late-2", "late-3")
        directory = backdate(copy_as_killed(filled, tmp_path / "with-wal"))
    assert (directory / WAL).stat().st_size > 0
    return directory


# A missing or an empty file


@pytest.mark.parametrize("below", ["", "missing/cache"])
def test_a_missing_file_is_read_as_an_empty_store_that_does_not_exist(
    tmp_path: Path, below: str
) -> None:
    store = read_only(tmp_path / below)
    assert state(store) == StoreState(path=store.db_path, exists=False, schema_version=0)
    assert store.get("a") is None
    assert (store.list(), store.count()) == ([], 0)
    assert store.search(TaskFilter(), limit=5).total == 0
    assert store.tally(TaskFilter()) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_created_later_is_read(tmp_path: Path) -> None:
    store = read_only(tmp_path)
    assert not state(store).exists
    TaskStore(tmp_path).save(TaskInfo("a", "dummy"))
    assert state(store).exists
    assert store.count() == 1


@pytest.mark.parametrize("version", [0, 1])
def test_a_file_without_tasks_is_read_as_an_empty_store_that_exists(
    tmp_path: Path, version: int
) -> None:
    if version:
        make_store(tmp_path)
    else:
        copy_real("0-halfinit.sqlite", tmp_path)
    store = read_only(tmp_path)
    assert state(store) == StoreState(
        path=store.db_path, exists=True, schema_version=version, blank=version == 0
    )
    assert store.count() == 0


def test_an_empty_file_is_read_as_an_empty_store_that_exists(tmp_path: Path) -> None:
    (tmp_path / DB_FILENAME).touch()
    store = read_only(tmp_path)
    assert state(store).exists
    assert (store.count(), store.list(), store.tally(TaskFilter())) == (0, [], ())
    assert files(tmp_path) == {DB_FILENAME: b""}


# No trace


def test_every_method_that_writes_is_refused(filled: Path) -> None:
    store = read_only(filled)
    before = files(filled)
    writes: list[Callable[[], object]] = [
        lambda: store.save(TaskInfo("a", "dummy")),
        lambda: store.delete("task-1"),
        store.clear_completed,
        store.clear_all,
    ]
    for write in writes:
        with pytest.raises(ReadOnlyStoreError) as caught:
            write()
        assert caught.value.path == store.db_path
    assert store.read_only
    assert files(filled) == before


def test_no_connection_can_write(filled: Path, with_wal: Path) -> None:
    for directory in (filled, with_wal):
        store = read_only(directory)
        opened = store.read(lambda snapshot: open_files(snapshot.state.path.parent))
        assert opened[DB_FILENAME] == os.O_RDONLY


def test_a_connection_that_shares_the_file_is_query_only(with_wal: Path) -> None:
    def query_only(snapshot: Snapshot) -> bool:
        session = snapshot._session  # pyright: ignore[reportPrivateUsage]
        return session.number("PRAGMA query_only") == 1

    assert read_only(with_wal).read(query_only)


def test_a_settled_file_is_read_without_a_trace(real_directory: Path) -> None:
    before = files(backdate(real_directory))
    read_everything(read_only(real_directory))
    assert files(real_directory) == before
    assert open_files(real_directory) == {}


def test_a_read_does_not_change_a_file_that_was_just_written(real_directory: Path) -> None:
    before = files(real_directory)
    read_everything(read_only(real_directory))
    after = files(real_directory)
    assert after.pop(WAL, b"") == b""
    after.pop(SHM, None)
    assert after == before


def test_a_save_removes_the_companions_that_a_read_left(filled: Path) -> None:
    os.utime(filled / DB_FILENAME)
    read_only(filled).count()
    TaskStore(filled).save(TaskInfo("a", "dummy"))
    assert set(files(filled)) == {DB_FILENAME}


def test_a_read_only_store_migrates_nothing(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def migrate(connection: sqlite3.Connection) -> None:
        pytest.fail("a reader has migrated")

    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, (2, migrate)])
    before = files(filled)
    assert read_only(filled).count() == 10
    assert files(filled) == before


def test_a_read_keeps_a_file_in_rollback_mode(tmp_path: Path) -> None:
    directory = make_store(tmp_path / "cache")
    insert(directory, "a")
    before = files(directory)
    assert read_only(directory).count() == 1
    assert files(directory) == before


# Left by a killed process


def test_tasks_that_a_killed_process_has_committed_are_read(
    filled: Path, start: Callable[..., Child]
) -> None:
    start("die_with_wal", filled, 3).wait(-9)
    assert {WAL, SHM} <= files(filled).keys()
    assert read_only(filled).count() == 13
    assert read_only(backdate(filled)).count() == 13
    (filled / SHM).unlink()
    assert read_only(backdate(filled)).count() == 13


def test_tasks_that_a_killed_process_has_not_committed_are_not_read(
    filled: Path, tmp_path: Path
) -> None:
    with closing(connect(filled)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        for number in range(50):
            insert(connection, f"lost-{number}", metadata_json='{"note": "' + "x" * 5000 + '"}')
        killed = backdate(copy_as_killed(filled, tmp_path / "killed"))
    assert (killed / WAL).stat().st_size > 0
    assert read_only(killed).count() == 10


def test_a_wal_that_is_garbage_is_ignored(filled: Path) -> None:
    (filled / WAL).write_bytes(b"left over from something else" * 500)
    assert read_only(backdate(filled)).count() == 10


def test_a_hot_journal_is_applied_without_a_trace(tmp_path: Path) -> None:
    killed = backdate(copy_with_hot_journal(tmp_path))
    before = files(killed)
    store = read_only(killed)
    assert (store.count(), store.count(status="lost")) == (30, 0)
    assert [task.status for task in store.list()] == ["running"] * 30  # not from an index
    assert files(killed) == before


# Without write permission


@pytest.fixture
def make_read_only_copy(public_directory: Path) -> Callable[[Path], Path]:
    """Return a function that copies files into a directory without write permission."""

    def copy(source: Path) -> Path:
        for name, content in files(source).items():
            (public_directory / name).write_bytes(content)
            (public_directory / name).chmod(0o444)
        backdate(public_directory)
        public_directory.chmod(0o555)
        return public_directory

    return copy


def test_a_file_in_a_read_only_directory_is_read(
    filled: Path, make_read_only_copy: Callable[[Path], Path]
) -> None:
    directory = make_read_only_copy(filled)
    before = files(directory)
    with unprivileged():
        assert read_only(directory).count() == 10
    assert files(directory) == before


def test_a_wal_in_a_read_only_directory_is_read(
    with_wal: Path, make_read_only_copy: Callable[[Path], Path]
) -> None:
    directory = make_read_only_copy(with_wal)
    before = files(directory)
    with unprivileged():
        assert read_only(directory).count() == 13
    assert files(directory) == before


def test_a_wal_in_a_read_only_directory_that_was_just_written_is_read(
    with_wal: Path, make_read_only_copy: Callable[[Path], Path]
) -> None:
    directory = make_read_only_copy(with_wal)
    for name in (DB_FILENAME, WAL):
        os.utime(directory / name)
    with unprivileged():
        assert read_only(directory).count() == 13


def test_a_wal_in_a_read_only_directory_is_read_beside_its_shm(
    with_wal: Path, make_read_only_copy: Callable[[Path], Path]
) -> None:
    (with_wal / SHM).write_bytes(bytes(32768))
    directory = make_read_only_copy(with_wal)
    with unprivileged():
        assert read_only(directory).count() == 13


def test_a_file_in_a_read_only_directory_that_was_just_written_is_read(
    filled: Path, make_read_only_copy: Callable[[Path], Path]
) -> None:
    directory = make_read_only_copy(filled)
    os.utime(directory / DB_FILENAME)
    with unprivileged():
        assert read_only(directory).count() == 10


def test_copies_leave_nothing_in_the_temporary_directory(
    with_wal: Path, make_read_only_copy: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make_read_only_copy(with_wal)
    with tempfile.TemporaryDirectory() as temporary, monkeypatch.context() as patch:
        Path(temporary).chmod(0o777)
        patch.setattr(tempfile, "tempdir", temporary)
        with unprivileged():
            assert read_only(directory).count() == 13
        assert list(Path(temporary).iterdir()) == []


def test_a_missing_temporary_directory_is_a_store_error(
    with_wal: Path, make_read_only_copy: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make_read_only_copy(with_wal)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with unprivileged(), pytest.raises(StoreUnreadableError) as caught:
        read_only(directory).count()
    assert caught.value.path == directory / DB_FILENAME


def test_a_file_in_a_read_only_directory_is_read_beside_a_writer(public_directory: Path) -> None:
    make_store(public_directory)
    (public_directory / DB_FILENAME).chmod(0o644)
    with closing(connect(public_directory)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        insert(connection, "live-0")
        public_directory.chmod(0o555)
        for number in range(1, 5):
            with unprivileged():
                assert read_only(public_directory).count() == number
            insert(connection, f"live-{number}")


# Beside a writer


def test_a_read_does_not_wait_for_a_write_transaction(filled: Path) -> None:
    with closing(connect(filled)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        insert(connection, "uncommitted")
        store = TaskStore(filled, read_only=True, busy_timeout=0)
        assert store.count() == 10
        connection.execute("COMMIT")
        assert store.count() == 11


def test_a_read_of_a_writable_store_does_not_wait_for_a_writer(filled: Path) -> None:
    execute(filled, "UPDATE tasks SET result_json = '[1, 2]' WHERE task_id = 'task-1'")
    store = TaskStore(filled, busy_timeout=0)

    def sizes(snapshot: Snapshot) -> list[int | None]:
        found = (snapshot.find(task_id).found[0] for task_id in ("task-1", "task-2"))
        return [snapshot.record(match).result_bytes for match in found]

    with closing(connect(filled)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert store.read(sizes) == [6, None]


def test_a_file_that_another_connection_locks_exclusively_is_busy(filled: Path) -> None:
    with closing(connect(filled)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN IMMEDIATE")
        insert(connection, "uncommitted")
        store = TaskStore(filled, read_only=True, busy_timeout=0.05)
        with pytest.raises(StoreBusyError) as caught:
            store.count()
        assert caught.value.waited_seconds == 0.05


def test_reads_beside_a_writer_see_committed_states_only(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    directory = make_store(tmp_path / "cache")
    writer = start("write_pairs", directory)
    assert writer.receive() == "writing"
    store = read_only(directory)
    seen = [0]
    while seen[-1] < 400:
        (count, listed) = store.read(
            lambda snapshot: (
                snapshot.count(TaskFilter()),
                snapshot.search(TaskFilter(backend="dummy"), limit=1).total,
            )
        )
        assert count == listed
        seen.append(count)
    written = writer.finish()
    assert all(count % 2 == 0 for count in seen)
    assert seen == sorted(seen)
    assert store.count() == written
    check_free(directory)


def test_a_replaced_file_is_read_again(filled: Path, tmp_path: Path) -> None:
    store = read_only(filled)
    assert store.count() == 10
    other = make_store(tmp_path / "other")
    backdate(other)
    (other / DB_FILENAME).replace(filled / DB_FILENAME)
    assert store.count() == 0


def test_a_query_runs_again_if_the_file_changes_meanwhile(filled: Path) -> None:
    asked: list[int] = []

    def question(_: object) -> int:
        asked.append(len(asked))
        if len(asked) == 1:
            execute(filled, "DELETE FROM tasks WHERE task_id = 'task-1'")
        return len(asked)

    assert read_only(filled).read(question) == 2
    assert read_only(filled).count() == 9
