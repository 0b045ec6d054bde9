"""Each error is raised for a real cause, and no other error leaves the store."""

from __future__ import annotations

import copy
import os
import pickle
import sqlite3
import time
from contextlib import closing
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from tests.store.conftest import (
    Child,
    backdate,
    connect,
    execute,
    files,
    fill,
    insert,
    insert_shard,
    make_store,
    open_files,
    unprivileged,
    v5_directory,
)

import uniqc_store
from uniqc_store import (
    APPLICATION_ID,
    DB_FILENAME,
    MIGRATIONS,
    AmbiguousIdError,
    InterruptedReadError,
    InvalidValueError,
    PlanAlteredError,
    ReadOnlyStoreError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFileError,
    StoreForeignError,
    StoreFullError,
    StoreMissingError,
    StoreNewerError,
    StoreUnreadableError,
    StoreUnwritableError,
    TaskFilter,
    TaskInfo,
    TaskStore,
)
from uniqc_store.database import schema
from uniqc_store.errors import translated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def reads(store: TaskStore) -> list[Callable[[], object]]:
    return [
        lambda: store.get("a"),
        store.list,
        store.count,
        lambda: store.search(TaskFilter(), limit=5),
        lambda: store.tally(TaskFilter()),
    ]


def writes(store: TaskStore) -> list[Callable[[], object]]:
    return [
        lambda: store.save(TaskInfo("a", "dummy")),
        lambda: store.delete("a"),
        store.clear_completed,
        store.clear_all,
    ]


def check_every_call_raises(directory: Path, expected: type[StoreFileError]) -> None:
    """Check that reading and writing raise the expected error and change no file."""
    before = files(directory)
    for read_only in (True, False):
        with pytest.raises(expected) as caught:
            TaskStore(directory, read_only=read_only, busy_timeout=0.05).count()
        assert caught.value.path == directory / DB_FILENAME
        assert str(caught.value.path) in str(caught.value)
        assert str(caught.value).endswith(".")
    reader = TaskStore(directory, read_only=True, busy_timeout=0.05)
    for read in reads(reader):
        with pytest.raises(expected):
            read()
    assert files(directory) == before


def test_every_public_error_is_a_store_error() -> None:
    errors = {
        error
        for name in uniqc_store.__all__
        if isinstance(error := getattr(uniqc_store, name), type) and issubclass(error, Exception)
    }
    assert {error for error in errors if not issubclass(error, StoreError)} == set()
    assert issubclass(InvalidValueError, ValueError)
    assert issubclass(StoreForeignError, RuntimeError)


# Missing


@pytest.mark.parametrize("read_only", [True, False])
def test_a_missing_file_that_must_exist_is_an_error(tmp_path: Path, *, read_only: bool) -> None:
    with pytest.raises(StoreMissingError) as caught:
        TaskStore(tmp_path / "cache", read_only=read_only, must_exist=True)
    assert caught.value.path == tmp_path / "cache" / DB_FILENAME
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [True, False])
def test_a_removed_file_that_must_exist_is_an_error(tmp_path: Path, *, read_only: bool) -> None:
    make_store(tmp_path)
    store = TaskStore(tmp_path, read_only=read_only, must_exist=True)
    assert store.count() == 0
    store.db_path.unlink()
    for read in reads(store):
        with pytest.raises(StoreMissingError):
            read()
    with pytest.raises(StoreMissingError):
        store.plan_clear(TaskFilter())
    for suffix in ("-wal", "-shm"):
        (tmp_path / (DB_FILENAME + suffix)).unlink(missing_ok=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_must_exist_is_not_created_by_a_write(tmp_path: Path) -> None:
    make_store(tmp_path)
    store = TaskStore(tmp_path, must_exist=True)
    store.clear_all()
    for write in writes(store):
        with pytest.raises(StoreMissingError):
            write()
    assert list(tmp_path.iterdir()) == []


# Damaged


def test_a_file_with_garbage_in_its_pages_is_damaged(tmp_path: Path) -> None:
    fill(make_store(tmp_path), *(f"task-{number}" for number in range(200)))
    file = tmp_path / DB_FILENAME
    content = bytearray(file.read_bytes())
    content[1024:] = os.urandom(1) * (len(content) - 1024)
    file.write_bytes(content)
    backdate(tmp_path)
    check_every_call_raises(tmp_path, StoreDamagedError)


def test_garbage_in_one_table_is_an_error_of_every_read(tmp_path: Path) -> None:
    fill(make_store(tmp_path), *(f"task-{number}" for number in range(200)))
    file = tmp_path / DB_FILENAME
    content = bytearray(file.read_bytes())
    content[4096:] = b"\x99" * (len(content) - 4096)
    file.write_bytes(content)
    backdate(tmp_path)
    store = TaskStore(tmp_path, read_only=True)
    for read in reads(store):
        with pytest.raises(StoreDamagedError):
            read()


def test_a_truncated_file_is_damaged(tmp_path: Path) -> None:
    fill(make_store(tmp_path), *(f"task-{number}" for number in range(200)))
    file = tmp_path / DB_FILENAME
    file.write_bytes(file.read_bytes()[:5000])
    backdate(tmp_path)
    with pytest.raises(StoreDamagedError):
        TaskStore(tmp_path, read_only=True).list()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE tasks",
        "ALTER TABLE tasks RENAME TO jobs",
        "ALTER TABLE tasks DROP COLUMN update_time",
    ],
)
def test_a_file_of_uniqc_without_its_tasks_is_damaged(tmp_path: Path, statement: str) -> None:
    execute(make_store(tmp_path), statement)
    check_every_call_raises(backdate(tmp_path), StoreDamagedError)


def test_a_file_with_tasks_but_no_application_id_is_foreign(tmp_path: Path) -> None:
    execute(make_store(tmp_path), "PRAGMA application_id = 0")
    check_every_call_raises(backdate(tmp_path), StoreForeignError)


def test_a_table_without_the_expected_columns_is_damaged(tmp_path: Path) -> None:
    execute(
        tmp_path,
        "CREATE TABLE tasks (task_id TEXT, note TEXT)",
        f"PRAGMA application_id = {APPLICATION_ID}",
    )
    with pytest.raises(StoreDamagedError):
        TaskStore(backdate(tmp_path), read_only=True).tally(TaskFilter())


# Busy


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_file_that_another_process_locks_exclusively_is_busy(
    tmp_path: Path, start: Callable[..., Child], mode: str
) -> None:
    execute(make_store(tmp_path), f"PRAGMA journal_mode = {mode}")
    store = TaskStore(tmp_path, busy_timeout=0.05)
    keep = ["PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "DELETE FROM tasks"]
    other = start("hold", tmp_path, *keep)
    assert other.receive() == "in"
    for call in reads(store) + writes(store) + [lambda: TaskStore(tmp_path, busy_timeout=0.05)]:
        with pytest.raises(StoreBusyError) as caught:
            call()
        assert (caught.value.path, caught.value.waited_seconds) == (store.db_path, 0.05)
    assert other.finish() == "out"
    assert store.count() == 0


def test_a_write_is_busy_during_another_write_and_a_read_is_not(
    store: TaskStore, start: Callable[..., Child]
) -> None:
    impatient = TaskStore(store.cache_dir, busy_timeout=0.05)
    other = start("hold", store.cache_dir, "BEGIN IMMEDIATE")
    assert other.receive() == "in"
    for write in writes(impatient):
        with pytest.raises(StoreBusyError):
            write()
    for read in reads(impatient):
        read()
    assert other.finish() == "out"
    impatient.save(TaskInfo("a", "dummy"))


def test_a_write_waits_for_another_write_until_its_timeout(
    store: TaskStore, start: Callable[..., Child]
) -> None:
    other = start("hold", store.cache_dir, "BEGIN IMMEDIATE")
    assert other.receive() == "in"
    began = time.monotonic()
    with pytest.raises(StoreBusyError):
        TaskStore(store.cache_dir, busy_timeout=0.1).save(TaskInfo("a", "dummy"))
    assert time.monotonic() - began >= 0.1
    saving = Thread(target=lambda: store.save(TaskInfo("b", "dummy")))
    saving.start()
    while DB_FILENAME not in open_files(store.cache_dir):
        assert saving.is_alive()
    assert other.finish() == "out"
    saving.join()
    assert [task.task_id for task in store.list()] == ["b"]


# Unreadable


def test_a_directory_instead_of_the_file_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / DB_FILENAME).mkdir()
    for read_only in (True, False):
        with pytest.raises(StoreUnreadableError):
            TaskStore(tmp_path, read_only=read_only).count()
    assert list(tmp_path.iterdir()) == [tmp_path / DB_FILENAME]


def test_a_pipe_instead_of_the_file_is_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / DB_FILENAME)
    for read_only in (True, False):
        with pytest.raises(StoreUnreadableError):
            TaskStore(tmp_path, read_only=read_only).count()


def test_a_dangling_link_is_unreadable_and_not_missing(tmp_path: Path) -> None:
    (tmp_path / DB_FILENAME).symlink_to("nowhere.sqlite")
    for read_only in (True, False):
        for must_exist in (True, False):
            with pytest.raises(StoreUnreadableError, match=r"link to nowhere\.sqlite"):
                TaskStore(tmp_path, read_only=read_only, must_exist=must_exist).count()
    assert not (tmp_path / "nowhere.sqlite").exists()


def test_a_link_to_itself_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / DB_FILENAME).symlink_to(DB_FILENAME)
    for read_only in (True, False):
        with pytest.raises(StoreUnreadableError):
            TaskStore(tmp_path, read_only=read_only).count()


@pytest.mark.parametrize("below", ["", "cache"])
def test_a_file_instead_of_the_directory_is_unreadable(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    for read_only in (True, False):
        with pytest.raises(StoreUnreadableError):
            TaskStore(tmp_path / "file" / below, read_only=read_only).count()
    assert (tmp_path / "file").read_text() == "mine"


def test_a_name_that_is_too_long_is_unreadable(tmp_path: Path) -> None:
    for read_only in (True, False):
        with pytest.raises(StoreUnreadableError):
            TaskStore(tmp_path / ("x" * 300), read_only=read_only).count()


def test_a_file_without_read_permission_is_unreadable(public_directory: Path) -> None:
    make_store(public_directory)
    (public_directory / DB_FILENAME).chmod(0o000)
    for read_only in (True, False):
        with unprivileged(), pytest.raises(StoreUnreadableError):
            TaskStore(public_directory, read_only=read_only).count()


def test_a_directory_without_any_permission_is_unreadable(public_directory: Path) -> None:
    make_store(public_directory)
    public_directory.chmod(0o000)
    for read_only in (True, False):
        with unprivileged(), pytest.raises(StoreUnreadableError):
            TaskStore(public_directory, read_only=read_only).count()
    public_directory.chmod(0o755)


def test_a_directory_without_write_permission_is_unwritable(
    public_directory: Path,
) -> None:
    public_directory.chmod(0o555)
    with unprivileged():
        for below in (".", "cache", "above/cache"):
            with pytest.raises(StoreUnwritableError):
                TaskStore(public_directory / below)
            assert TaskStore(public_directory / below, read_only=True).count() == 0
    assert list(public_directory.iterdir()) == []


def test_a_file_without_write_permission_is_unwritable_and_read(public_directory: Path) -> None:
    insert(make_store(public_directory), "a")
    (public_directory / DB_FILENAME).chmod(0o444)
    public_directory.chmod(0o555)
    with unprivileged():
        assert TaskStore(public_directory, read_only=True).count() == 1
        writer = TaskStore(public_directory)
        assert writer.count() == 1
        with pytest.raises(StoreUnwritableError):
            writer.save(TaskInfo("b", "dummy"))


# Full


def test_a_file_that_can_not_grow_is_full(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(TaskInfo("a", "dummy"))

    def grow(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages:d}")
        connection.execute("CREATE TABLE half_done (number INTEGER)")
        connection.execute("INSERT INTO half_done VALUES (zeroblob(1000000))")

    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, (2, grow)])
        with pytest.raises(StoreFullError) as caught:
            store.count()
    assert caught.value.path == store.db_path
    assert [task.task_id for task in store.list()] == ["a"]


def test_a_save_that_does_not_fit_is_refused_and_earlier_ones_are_kept(
    store: TaskStore, start: Callable[..., Child]
) -> None:
    report = start("save_until_full", store.cache_dir, 2_000_000).receive()
    assert report["error"] == "StoreFullError"
    assert report["saved"] > 0
    ids = {task.task_id for task in store.list()}
    assert ids == {f"large-{number}" for number in range(report["saved"])}
    store.save(TaskInfo("small", "dummy"))


# Stopped, ambiguous


@pytest.mark.parametrize("read_only", [True, False])
def test_a_query_stops_when_should_stop_returns_true(tmp_path: Path, *, read_only: bool) -> None:
    fill(make_store(tmp_path), *(f"task-{number}" for number in range(3000)))
    stopping = False
    asked: list[bool] = []

    def should_stop() -> bool:
        asked.append(stopping)
        return stopping

    store = TaskStore(tmp_path, read_only=read_only, should_stop=should_stop)
    assert len(store.list()) == 3000
    assert asked
    stopping = True
    with pytest.raises(InterruptedReadError):
        store.list()
    stopping = False
    assert store.count() == 3000


def test_an_ambiguous_id_names_its_candidates(tmp_path: Path) -> None:
    directory = v5_directory(tmp_path)
    for number in range(12):
        insert(directory, f"uqt_{number:02}")
        insert_shard(directory, f"uqt_{number:02}", "P")
    for read_only in (True, False):
        with pytest.raises(AmbiguousIdError) as caught:
            TaskStore(directory, read_only=read_only).get("P")
        assert caught.value.reference == "P"
        assert caught.value.candidates == tuple(f"uqt_{number:02}" for number in range(10))
        assert "uqt_09" in str(caught.value)


# The errors themselves


def examples(path: Path) -> list[StoreError]:
    return [
        InvalidValueError("result.counts", "is not JSON"),
        AmbiguousIdError("P", ["a", "b"]),
        InterruptedReadError(),
        ReadOnlyStoreError(path),
        StoreMissingError(path),
        StoreForeignError(path, "is not ours", found=5),
        StoreNewerError(path, "it can be read", found=6, known=5),
        StoreDamagedError(path, "malformed"),
        StoreBusyError(path, 5.0),
        StoreUnreadableError(path, "denied"),
        StoreUnwritableError(path, "denied"),
        PlanAlteredError(path),
        StoreFullError(path),
    ]


def test_every_error_can_be_sent_to_another_process(tmp_path: Path) -> None:
    for error in examples(tmp_path):
        for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - pickled here
            assert type(copied) is type(error)
            assert str(copied) == str(error)
            assert copied.__dict__ == error.__dict__


def test_an_error_has_the_error_of_sqlite_as_its_cause(tmp_path: Path) -> None:
    (tmp_path / DB_FILENAME).write_text("not a database, but long enough to hold a header" * 99)
    with pytest.raises(StoreForeignError) as caught:
        TaskStore(tmp_path)
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)


def test_an_error_that_is_not_of_sqlite_is_not_translated(tmp_path: Path) -> None:
    with pytest.raises(KeyError), translated(tmp_path, 1.0):
        raise KeyError


def test_an_error_of_the_sqlite3_module_itself_is_translated(tmp_path: Path) -> None:
    closed = sqlite3.connect(":memory:")
    closed.close()
    with pytest.raises(StoreDamagedError), translated(tmp_path, 1.0):
        closed.execute("SELECT 1")


def test_an_error_of_a_foreign_trigger_is_a_store_error(store: TaskStore) -> None:
    execute(
        store.cache_dir,
        "CREATE TRIGGER refuse BEFORE INSERT ON tasks BEGIN SELECT RAISE(ABORT, 'refused'); END",
    )
    with pytest.raises(StoreError, match="refused"):
        store.save(TaskInfo("a", "dummy"))
    with closing(connect(store.cache_dir)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM tasks").fetchone() == (0,)


@pytest.mark.parametrize("cache_dir", [5, b"bytes"])
def test_an_argument_that_is_not_a_path_is_a_type_error(cache_dir: Any) -> None:
    with pytest.raises(TypeError):
        TaskStore(cache_dir)
