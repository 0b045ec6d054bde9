"""A watch notices the writes of other programs and holds nothing between two polls."""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import (
    Child,
    backdate,
    check_free,
    connect,
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
    Changes,
    InvalidValueError,
    StoreBusyError,
    StoreDamagedError,
    StoreForeignError,
    StoreUnreadableError,
    TaskChange,
    TaskGone,
    TaskInfo,
    TaskState,
    TaskStore,
    TaskWatch,
)
from uniqc_store.database.signature import signature_of
from uniqc_store.watch.task_watch import FileObservation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

DEADLINE_SECONDS = 120


def watch_of(directory: Path, *, newest: int = 1_000) -> TaskWatch:
    """Return a watch that has read the file and is certain to notice the next write."""
    watch = TaskWatch(TaskStore(directory, read_only=True), newest=newest)
    assert watch.poll()
    settle(watch)
    return watch


def settle(watch: TaskWatch) -> None:
    """Refresh until the last write is read, and the next one is certain to be noticed."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_settled(watch):
        assert time.monotonic() < deadline, "the watch never settles"
        watch.refresh()
        time.sleep(0.01)


def is_settled(watch: TaskWatch) -> bool:
    # Shortly after a write, poll() alone may say that it is not time yet.
    read = watch._observation  # pyright: ignore[reportPrivateUsage]
    now = FileObservation.of(watch._path)  # pyright: ignore[reportPrivateUsage]
    return read == now and now.certain and not watch.poll()


def next_changes(watch: TaskWatch, cursor: str) -> Changes:
    """Return the changes once a write is noticed and the watch has settled."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not watch.poll():
        assert time.monotonic() < deadline, "the write was never noticed"
        time.sleep(0.01)
    settle(watch)
    return watch.since(cursor)


def next_changes_beside_a_writer(watch: TaskWatch, cursor: str) -> Changes:
    """Return the changes of the next refresh that finds any."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (watch.poll() and watch.refresh()):
        assert time.monotonic() < deadline, "the write was never noticed"
        time.sleep(0.01)
    return watch.since(cursor)


def trouble(watch: TaskWatch) -> Exception | None:
    return watch.since().store_status.trouble


def ids(items: Sequence[TaskState | TaskChange | TaskGone]) -> list[str]:
    """Return the ids of the tasks, in order."""
    return [_state(item).task_id for item in items]


def _state(item: TaskState | TaskChange | TaskGone) -> TaskState:
    match item:
        case TaskState():
            return item
        case TaskChange():
            return item.after
        case TaskGone():
            return item.last


# Noticed writes


def test_an_unchanged_file_needs_no_refresh(tmp_path: Path) -> None:
    watch = watch_of(fill(make_store(tmp_path / "cache"), "a"))
    cursor = watch.since().cursor
    assert not any(watch.poll() for _ in range(100))
    assert not watch.since(cursor).store_changed


def test_between_two_polls_no_lock_is_held_and_no_file_is_left(tmp_path: Path) -> None:
    directory = backdate(fill(make_store(tmp_path / "cache"), "a"))
    before = files(directory)
    watch = watch_of(directory)
    watch.poll()
    assert open_files(directory) == {}
    assert files(directory) == before
    check_free(directory)


def test_a_finished_commit_is_read_without_leaving_a_file(store: TaskStore) -> None:
    watch = watch_of(backdate(store.cache_dir))
    cursor = watch.since().cursor
    for number in range(5):
        store.save(TaskInfo(f"task-{number}", "dummy"))
        changes = next_changes(watch, cursor)
        assert len(changes.new) == number + 1
        assert files(store.cache_dir).keys() == {DB_FILENAME}


@pytest.mark.parametrize("mode", ["DELETE", "WAL", "TRUNCATE", "PERSIST"])
def test_a_commit_is_noticed_in_every_journal_mode(tmp_path: Path, mode: str) -> None:
    directory = make_store(tmp_path / "cache")
    with closing(connect(directory)) as uniqc:
        uniqc.execute(f"PRAGMA journal_mode = {mode}")
        insert(uniqc, "a")
        watch = watch_of(directory)
        cursor = watch.since().cursor
        insert(uniqc, "b")
        assert ids(next_changes(watch, cursor).new) == ["b"]


def test_a_commit_of_another_process_is_noticed(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    directory = make_store(tmp_path / "cache")
    watch = watch_of(directory)
    cursor = watch.since().cursor
    child = start("save_some", directory, "theirs", 2)
    assert child.receive() == "ready"
    assert child.finish() == 2
    assert sorted(ids(next_changes(watch, cursor).new)) == ["theirs-0", "theirs-1"]


def test_a_commit_that_does_not_change_the_file_size_is_noticed(tmp_path: Path) -> None:
    directory = fill(make_store(tmp_path / "cache"), "a", status="running")
    size = (directory / DB_FILENAME).stat().st_size
    watch = watch_of(directory)
    cursor = watch.since().cursor
    execute(directory, "UPDATE tasks SET status = 'success'")
    (change,) = next_changes(watch, cursor).changed
    assert (change.before and change.before.status, change.after.status) == ("running", "success")
    assert (directory / DB_FILENAME).stat().st_size == size


def test_a_commit_is_noticed_when_the_file_time_is_set_back(tmp_path: Path) -> None:
    directory = backdate(fill(make_store(tmp_path / "cache"), "a", status="running"))
    watch = watch_of(directory)
    cursor = watch.since().cursor
    execute(directory, "UPDATE tasks SET status = 'success'")
    backdate(directory)
    assert len(next_changes(watch, cursor).changed) == 1


def test_a_file_that_was_just_written_is_read_once_more(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy"))
    watch = TaskWatch(store)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        # No commit, which may wait for the disk longer than a tick of the clock.
        os.utime(store.db_path)
        watch.refresh()
        # Without another write: it might fall within the same tick of the clock.
        if not watch._observation.certain:  # pyright: ignore[reportPrivateUsage]
            next_changes(watch, watch.since().cursor)
            return
    pytest.fail("this file system's clock does not tick")


def test_a_read_is_not_mistaken_for_a_write(store: TaskStore) -> None:
    store.save(TaskInfo("a", "dummy"))
    watch = TaskWatch(store)
    with closing(connect(store.cache_dir)) as uniqc:
        insert(uniqc, "b")
        watch.refresh()
    watch.refresh()
    settle(watch)
    for _ in range(3):
        watch.refresh()
        assert not watch.poll()


def test_a_checkpoint_or_vacuum_is_not_a_change(tmp_path: Path) -> None:
    directory = make_store(tmp_path / "cache")
    with closing(connect(directory)) as uniqc:
        uniqc.execute("PRAGMA journal_mode = WAL")
        insert(uniqc, "a")
        watch = watch_of(directory)
        cursor = watch.since().cursor
        for how in ("PASSIVE", "RESTART", "TRUNCATE"):
            uniqc.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
            settle(watch)
    settle(watch)
    execute(directory, "VACUUM")
    settle(watch)
    changes = watch.since(cursor)
    assert not changes.store_changed
    assert changes.cursor == cursor


def test_a_file_that_is_created_later_is_noticed(tmp_path: Path) -> None:
    directory = tmp_path / "above" / "cache"
    watch = watch_of(directory)
    nothing = watch.since()
    assert nothing.store_status.store is not None
    assert not nothing.store_status.store.exists
    TaskStore(directory).save(TaskInfo("a", "dummy"))
    changes = next_changes(watch, nothing.cursor)
    assert ids(changes.new) == ["a"]
    assert changes.file_changed
    assert changes.store_status.total == 1


def test_a_watch_never_creates_a_file(tmp_path: Path) -> None:
    watch_of(tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


def test_the_tasks_of_an_unlinked_file_are_gone(tmp_path: Path) -> None:
    directory = fill(make_store(tmp_path / "cache"), "a", "b")
    watch = watch_of(directory)
    cursor = watch.since().cursor
    (directory / DB_FILENAME).unlink()
    changes = next_changes(watch, cursor)
    assert sorted(ids(changes.gone)) == ["a", "b"]
    assert changes.file_changed
    assert changes.store_status.total == 0
    assert not any(gone.archived for gone in changes.gone)


def test_a_replacement_of_the_file_is_compared_with_the_old_one(tmp_path: Path) -> None:
    directory = fill(make_store(tmp_path / "cache"), "a", "b", "c")
    other = fill(make_store(tmp_path / "other"), "c", "b", "d")
    execute(other, "UPDATE tasks SET status = 'success' WHERE task_id = 'b'")
    watch = watch_of(directory)
    cursor = watch.since().cursor
    shutil.move(other / DB_FILENAME, directory / DB_FILENAME)
    changes = next_changes(watch, cursor)
    assert (ids(changes.new), ids(changes.changed), ids(changes.gone)) == (["d"], ["b"], ["a"])
    assert not changes.file_changed


def test_a_replacement_of_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    directory = backdate(fill(make_store(tmp_path / "cache"), "a"))
    watch = watch_of(directory)
    cursor = watch.since().cursor
    other = backdate(fill(make_store(tmp_path / "other"), "b"))
    assert (other / DB_FILENAME).stat().st_size == (directory / DB_FILENAME).stat().st_size
    (other / DB_FILENAME).replace(directory / DB_FILENAME)
    changes = next_changes(watch, cursor)
    assert (ids(changes.new), ids(changes.gone)) == (["b"], ["a"])


def test_clear_all_succeeds_beside_an_idle_watch_and_is_noticed(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    store = TaskStore(tmp_path / "cache")
    store.save(TaskInfo("a", "dummy"))
    watch = watch_of(store.cache_dir)
    cursor = watch.since().cursor
    child = start("clear_all", store.cache_dir)
    assert child.receive() == "cleared"
    assert ids(next_changes(watch, cursor).gone) == ["a"]
    store.save(TaskInfo("b", "dummy"))
    assert ids(next_changes(watch, cursor).new) == ["b"]


def test_polling_never_makes_a_writer_without_a_timeout_fail(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    directory = make_store(tmp_path / "cache")
    watch = watch_of(directory)
    cursor = watch.since().cursor
    child = start("write", directory, 0)
    assert child.receive() == "writing"
    deadline = time.monotonic() + DEADLINE_SECONDS
    seen = {signature_of(directory / DB_FILENAME)}
    while len(seen) < 50:
        watch.poll()
        seen.add(signature_of(directory / DB_FILENAME))
        assert time.monotonic() < deadline, "the writer does not write"
    written = child.finish()
    assert written["failed"] == []
    settle(watch)
    changes = watch.since(cursor)
    assert len(changes.new) == written["committed"]


def test_refreshes_beside_a_writer_miss_no_task_and_never_make_it_fail(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    directory = make_store(tmp_path / "cache")
    watch = watch_of(directory)
    cursor = watch.since().cursor
    child = start("write", directory, 5)  # as long as uniqc waits
    assert child.receive() == "writing"
    found: list[str] = []
    for _ in range(10):
        changes = next_changes_beside_a_writer(watch, cursor)
        cursor = changes.cursor
        found += ids(changes.new)
    written = child.finish()
    assert written["failed"] == []
    settle(watch)
    found += ids(watch.since(cursor).new)
    # In any order: all of them have the same submit time.
    assert sorted(found) == sorted(f"task-{number}" for number in range(written["committed"]))


def test_an_unfinished_transaction_of_a_killed_process_is_not_a_change(tmp_path: Path) -> None:
    directory = backdate(copy_with_hot_journal(tmp_path))
    watch = watch_of(directory)
    start = watch.since()
    assert start.store_status.trouble is None
    assert start.store_status.total == 30
    assert watch.states(["task-7"])["task-7"].status == "running"
    # Another program's connection may write, and so rolls the transaction back.
    execute(directory, "SELECT COUNT(*) FROM tasks")
    assert not (directory / f"{DB_FILENAME}-journal").exists()
    assert not next_changes(watch, start.cursor).store_changed


def test_a_commit_of_a_killed_process_is_noticed(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    directory = make_store(tmp_path / "cache")
    watch = watch_of(directory)
    cursor = watch.since().cursor
    start("die_with_wal", directory, 3).wait(-9)
    assert len(next_changes(watch, cursor).new) == 3


def test_tracking_a_task_makes_a_refresh_due(store: TaskStore) -> None:
    watch = watch_of(store.cache_dir)
    with watch.tracking(["not there yet"]):
        assert watch.poll()
        watch.refresh()
        settle(watch)
        assert not watch.poll()


# Unreadable files


def refreshed_changes(watch: TaskWatch, cursor: str) -> Changes:
    """Return the changes after one refresh: a watch of an unreadable file never settles."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not watch.poll():
        assert time.monotonic() < deadline, "the write was never noticed"
        time.sleep(0.01)
    watch.refresh()
    return watch.since(cursor)


def refresh_until_readable(watch: TaskWatch) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while trouble(watch) is not None:
        assert time.monotonic() < deadline, "the file never became readable again"
        if watch.poll():
            watch.refresh()
        time.sleep(0.01)
    settle(watch)


def test_a_damaged_file_and_its_recovery_are_reported(tmp_path: Path) -> None:
    directory = fill(make_store(tmp_path / "cache"), *(f"task-{n}" for n in range(99)))
    intact = (directory / DB_FILENAME).read_bytes()
    watch = watch_of(directory)
    cursor = watch.since().cursor
    (directory / DB_FILENAME).write_bytes(intact[:4096] + b"\x5a" * (len(intact) - 4096))
    changes = refreshed_changes(watch, cursor)
    assert isinstance(changes.store_status.trouble, StoreDamagedError)
    assert changes.store_status.total == 99
    assert (changes.file_changed, changes.states) == (True, ())
    (directory / DB_FILENAME).write_bytes(intact)
    execute(directory, "DELETE FROM tasks WHERE task_id = 'task-7'")
    refresh_until_readable(watch)
    assert ids(watch.since(cursor).gone) == ["task-7"]
    assert not watch.since(cursor).file_changed
    assert watch.since(changes.cursor).file_changed


def test_a_directory_or_foreign_file_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    directory = fill(make_store(tmp_path / "cache"), "a")
    watch = watch_of(directory)
    cursor = watch.since().cursor
    (directory / DB_FILENAME).rename(tmp_path / "aside")
    (directory / DB_FILENAME).mkdir()
    assert isinstance(refreshed_changes(watch, cursor).store_status.trouble, StoreUnreadableError)
    (directory / DB_FILENAME).rmdir()
    (directory / DB_FILENAME).write_text("a diary, and a long one at that" * 100)
    assert isinstance(refreshed_changes(watch, cursor).store_status.trouble, StoreForeignError)
    (tmp_path / "aside").replace(directory / DB_FILENAME)
    refresh_until_readable(watch)
    assert not watch.since(cursor).store_changed


def test_lost_and_restored_permissions_are_noticed(public_directory: Path) -> None:
    directory = fill(make_store(public_directory / "cache"), "a")
    (directory / DB_FILENAME).chmod(0o644)
    with unprivileged():
        watch = watch_of(directory)
    cursor = watch.since().cursor
    (directory / DB_FILENAME).chmod(0)
    with unprivileged():
        assert isinstance(
            refreshed_changes(watch, cursor).store_status.trouble, StoreUnreadableError
        )
    (directory / DB_FILENAME).chmod(0o644)
    with unprivileged():
        refresh_until_readable(watch)
    assert not watch.since(cursor).store_changed


def test_the_wal_may_be_unreadable_for_a_while(
    public_directory: Path, start: Callable[..., Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uniqc_store.watch.task_watch._SECONDS_BETWEEN_TRIES", 0.05)
    directory = make_store(public_directory / "cache")
    start("die_with_wal", directory, 3).wait(-9)
    for file in directory.iterdir():
        file.chmod(0o644)
    backdate(directory)
    wal = directory / f"{DB_FILENAME}-wal"
    with unprivileged():
        watch = watch_of(directory)
    wal.chmod(0)
    with unprivileged():
        watch.refresh()
    assert isinstance(trouble(watch), StoreUnreadableError)
    wal.chmod(0o644)  # does not change the signature
    with unprivileged():
        refresh_until_readable(watch)
    assert watch.since().store_status.total == 3


def test_an_inaccessible_directory_is_reported(public_directory: Path) -> None:
    directory = fill(make_store(public_directory / "cache"), "a")
    (directory / DB_FILENAME).chmod(0o644)
    with unprivileged():
        watch = watch_of(directory)
    directory.chmod(0)
    with unprivileged():
        changes = refreshed_changes(watch, watch.since().cursor)
        assert isinstance(changes.store_status.trouble, StoreUnreadableError)
    directory.chmod(0o755)
    with unprivileged():
        refresh_until_readable(watch)


def test_a_busy_file_is_reported_after_the_timeout(
    tmp_path: Path, start: Callable[..., Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uniqc_store.watch.task_watch._BUSY_SECONDS", 0.05)
    directory = fill(make_store(tmp_path / "cache"), "a")
    watch = watch_of(directory)
    cursor = watch.since().cursor
    child = start("hold", directory, "BEGIN EXCLUSIVE", "UPDATE tasks SET status = 'success'")
    assert child.receive() == "in"
    watch.refresh()
    assert isinstance(trouble(watch), StoreBusyError)
    assert watch.since(cursor).states == ()
    child.finish()
    refresh_until_readable(watch)
    assert not watch.since(cursor).store_changed


def test_tasks_found_after_an_unreadable_start_are_not_new(tmp_path: Path) -> None:
    directory = fill(make_store(tmp_path / "cache"), "a")
    (directory / DB_FILENAME).rename(tmp_path / "aside")
    (directory / DB_FILENAME).write_text("a diary, and a long one at that" * 100)
    watch = TaskWatch(TaskStore(directory, read_only=True))
    start = watch.since()
    assert (start.store_status.store, start.store_status.total) == (None, 0)
    assert start.store_status.read_at is None
    assert isinstance(start.store_status.trouble, StoreForeignError)
    (tmp_path / "aside").replace(directory / DB_FILENAME)
    refresh_until_readable(watch)
    changes = watch.since(start.cursor)
    assert (changes.states, changes.untracked_delta, changes.file_changed) == ((), 0, True)


# The store as a whole


@pytest.mark.parametrize("version", [2, 5, 6])
def test_an_upgrade_of_the_schema_is_reported(tmp_path: Path, version: int) -> None:
    directory = fill(make_store(tmp_path / "cache"), "a")
    watch = watch_of(directory)
    cursor = watch.since().cursor
    execute(directory, f"PRAGMA user_version = {version}")
    changes = next_changes(watch, cursor)
    assert (changes.file_changed, changes.states) == (True, ())
    assert changes.store_status.store is not None
    assert changes.store_status.store.schema_version == version


def test_the_time_of_the_last_read_is_reported(store: TaskStore) -> None:
    before = datetime.now(UTC)
    watch = TaskWatch(store)
    read_at = watch.since().store_status.read_at
    assert read_at is not None
    assert before <= read_at <= datetime.now(UTC)


def test_zero_newest_tasks_are_refused(store: TaskStore) -> None:
    with pytest.raises(InvalidValueError, match="newest: must be 1 or more, not 0"):
        TaskWatch(store, newest=0)


# Concurrent writers


@pytest.mark.parametrize("newest", [3, 1_000])
def test_all_changes_of_a_live_store_are_reported_correctly(
    tmp_path: Path, start: Callable[..., Child], newest: int
) -> None:
    directory = make_store(tmp_path / "cache")
    watch = watch_of(directory, newest=newest)
    seen = [watch.since()]
    uniqc = start("play_uniqc", directory, 150)
    assert uniqc.receive() == "playing"
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(uniqc.receive)
        while not ended.done():
            if watch.poll() and watch.refresh():
                seen.append(watch.since(seen[-1].cursor))
            time.sleep(0.005)
        history: dict[str, list[str | None]] = ended.result()
    settle(watch)
    seen.append(watch.since(seen[-1].cursor))
    reported = reported_statuses(seen)
    assert len(seen) > 3
    assert all(is_subsequence(reported[task_id], history[task_id]) for task_id in reported)
    assert all(statuses[-1] == history[task_id][-1] for task_id, statuses in reported.items())
    kept = {task_id for task_id, statuses in history.items() if statuses[-1] is not None}
    assert newest == 3 or kept <= reported.keys()
    counted = sum(len(one.new) - len(one.gone) + one.untracked_delta for one in seen)
    assert counted == len(kept)


def reported_statuses(seen: list[Changes]) -> dict[str, list[str | None]]:
    """Return the statuses that were reported of each task, in order; None for gone."""
    reported: dict[str, list[str | None]] = {}
    for changes in seen:
        for new in changes.new:
            assert reported.setdefault(new.task_id, [None])[-1] is None
            reported[new.task_id].append(new.status)
        for change in changes.changed:
            assert change.before is not None
            assert reported[change.after.task_id][-1] == change.before.status
            reported[change.after.task_id].append(change.after.status)
        for gone in changes.gone:
            assert reported[gone.last.task_id][-1] == gone.last.status
            reported[gone.last.task_id].append(None)
    return {task_id: statuses[1:] for task_id, statuses in reported.items()}


def is_subsequence(reported: list[str | None], statuses: list[str | None]) -> bool:
    """Return whether all reported statuses occurred, in this order."""
    rest = iter(statuses)
    return all(status in rest for status in reported)


def test_threads_can_share_a_watch(store: TaskStore) -> None:
    watch = TaskWatch(store, newest=5)
    cursor = watch.since().cursor

    def work(thread: int) -> None:
        own = cursor
        for number in range(10):
            with watch.tracking([f"{thread}-{number}"]):
                store.save(TaskInfo(f"{thread}-{number}", "dummy", status="success"))
                watch.poll()
                watch.refresh()
                changes = watch.since(own)
                assert f"{thread}-{number}" in changes.task_ids
                own = changes.cursor

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    changes = watch.since(cursor)
    assert (len(changes.new), changes.untracked_delta) == (60, 0)
