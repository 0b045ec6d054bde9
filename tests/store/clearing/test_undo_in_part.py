"""An undo of some tasks of a receipt; the others stay there."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clearing_cache import Cache

from uniqc_store import (
    CLEARED_FILENAME,
    MAX_LEFTOVERS,
    ClearResult,
    InvalidValueError,
    Leftover,
    TaskFilter,
    TaskInfo,
    TaskStore,
    UndoResult,
    UnknownReceiptError,
)

if TYPE_CHECKING:
    import pathlib

EVERYTHING = TaskFilter()


def cleared(cache: Cache) -> tuple[TaskStore, ClearResult]:
    store = TaskStore(cache.directory)
    return store, store.clear(store.plan_clear(EVERYTHING))


def named(undone: UndoResult) -> list[tuple[str, str]]:
    return [(left.task_id, left.reason) for left in undone.leftovers]


def batch_states(cache: Cache) -> list[str]:
    with closing(sqlite3.connect(cache.directory / CLEARED_FILENAME)) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM batches")]


def test_the_tasks_asked_for_come_back_and_the_others_stay(cache: Cache) -> None:
    before = cache.copy().rows()
    store, done = cleared(cache)
    ids = [
        record.task_id
        for record in store.cleared_tasks().page(done.receipt_id, limit=done.cleared).records
    ]
    undone = store.undo_clear(done.receipt_id, task_ids=ids[1::2])
    assert (undone.restored, undone.skipped) == (len(ids[1::2]), 0)
    assert (undone.held, undone.leftovers) == (len(ids[::2]), ())
    assert set(ids[1::2]) <= set(cache.ids())
    assert not set(ids[::2]) & set(cache.ids())
    (receipt,) = store.receipts()
    assert (receipt.held, receipt.returned) == (len(ids[::2]), len(ids[1::2]))
    assert batch_states(cache) == ["removed"], "the rest would be read whole by every reader"
    assert store.undo_clear(done.receipt_id).held == 0
    assert cache.rows() == before
    assert store.receipts() == ()


@pytest.mark.parametrize(
    ("task_filter", "expected"),
    [
        (TaskFilter(status="failed"), {"bad-1", "bad-2"}),
        (TaskFilter(status="finished"), {"bad-1", "bad-2", "good-1", "good-2", "ok-1"}),
        (TaskFilter(backend="ibm"), {"ok-1"}),
        (TaskFilter(backend="ibm:fez", status="failed"), set[str]()),
        (TaskFilter(name_contains="VQE"), {"good-1", "good-2"}),
        (
            TaskFilter(submitted_after=datetime(2025, 1, 1, 0, 0, 2, tzinfo=UTC)),
            {"bad-2", "good-2"},
        ),
        (
            TaskFilter(
                submitted_before=datetime(2025, 1, 1, 0, 0, 2, tzinfo=UTC), name_contains="vqe"
            ),
            {"good-1"},
        ),
    ],
)
def test_filters_choose_as_they_do_in_a_list(
    cache: Cache, task_filter: TaskFilter, expected: set[str]
) -> None:
    cache.fill(2, prefix="bad", status="failed").fill(2, prefix="good", name="VQE of H2")
    cache.fill(1, prefix="ok", backend="ibm:fez")
    listed = {record.task_id for record in cache.store.search(task_filter, limit=9).records}
    store, done = cleared(cache)
    undone = store.undo_clear(done.receipt_id, task_filter=task_filter)
    assert set(cache.ids()) == expected == listed
    assert (undone.restored, undone.skipped, undone.held) == (len(expected), 0, 5 - len(expected))
    if not expected:
        assert undone.leftovers == ()


def test_ids_and_a_filter_both_have_to_match(cache: Cache) -> None:
    cache.fill(2, prefix="bad", status="failed").fill(2, prefix="good")
    store, done = cleared(cache)
    store.undo_clear(
        done.receipt_id, task_ids=["bad-1", "good-1"], task_filter=TaskFilter(status="failed")
    )
    assert cache.ids() == ["bad-1"]


def test_what_does_not_come_back_is_named_with_its_reason(cache: Cache) -> None:
    store, done = cleared(cache.fill(4))
    newer = TaskInfo(task_id="task-2", backend="elsewhere")
    store.save(newer)
    undone = store.undo_clear(done.receipt_id, task_ids=["task-1", "task-2", "nobody"])
    assert (undone.restored, undone.skipped, undone.held) == (1, 1, 3)
    assert named(undone) == [
        ("task-2", "a task of its id is in the cache"),
        ("nobody", "not held under this receipt"),
    ]
    assert [(reason.text, reason.count) for reason in undone.reasons] == [
        ("a task of its id is in the cache", 1),
        ("not held under this receipt", 1),
    ]
    assert store.get("task-2") == newer
    store.delete("task-2")
    assert store.undo_clear(done.receipt_id).restored == 3
    assert store.receipts() == ()


def test_an_undo_of_everything_names_its_leftovers_too(cache: Cache) -> None:
    store, done = cleared(cache.fill(100))
    cache.fill(MAX_LEFTOVERS + 5, backend="elsewhere")
    undone = store.undo_clear(done.receipt_id)
    assert len(undone.leftovers) == MAX_LEFTOVERS
    assert undone.leftovers[0] == Leftover(
        task_id="task-1", reason="a task of its id is in the cache"
    )
    assert [reason.count for reason in undone.reasons] == [MAX_LEFTOVERS + 5]
    assert (undone.restored, undone.skipped) == (75, MAX_LEFTOVERS + 5)


def test_a_stopped_undo_names_what_it_did_not_reach(cache: Cache) -> None:
    store, done = cleared(cache.fill(300))
    answers = iter([False, True])
    undone = store.undo_clear(
        done.receipt_id,
        task_ids=["task-1", "task-300"],
        should_stop=lambda: next(answers),
    )
    assert undone.stopped
    assert named(undone) == [("task-300", "not reached")]
    assert cache.ids() == ["task-1"]
    assert store.undo_clear(done.receipt_id, task_ids=["task-300"]).restored == 1


@pytest.mark.parametrize("bad", ["", "\ud800"])
def test_an_id_that_no_task_can_have_is_refused(cache: Cache, bad: str) -> None:
    store, done = cleared(cache.fill(2))
    with pytest.raises(InvalidValueError):
        store.undo_clear(done.receipt_id, task_ids=[bad])
    assert cache.ids() == []


def test_a_second_undo_of_the_same_tasks_finds_none(cache: Cache) -> None:
    store, done = cleared(cache.fill(3))
    store.undo_clear(done.receipt_id, task_ids=["task-1"])
    again = store.undo_clear(done.receipt_id, task_ids=["task-1"])
    assert (again.restored, named(again)) == (0, [("task-1", "not held under this receipt")])
    store.undo_clear(done.receipt_id)
    with pytest.raises(UnknownReceiptError):
        store.undo_clear(done.receipt_id, task_ids=["task-1"])


def test_a_clear_that_is_under_way_does_not_overwrite_what_was_set_apart(cache: Cache) -> None:
    """The next batches of the clear get the next numbers, and its copies replace a batch's."""
    store = TaskStore(cache.fill(600).directory)

    newer = TaskInfo(task_id="task-8", backend="elsewhere")

    def take_two(through: int, _: int) -> None:
        if through == 200:
            (receipt,) = store.receipts()
            store.save(newer)  # so that the copy stays in the batch that is set apart
            store.undo_clear(receipt.receipt_id, task_ids=["task-7", "task-8"])

    done = store.clear(store.plan_clear(EVERYTHING), progress=take_two)
    assert set(cache.ids()) == {"task-7", "task-8"}
    (receipt,) = store.receipts()
    assert (done.cleared, receipt.held, receipt.returned) == (600, 599, 1)
    assert "task-8" in cache.held_ids()
    store.delete("task-8")
    assert store.undo_clear(receipt.receipt_id).restored == 599
    assert len(cache.ids()) == len(set(cache.ids())) == 600


def test_two_undos_at_once_bring_each_task_back_once(cache: Cache) -> None:
    store, done = cleared(cache.fill(400))
    results: list[UndoResult] = []

    def undo(first: int) -> None:
        wanted = [f"task-{number}" for number in range(first, first + 250)]
        results.append(TaskStore(cache.directory).undo_clear(done.receipt_id, task_ids=wanted))

    threads = [threading.Thread(target=undo, args=(first,)) for first in (1, 151)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(cache.ids()) == sorted(f"task-{number}" for number in range(1, 401))
    assert sum(result.restored for result in results) == 400
    assert store.receipts() == ()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sets(st.integers(1, 12), max_size=6), max_size=5), st.integers(1, 12))
def test_any_sequence_of_parts_ends_in_the_same_store(
    tmp_path_factory: pytest.TempPathFactory, parts: list[set[int]], batch: int
) -> None:
    directory: pathlib.Path = tmp_path_factory.mktemp("parts")
    cache = Cache(directory / "cache").fill(batch).fill(12 - batch or 1, prefix="more")
    before = sorted(cache.rows()["tasks"])
    store, done = cleared(cache)
    for part in parts:
        if store.receipts():
            wanted = {f"task-{number}" for number in part} | {f"more-{number}" for number in part}
            there = set(cache.ids())
            undone = store.undo_clear(done.receipt_id, task_ids=sorted(wanted) or ["x"])
            assert set(cache.ids()) - there == wanted.intersection(set(cache.ids()) - there)
            assert undone.restored == len(set(cache.ids()) - there)
    if store.receipts():
        store.undo_clear(done.receipt_id)
    assert sorted(cache.rows()["tasks"]) == before
