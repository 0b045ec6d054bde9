"""Writes are kept, and a file that is in use is not removed."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import (
    Child,
    backdate,
    check_free,
    connect,
    copy_as_killed,
    copy_with_hot_journal,
    execute,
    files,
    header,
    insert,
    make_store,
    open_files,
    times_opened,
)

from uniqc_store import (
    APPLICATION_ID,
    DB_FILENAME,
    StoreBusyError,
    StoreForeignError,
    StoreNewerError,
    TaskInfo,
    TaskStore,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def ids(store: TaskStore) -> list[str]:
    return sorted(task.task_id for task in store.list())


@pytest.fixture
def store(tmp_path: Path) -> TaskStore:
    """Return a store with one task and a short busy timeout."""
    store = TaskStore(tmp_path / "cache", busy_timeout=0.05)
    store.save(TaskInfo("old", "dummy"))
    return store


def test_clear_all_leaves_no_file(store: TaskStore) -> None:
    store.clear_all()
    assert files(store.cache_dir) == {}


def test_after_clear_all_every_instance_uses_a_new_file(store: TaskStore) -> None:
    other, reader = TaskStore(store.cache_dir), TaskStore(store.cache_dir, read_only=True)
    for again in ("once", "twice"):
        store.clear_all()
        assert reader.count() == 0
        assert not reader.read(lambda snapshot: snapshot.state).exists
        assert other.count() == store.count() == 0
        assert header(store.cache_dir) == (APPLICATION_ID, 1)
        other.save(TaskInfo(again, "dummy"))
        assert ids(store) == ids(reader) == [again]


@pytest.mark.parametrize("first", ["save", "delete", "clear_completed", "list", "get"])
def test_after_clear_all_any_call_uses_a_new_file(store: TaskStore, first: str) -> None:
    other = TaskStore(store.cache_dir)
    store.clear_all()
    calls: dict[str, Callable[[], object]] = {
        "save": lambda: other.save(TaskInfo("new", "dummy")),
        "delete": lambda: other.delete("old"),
        "clear_completed": other.clear_completed,
        "list": other.list,
        "get": lambda: other.get("old"),
    }
    calls[first]()
    assert ids(store) == (["new"] if first == "save" else [])


def test_clear_all_of_a_missing_file_creates_no_file(store: TaskStore) -> None:
    store.clear_all()
    store.clear_all()
    assert files(store.cache_dir) == {}


def test_clear_all_removes_the_companions_of_a_missing_file(store: TaskStore) -> None:
    (store.cache_dir / f"{DB_FILENAME}-wal").write_bytes(b"left over")
    (store.cache_dir / f"{DB_FILENAME}-shm").write_bytes(b"left over")
    store.db_path.unlink()
    store.clear_all()
    assert files(store.cache_dir) == {}


def test_clear_all_removes_the_wal_of_a_killed_process(
    store: TaskStore, start: Callable[..., Child]
) -> None:
    start("die_with_wal", store.cache_dir, 3).wait(-9)
    assert f"{DB_FILENAME}-wal" in files(store.cache_dir)
    store.clear_all()
    assert files(store.cache_dir) == {}


def test_clear_all_keeps_other_files_in_the_directory(store: TaskStore) -> None:
    (store.cache_dir / "notes.txt").write_text("mine")
    store.clear_all()
    assert files(store.cache_dir) == {"notes.txt": b"mine"}


def test_clear_all_works_on_a_file_in_rollback_mode(tmp_path: Path) -> None:
    store = TaskStore(make_store(tmp_path / "cache"))
    execute(store.cache_dir, "PRAGMA journal_mode = DELETE")
    store.clear_all()
    assert files(store.cache_dir) == {}


USES: dict[str, list[str]] = {
    "opened": [],
    "idle": ["SELECT COUNT(*) FROM tasks"],
    "reading": ["BEGIN", "SELECT COUNT(*) FROM tasks"],
    "writing": ["BEGIN IMMEDIATE", "DELETE FROM tasks"],
    "exclusive": ["PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"],
}


@pytest.mark.parametrize("use", USES)
def test_clear_all_removes_no_file_that_another_process_has_open(
    store: TaskStore, start: Callable[..., Child], use: str
) -> None:
    other = start("hold", store.cache_dir, *USES[use])
    assert other.receive() == "in"
    inode = store.db_path.stat().st_ino
    with pytest.raises(StoreBusyError) as caught:
        store.clear_all()
    assert (caught.value.path, caught.value.waited_seconds) == (store.db_path, 0.05)
    assert store.db_path.stat().st_ino == inode
    assert other.finish() == "out"
    assert ids(store) == ["old"]
    store.clear_all()
    assert files(store.cache_dir) == {}


@pytest.mark.parametrize("use", USES)
def test_clear_all_removes_no_file_that_this_process_has_open(store: TaskStore, use: str) -> None:
    with closing(connect(store.cache_dir)) as other:
        for statement in USES[use]:
            other.execute(statement).fetchall()
        with pytest.raises(StoreBusyError):
            store.clear_all()
        assert other.execute("SELECT COUNT(*) FROM tasks").fetchone() in [(1,), (0,)]
    assert ids(store) == ["old"]


def test_clear_all_inside_a_read_is_refused(store: TaskStore) -> None:
    def clear(_: object) -> None:
        store.clear_all()

    with pytest.raises(StoreBusyError):
        store.read(clear)
    assert ids(store) == ["old"]


def test_clear_all_waits_until_others_have_closed_the_file(store: TaskStore) -> None:
    patient = TaskStore(store.cache_dir, busy_timeout=30)
    clearing = Thread(target=patient.clear_all)
    with closing(connect(store.cache_dir)) as other:
        other.execute("SELECT COUNT(*) FROM tasks").fetchone()
        began = time.monotonic()
        with pytest.raises(StoreBusyError):
            store.clear_all()
        assert time.monotonic() - began >= 0.05
        clearing.start()
        while times_opened(store.db_path) < 2:
            assert clearing.is_alive()
    clearing.join()
    assert files(store.cache_dir) == {}


def test_clear_all_in_another_process_is_noticed(
    store: TaskStore, start: Callable[..., Child]
) -> None:
    assert start("clear_all", store.cache_dir).receive() == "cleared"
    assert store.count() == 0
    store.save(TaskInfo("new", "dummy"))
    assert ids(store) == ["new"]


def test_a_refused_clear_all_leaves_a_working_file(
    store: TaskStore, start: Callable[..., Child]
) -> None:
    with closing(connect(store.cache_dir)) as other:
        other.execute("SELECT COUNT(*) FROM tasks").fetchone()
        assert start("clear_all", store.cache_dir).receive() == "busy"
        store.save(TaskInfo("new", "dummy"))
        assert other.execute("SELECT COUNT(*) FROM tasks").fetchone() == (2,)


def test_a_connection_opened_before_clear_all_does_no_harm(store: TaskStore) -> None:
    with closing(connect(store.cache_dir)) as late:  # has not read yet, so it holds no lock
        # If the file were removed, it would find its file empty and remove the WAL of that name.
        with pytest.raises(StoreBusyError):
            store.clear_all()
        with closing(connect(store.cache_dir)) as uniqc:
            insert(uniqc, "saved")
            insert(late, "late")
            assert ids(store) == ["late", "old", "saved"]
    assert ids(store) == ["late", "old", "saved"]


def test_clear_all_truncates_the_file_that_it_removes(store: TaskStore, tmp_path: Path) -> None:
    by_another_name = tmp_path / "another name"
    by_another_name.hardlink_to(store.db_path)
    assert by_another_name.stat().st_size > 0
    store.clear_all()
    assert by_another_name.read_bytes() == b""


# The switch to WAL mode


@pytest.fixture
def in_rollback_mode(store: TaskStore) -> TaskStore:
    execute(store.cache_dir, "PRAGMA journal_mode = DELETE")
    return store


def test_the_switch_to_wal_is_retried_while_another_connection_writes(
    in_rollback_mode: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself fails at once while another connection is about to write."""
    patient = TaskStore(in_rollback_mode.cache_dir, read_only=True, busy_timeout=30)
    waits: list[float] = []
    with closing(connect(in_rollback_mode.cache_dir)) as other:
        other.execute("BEGIN IMMEDIATE")
        insert(other, "theirs")

        def end_at_the_third(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                other.execute("COMMIT")

        monkeypatch.setattr(time, "sleep", end_at_the_third)
        TaskStore(patient.cache_dir, busy_timeout=30).save(TaskInfo("ours", "dummy"))
    assert len(waits) == 3
    assert all(0 < seconds < 0.1 for seconds in waits)
    assert ids(patient) == ["old", "ours", "theirs"]
    with closing(connect(patient.cache_dir)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_switch_to_wal_fails_after_the_busy_timeout(
    in_rollback_mode: TaskStore,
) -> None:
    with closing(connect(in_rollback_mode.cache_dir)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError) as caught:
            in_rollback_mode.save(TaskInfo("ours", "dummy"))
    assert caught.value.waited_seconds == 0.05
    assert ids(in_rollback_mode) == ["old"]


def test_a_save_that_waited_while_uniqc_removed_the_file_writes_a_new_one(
    store: TaskStore,
) -> None:
    patient = TaskStore(store.cache_dir, busy_timeout=30)
    saving = Thread(target=lambda: patient.save(TaskInfo("new", "dummy")))
    with closing(connect(store.cache_dir)) as uniqc:
        uniqc.execute("BEGIN IMMEDIATE")
        saving.start()
        while times_opened(store.cache_dir / f"{DB_FILENAME}-wal") < 2:
            pass  # until the save has opened the file too and waits for its lock
        for suffix in ("", "-wal", "-shm"):  # as uniqc's own clear_all does while the file is open
            (store.cache_dir / (DB_FILENAME + suffix)).unlink(missing_ok=True)
    saving.join()
    assert ids(store) == ["new"]


# A foreign file


def make_foreign(directory: Path, *statements: str, mode: str) -> Path:
    directory.mkdir()
    execute(directory, f"PRAGMA journal_mode = {mode}", "CREATE TABLE notes (text)", *statements)
    return directory


def check_refused(directory: Path, *, found: int) -> None:
    """Check that reading and writing are refused, and that nothing in the directory changes."""
    before = files(backdate(directory))
    for read_only in (False, True):
        with pytest.raises(StoreForeignError) as caught:
            TaskStore(directory, read_only=read_only).count()
        assert (caught.value.path, caught.value.found) == (directory / DB_FILENAME, found)
        assert files(directory) == before


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_with_a_table_but_no_application_id_is_refused(
    tmp_path: Path, mode: str
) -> None:
    check_refused(make_foreign(tmp_path / "cache", mode=mode), found=0)


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_of_another_program_is_refused(tmp_path: Path, mode: str) -> None:
    stamp = "PRAGMA application_id = 0x47504B47"
    check_refused(make_foreign(tmp_path / "cache", stamp, mode=mode), found=0x47504B47)


def test_an_empty_database_with_a_foreign_id_is_refused(tmp_path: Path) -> None:
    execute(tmp_path, "PRAGMA application_id = -5")
    check_refused(tmp_path, found=-5)


def test_an_empty_database_with_a_foreign_version_is_refused(tmp_path: Path) -> None:
    execute(tmp_path, "PRAGMA user_version = 3")
    check_refused(tmp_path, found=0)


@pytest.mark.parametrize("kind", ["VIEW v AS SELECT 1", "TABLE tasks (task_id TEXT)"])
def test_a_database_with_any_object_but_no_application_id_is_refused(
    tmp_path: Path, kind: str
) -> None:
    execute(tmp_path, f"CREATE {kind}")
    check_refused(tmp_path, found=0)


def test_a_foreign_wal_is_not_checkpointed(tmp_path: Path) -> None:
    directory = make_foreign(tmp_path / "live", mode="WAL")
    with closing(connect(directory)) as connection:
        connection.execute("INSERT INTO notes VALUES ('only in the WAL')")
        killed = copy_as_killed(directory, tmp_path / "killed")
    before = files(killed)
    with pytest.raises(StoreForeignError):
        TaskStore(killed)
    after = files(killed)
    assert {name: after[name] for name in before} == before


def test_a_foreign_application_id_in_the_wal_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    with closing(connect(tmp_path / "live")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("PRAGMA application_id = 0x47504B47")
        killed = copy_as_killed(tmp_path / "live", tmp_path / "killed")
    before = files(killed)
    for read_only in (False, True):
        with pytest.raises(StoreForeignError) as caught:
            TaskStore(killed, read_only=read_only).count()
        assert caught.value.found == 0x47504B47
    after = files(killed)
    assert {name: after[name] for name in before} == before


def test_the_application_id_of_uniqc_in_the_wal_is_recognised(tmp_path: Path) -> None:
    live = TaskStore(tmp_path / "live")

    def copy_while_open(_: object) -> None:
        insert(live.cache_dir, "a")
        copy_as_killed(live.cache_dir, tmp_path / "killed")

    live.read(copy_while_open)
    assert ids(TaskStore(tmp_path / "killed")) == ["a"]


@pytest.mark.parametrize("content", [b"not a database, but long enough to hold a header" * 99])
def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / DB_FILENAME).write_bytes(content)
    for read_only in (False, True):
        with pytest.raises(StoreForeignError) as caught:
            TaskStore(tmp_path, read_only=read_only).count()
        assert caught.value.found is None
        assert files(tmp_path) == {DB_FILENAME: content}


def test_a_foreign_file_that_replaced_the_store_is_refused(
    store: TaskStore, tmp_path: Path
) -> None:
    foreign = make_foreign(tmp_path / "foreign", mode="DELETE")
    (foreign / DB_FILENAME).replace(store.db_path)
    before = files(store.cache_dir)
    for call in (store.count, store.clear_all, lambda: store.save(TaskInfo("a", "dummy"))):
        with pytest.raises(StoreForeignError):
            call()
    assert files(store.cache_dir) == before


def test_a_foreign_file_copied_over_the_store_is_not_changed(
    store: TaskStore, tmp_path: Path
) -> None:
    live = make_foreign(tmp_path / "live", mode="WAL")
    with closing(connect(live)) as connection:
        connection.execute("INSERT INTO notes VALUES ('only in the WAL')")
        killed = copy_as_killed(live, tmp_path / "killed")
    for name, content in files(killed).items():
        (store.cache_dir / name).write_bytes(content)  # into the same inode
    with pytest.raises(StoreForeignError):
        store.count()
    after = files(store.cache_dir)
    assert {name: after[name] for name in files(killed)} == files(killed)


# A file of a newer uniqc


def test_a_newer_file_is_read_and_not_written(tmp_path: Path) -> None:
    directory = make_store(tmp_path / "cache", version=6)
    insert(directory, "a", status="success")
    before = files(directory)
    store = TaskStore(directory)
    assert ids(store) == ["a"]
    assert store.read(lambda snapshot: snapshot.state).schema_version == 6
    writes: list[Callable[[], object]] = [
        lambda: store.save(TaskInfo("b", "dummy")),
        lambda: store.delete("a"),
        store.clear_completed,
        store.clear_all,
    ]
    for write in writes:
        with pytest.raises(StoreNewerError) as caught:
            write()
        assert (caught.value.path, caught.value.found, caught.value.known) == (store.db_path, 6, 5)
    assert files(directory) == before


def test_a_newer_file_without_a_known_table_of_tasks_is_not_read(tmp_path: Path) -> None:
    execute(
        tmp_path,
        "CREATE TABLE jobs (id)",
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 99",
    )
    before = files(tmp_path)
    for read_only in (False, True):
        with pytest.raises(StoreNewerError) as caught:
            TaskStore(tmp_path, read_only=read_only).count()
        assert caught.value.found == 99
    assert files(tmp_path) == before


def test_a_file_that_uniqc_has_upgraded_is_still_read(store: TaskStore) -> None:
    execute(store.cache_dir, "PRAGMA user_version = 6")
    assert ids(store) == ["old"]
    with pytest.raises(StoreNewerError):
        store.save(TaskInfo("new", "dummy"))


# A file that a killed process left


def test_uncommitted_changes_of_a_killed_process_are_rolled_back(tmp_path: Path) -> None:
    killed = copy_with_hot_journal(tmp_path)
    store = TaskStore(killed, busy_timeout=1)
    assert (store.count(), store.count(status="lost")) == (30, 0)
    assert [task.status for task in store.list()] == ["running"] * 30  # not from an index
    check_free(killed)


# Open files


def test_no_file_is_left_open(store: TaskStore) -> None:
    store.save(TaskInfo("new", "dummy"))
    store.list()
    with suppress(StoreForeignError):
        TaskStore(make_foreign(store.cache_dir / "foreign", mode="DELETE"))
    assert open_files(store.cache_dir) == open_files(store.cache_dir / "foreign") == {}
