"""Threads, processes and forks: nothing is lost, and nothing is kept open."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from threading import Barrier, Event
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import Child, check_free, connect, insert, make_store, open_files

from uniqc_store import (
    StoreBusyError,
    StoreForeignError,
    TaskFilter,
    TaskInfo,
    TaskStatus,
    TaskStore,
)
from uniqc_store.database.locking import directory_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

THREADS = 8

Saved = Sequence[tuple[str, float, float]]
"""Id, and when its save began and returned, by a clock that all processes share."""


def ids(store: TaskStore) -> list[str]:
    return sorted(task.task_id for task in store.list())


def together(work: Callable[[int], object]) -> None:
    """Run it in several threads that begin at once; what one raises is raised here."""
    barrier = Barrier(THREADS)

    def begin(number: int) -> object:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(begin, range(THREADS)):
            pass


def test_threads_share_one_instance(store: TaskStore) -> None:
    def work(thread: int) -> None:
        for number in range(15):
            task = TaskInfo(f"{thread}-{number}", f"backend-{thread}", result={"00": number})
            store.save(task)
            assert store.get(task.task_id) == task
            assert store.count(backend=f"backend-{thread}") == number + 1
            page = store.search(TaskFilter(backend=f"backend-{thread}"), limit=3)
            assert page.total == number + 1

    together(work)
    assert store.count() == THREADS * 15
    check_free(store.cache_dir)
    assert open_files(store.cache_dir) == {}


def test_threads_that_open_a_fresh_path_at_once_all_succeed(tmp_path: Path) -> None:
    def open_and_save(directory: Path, thread: int) -> None:
        TaskStore(directory).save(TaskInfo(f"task-{thread}", "dummy"))

    for number in range(10):
        directory = tmp_path / str(number)
        together(partial(open_and_save, directory))
        assert ids(TaskStore(directory)) == [f"task-{thread}" for thread in range(THREADS)]


def test_threads_that_change_one_task_leave_one_of_its_states(store: TaskStore) -> None:
    def work(thread: int) -> None:
        for number in range(10):
            store.save(TaskInfo("one", f"backend-{thread}", result=[thread, number]))

    together(work)
    (task,) = store.list()
    assert task.result in [[thread, 9] for thread in range(THREADS)]
    assert task.result == [int(task.backend.removeprefix("backend-")), 9]


def test_each_task_is_deleted_by_one_thread(store: TaskStore) -> None:
    for number in range(20):
        insert(store.cache_dir, str(number))
    deleted: list[str] = []

    def work(_: int) -> None:
        deleted.extend(str(number) for number in range(20) if store.delete(str(number)))

    together(work)
    assert sorted(deleted) == sorted(str(number) for number in range(20))


def test_each_task_is_cleared_by_one_thread(store: TaskStore) -> None:
    for number in range(40):
        insert(store.cache_dir, str(number), status=TaskStatus.SUCCESS.value)
    cleared: list[int] = []
    together(lambda _: cleared.append(store.clear_completed()))
    assert sum(cleared) == 40


def test_threads_that_clear_all_lose_nothing_that_comes_later(store: TaskStore) -> None:
    saved: list[tuple[str, float, float]] = []
    clears: list[Clear] = []
    through = Event()

    def save(task_id: str) -> None:
        began = time.monotonic()
        store.save(TaskInfo(task_id, "dummy"))
        saved.append((task_id, began, time.monotonic()))

    def save_and_clear() -> None:
        for number in range(5):
            save(f"cleared-{number}")
            began = time.monotonic()
            store.clear_all()
            clears.append(Clear(began, time.monotonic()))

    def work(thread: int) -> None:
        if thread == 0:
            try:
                save_and_clear()
            finally:
                through.set()
            return
        for number in range(5):
            save(f"{thread}-{number}")
        through.wait()
        save(f"{thread}-later")

    together(work)
    look = Look(clears[-1], time.monotonic(), frozenset(ids(store)))
    assert look.ids >= {f"{thread}-later" for thread in range(1, THREADS)}
    assert lost(saved, [look]) == left_over(saved, [look]) == set()
    check_free(store.cache_dir)


def test_processes_that_save_at_once_lose_nothing(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    children = [start("save_some", tmp_path, f"process-{n}", 20) for n in range(4)]
    for child in children:
        assert child.receive() == "ready"
    for child in children:
        child.resume()
    assert max(child.receive() for child in children) == 80
    expected = sorted(f"process-{n}-{number}" for n in range(4) for number in range(20))
    assert ids(TaskStore(tmp_path)) == expected
    check_free(tmp_path)


def test_an_instance_outlives_a_fork_on_both_sides(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    assert start("fork", tmp_path).receive() == {
        "code": 0,
        "ids": ["before", "in the child", "in the parent"],
    }


def test_our_saves_and_those_of_uniqc_go_together(
    tmp_path: Path, start: Callable[..., Child]
) -> None:
    store = TaskStore(make_store(tmp_path / "cache"), busy_timeout=30)
    uniqc = start("write_pairs", store.cache_dir)
    assert uniqc.receive() == "writing"
    for number in range(5):
        store.save(TaskInfo(f"ours-{number}", "ibm"))
    written = uniqc.finish()
    assert (store.count(backend="ibm"), store.count(backend="dummy")) == (5, written)


def test_nothing_waits_for_a_reader_of_ours(store: TaskStore) -> None:
    def write(_: object) -> None:
        with closing(connect(store.cache_dir, timeout=0)) as uniqc:
            uniqc.execute("BEGIN IMMEDIATE")
            insert(uniqc, "from uniqc")
            uniqc.execute("COMMIT")
            insert(uniqc, "from uniqc too")

    store.read(write)
    assert store.count() == 2


# Saving while another process clears


@dataclass(frozen=True)
class Clear:
    """When one began and returned; the two are 0 where there was none yet."""

    began: float = 0.0
    returned: float = 0.0


@dataclass(frozen=True)
class Look:
    """What was there at one moment.

    Attributes:
        cleared: The last clear before it.
        asked: When it was asked for.
        ids: What was there.
    """

    cleared: Clear
    asked: float
    ids: frozenset[str]


def look_and_clear(store: TaskStore, clears: int) -> list[Look]:
    """Look again and again, clear whenever something has been saved, and look once more."""
    looks: list[Look] = []
    cleared = Clear()
    for _ in range(10_000):
        asked = time.monotonic()
        try:
            found = frozenset(ids(store))
        except StoreBusyError:  # right after a clear the file may be in the making
            continue
        looks.append(Look(cleared, asked, found))
        if len(found) < 2:
            continue
        if not clears:
            return looks
        began = time.monotonic()
        with suppress(StoreBusyError):
            store.clear_all()
            cleared = Clear(began, time.monotonic())
            clears -= 1
    pytest.fail("the file never came free")


def lost(saved: Saved, looks: list[Look]) -> set[str]:
    """What was saved after a clear had returned, and is not there at a look before the next."""
    return {
        task_id
        for look in looks
        for task_id, began, returned in saved
        if began > look.cleared.returned and returned < look.asked and task_id not in look.ids
    }


def left_over(saved: Saved, looks: list[Look]) -> set[str]:
    """What was saved before a clear began, and is there at a look after it."""
    return {
        task_id
        for look in looks
        for task_id, _, returned in saved
        if returned < look.cleared.began and task_id in look.ids
    }


def test_who_removes_the_file_waits_for_all_others_and_they_for_it(tmp_path: Path) -> None:
    store = TaskStore(tmp_path, busy_timeout=0.1)
    store.save(TaskInfo(task_id="a", backend="dummy"))
    with closing(connect(tmp_path)) as keeps_the_wal:
        insert(keeps_the_wal, "b")
        reader = TaskStore(tmp_path, read_only=True, busy_timeout=0.1)
        with directory_lock(tmp_path, exclusive=True):
            with pytest.raises(StoreBusyError):
                store.save(TaskInfo(task_id="c", backend="dummy"))
            with pytest.raises(StoreBusyError):
                reader.count()
        assert reader.count() == 2
    with directory_lock(tmp_path), pytest.raises(StoreBusyError):
        store.clear_all()
    assert store.count() == 2
    store.clear_all()
    assert store.count() == 0


def test_a_file_of_others_that_took_its_place_is_not_taken_for_one_in_use(tmp_path: Path) -> None:
    store = TaskStore(tmp_path, busy_timeout=0.1)
    store.clear_all()
    with closing(connect(tmp_path)) as theirs:
        theirs.execute("PRAGMA journal_mode = WAL")
        theirs.execute("CREATE TABLE theirs (number)")
        with pytest.raises(StoreForeignError):
            store.clear_all()
        assert theirs.execute("SELECT COUNT(*) FROM theirs").fetchone() == (0,)


@pytest.mark.parametrize("how", ["ours", "uniqc"])
def test_what_was_saved_after_a_clear_is_there(
    tmp_path: Path, start: Callable[..., Child], how: str
) -> None:
    store = TaskStore(tmp_path, busy_timeout=0.3)
    savers = [start("save_while_cleared", tmp_path, f"saver-{n}", how) for n in range(2)]
    assert [saver.receive() for saver in savers] == ["saving"] * 2
    looks = look_and_clear(store, clears=8)
    told = [saver.finish() for saver in savers]
    looks.append(Look(looks[-1].cleared, time.monotonic(), frozenset(ids(store))))
    saved: Saved = [save for one in told for save in one["saved"]]
    assert any(began > looks[-1].cleared.returned for _, began, _ in saved)
    assert any(returned < looks[-1].cleared.began for _, _, returned in saved)
    assert lost(saved, looks) == left_over(saved, looks) == set()
    # uniqc's own way to save is refused where two switch a fresh file to WAL; ours waits, and is
    # refused only where its time to wait is over, as on a machine that stands still for seconds.
    failed: list[str] = [error for one in told for error in one["failed"]]
    assert how == "uniqc" or all(error.startswith("StoreBusyError") for error in failed), failed
    check_free(tmp_path)
