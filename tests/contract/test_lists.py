"""Lists: each task once, in the order asked for, whatever the size of a page."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, get_args

import pytest
from tests.contract.model import FILTERS, matching, moments

from uniqc_store import Archived, InvalidValueError, Order, TaskFilter

if TYPE_CHECKING:
    from tests.contract.conftest import Filled

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_store import TaskRecord

ORDERS: tuple[Order, ...] = get_args(Order)
ARCHIVED: tuple[Archived, ...] = get_args(Archived)


def walk(
    snapshot: StoreSnapshot,
    task_filter: TaskFilter,
    *,
    limit: int,
    order: Order = "newest",
    archived: Archived = "exclude",
) -> list[TaskRecord]:
    """Return the tasks of all pages, and check what each page says of the whole."""
    ask = partial(snapshot.search, task_filter, limit=limit, order=order, archived=archived)
    found: list[TaskRecord] = []
    page = ask()
    for _ in range(500):
        assert len(page.records) <= limit
        found += page.records
        assert page.exact or page.total <= snapshot.count(task_filter)
        if not page.next_cursor:
            assert not page.exact or page.total == len(found)
            return found
        page = ask(cursor=page.next_cursor)
    raise AssertionError("the pages do not end")


def places(records: list[TaskRecord]) -> list[tuple[str, bool]]:
    return [(record.task_id, record.archived_at is not None) for record in records]


@pytest.mark.parametrize("archived", ARCHIVED)
@pytest.mark.parametrize("order", ORDERS)
def test_pages_have_each_task_once_and_in_order(
    filled: Filled, order: Order, archived: Archived
) -> None:
    def check(snapshot: StoreSnapshot, task_filter: TaskFilter) -> None:
        ask = partial(walk, snapshot, task_filter, order=order, archived=archived)
        found = ask(limit=limit)
        expected = matching(filled.tasks, task_filter, archived)
        assert Counter(places(found)) == Counter((one.task_id, one.archived) for one in expected)
        keys = moments([(one.submit_time, one.update_time) for one in found], order)
        assert keys == sorted(keys, reverse=order != "oldest")
        assert places(ask(limit=200)) == places(found)

    # All filters in one order, and some of them, other ones each time, in the others.
    shift = 3 * ORDERS.index(order) + ARCHIVED.index(archived)
    limit = 7 if archived == "exclude" else 20
    for task_filter in FILTERS[shift % 4 :: 4] if shift else FILTERS:
        filled.store.read(partial(check, task_filter=task_filter))


def test_oldest_is_newest_the_other_way_round(filled: Filled) -> None:
    def both(snapshot: StoreSnapshot) -> tuple[list[TaskRecord], list[TaskRecord]]:
        everything = TaskFilter()
        return (
            walk(snapshot, everything, limit=9),
            walk(snapshot, everything, limit=9, order="oldest"),
        )

    newest, oldest = filled.store.read(both)
    assert places(newest) == places(oldest)[::-1]


def test_a_record_has_what_was_stored(filled: Filled) -> None:
    stored = {task.task_id: task for task in filled.live}
    for record in filled.store.read(lambda now: walk(now, TaskFilter(), limit=100)):
        task = stored.pop(record.task_id)
        assert (record.backend, record.status, record.shots) == (
            *(task.backend, task.status, task.shots),
        )
        assert (record.submit_time, record.update_time) == (task.submit_time, task.update_time)
        assert (record.name, record.error_message) == (task.name, task.error)
    assert not stored


@pytest.mark.parametrize("archived", ARCHIVED)
def test_a_cursor_is_good_for_its_own_list_alone(filled: Filled, archived: Archived) -> None:
    def ask(cursor: str, task_filter: TaskFilter, order: Order, archived: Archived) -> str:
        return filled.store.read(
            lambda now: now.search(
                task_filter, limit=1, cursor=cursor, order=order, archived=archived
            )
        ).next_cursor

    for order in ORDERS:
        cursor = ask("", TaskFilter(), order, archived)
        if not cursor:
            assert len(matching(filled.tasks, TaskFilter(), archived)) <= 1
            return
        others: list[tuple[str, TaskFilter, Order, Archived]] = [
            *((cursor, TaskFilter(), other, archived) for other in ORDERS if other != order),
            *((cursor, TaskFilter(), order, other) for other in ARCHIVED if other != archived),
            (cursor, TaskFilter(status="finished"), order, archived),
            *((broken, TaskFilter(), order, archived) for broken in ("x", cursor[:6], "é")),
        ]
        for other in others:
            with pytest.raises(InvalidValueError, match="cursor"):
                ask(*other)


def test_a_page_of_no_task_is_refused(filled: Filled) -> None:
    for limit in (0, -1):
        with pytest.raises(InvalidValueError, match="limit"):
            filled.store.read(partial(walk, task_filter=TaskFilter(), limit=limit))
