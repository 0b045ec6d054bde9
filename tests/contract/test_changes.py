"""A store while another program writes it: changes since a cursor, and one state for one read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.contract.records import Loader, StoredTask

from uniqc_store import InvalidValueError, TaskFilter, WouldBlockError

if TYPE_CHECKING:
    from tests.contract.conftest import Filled

    from uniqc_mcp.questions.snapshot import StoreSnapshot

A = StoredTask(task_id="uqt_a")
B = StoredTask(task_id="uqt_b", status="success")
C = StoredTask(task_id="uqt_c", status="failed")


def test_a_cursor_tells_what_came_changed_and_went(loader: Loader) -> None:
    loader.load([A, B])
    watch = loader.watch()
    watch.refresh()
    cursor = watch.since().cursor
    assert [state.task_id for state in watch.active()] == [A.task_id]
    loader.save(C)
    loader.save(replace(A, status="success"))
    loader.remove(B.task_id)
    assert watch.refresh()
    changes = watch.since(cursor)
    assert [state.task_id for state in changes.new] == [C.task_id]
    (changed,) = changes.changed
    assert changed.before is not None
    assert (changed.before.status, changed.after.status) == ("running", "success")
    (gone,) = changes.gone
    assert (gone.last.task_id, gone.archived) == (B.task_id, False)
    assert watch.active() == ()
    assert changes.store_status.total == 2
    assert not watch.since(changes.cursor).store_changed


def test_a_cursor_goes_on_being_good_after_later_changes(loader: Loader) -> None:
    loader.load([A])
    watch = loader.watch()
    watch.refresh()
    first = watch.since().cursor
    loader.save(replace(A, status="queued"))
    watch.refresh()
    second = watch.since(first).cursor
    loader.save(replace(A, status="success"))
    watch.refresh()
    (since_first,) = watch.since(first).changed
    (since_second,) = watch.since(second).changed
    assert since_first.before is not None
    assert since_second.before is not None
    assert (since_first.before.status, since_second.before.status) == ("running", "queued")


def test_a_refresh_without_a_change_tells_none(loader: Loader) -> None:
    loader.load([A])
    watch = loader.watch()
    watch.refresh()
    cursor = watch.since().cursor
    assert not watch.refresh()
    assert not watch.since(cursor).store_changed


def test_a_task_that_is_tracked_by_its_id_may_come_later(loader: Loader) -> None:
    loader.load([A])
    watch = loader.watch()
    with watch.tracking([B.task_id]):
        watch.refresh()
        cursor = watch.since().cursor
        loader.save(B)
        watch.refresh()
        assert watch.since(cursor).task_ids == {B.task_id}


@pytest.mark.parametrize("cursor", ["x", "é", "0", "AAAA"])
def test_what_is_no_cursor_of_changes_is_refused(loader: Loader, cursor: str) -> None:
    loader.load([A])
    watch = loader.watch()
    watch.refresh()
    with pytest.raises(InvalidValueError, match="cursor"):
        watch.since(cursor)


def test_all_answers_of_one_read_are_of_one_state(loader: Loader) -> None:
    store = loader.load([A, B])
    written = False

    def ask(snapshot: StoreSnapshot) -> tuple[int, int, int]:
        nonlocal written
        before = snapshot.count(TaskFilter())
        if not written:
            written = True
            loader.save(C)
        page = snapshot.search(TaskFilter(), limit=10)
        return before, page.total, sum(group.count for group in snapshot.tally(TaskFilter()))

    assert len(set(store.read(ask))) == 1
    assert store.read(ask) == (3, 3, 3)


def test_a_value_is_kept_for_one_state_at_most(loader: Loader) -> None:
    store = loader.load([A])

    def count(snapshot: StoreSnapshot) -> int:
        return snapshot.cached("count", lambda: snapshot.count(TaskFilter()))

    assert store.read(count) == 1
    loader.save(B)
    assert store.read(count) == 2
    loader.remove(A.task_id)
    assert store.read(count) == 1


def test_a_page_stays_put_while_tasks_are_added(loader: Loader) -> None:
    times = [f"2026-08-0{day}T00:00:00+00:00" for day in range(1, 7)]
    tasks = [replace(A, task_id=f"uqt_{time[9]}", submit_time=time) for time in times]
    store = loader.load(tasks[:5])
    first = store.read(lambda now: now.search(TaskFilter(), limit=2))
    loader.save(tasks[5])
    second = store.read(lambda now: now.search(TaskFilter(), limit=2, cursor=first.next_cursor))
    assert [one.task_id for one in first.records] == ["uqt_5", "uqt_4"]
    assert [one.task_id for one in second.records] == ["uqt_3", "uqt_2"]


def test_a_view_that_never_blocks_answers_the_same_or_says_that_it_would(filled: Filled) -> None:
    def ask(snapshot: StoreSnapshot) -> tuple[int, list[str]]:
        page = snapshot.search(TaskFilter(), limit=20)
        return page.total, [record.task_id for record in page.records]

    expected = filled.store.read(ask)
    try:
        found = filled.store.nonblocking().read(ask)
    except WouldBlockError:
        return
    assert found == expected


def test_a_store_where_nothing_was_cleared_has_no_copies(filled: Filled) -> None:
    copies = filled.store.cleared_tasks()
    assert not filled.store.may_have_cleared
    assert copies.receipts() == ()
    assert copies.find("uqt_unknown") == copies.find_twins("uqt_unknown") == ()


def test_a_store_tells_that_it_exists(filled: Filled) -> None:
    state = filled.store.read(lambda now: now.state)
    assert state.exists
    assert not state.damage
