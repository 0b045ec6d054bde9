"""Pages in every order, and filters by update time, against a model of them."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.conftest import NotUtf8, connect, insert_all, make_store, with_files

from uniqc_store import Archived, InvalidValueError, Order, Page, Snapshot, TaskFilter, TaskStore
from uniqc_store.query import index_scan, planner, search_scan, sort_scan, touch_scan
from uniqc_store.rows import readable
from uniqc_store.tasks import assume_local, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

START = datetime(2026, 8, 1, 12, tzinfo=UTC)
OLDEST_MOMENT = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    status: str
    submit_time: str | bytes
    update_time: str | bytes | NotUtf8
    metadata_json: str = "{}"

    @property
    def touched(self) -> datetime | None:
        stored = self.update_time
        if isinstance(stored, NotUtf8):
            stored = stored.stored.decode(errors="surrogateescape")
        moment = parse_time(readable(stored)[0]) if isinstance(stored, str) else None
        return None if moment is None else assume_local(moment)

    def matches(self, wanted: TaskFilter) -> bool:
        stored = self.update_time
        if isinstance(stored, NotUtf8):
            stored = stored.stored.decode(errors="surrogateescape")
        return wanted.matches(
            status=self.status,
            backend="ibm",
            name=json.loads(self.metadata_json).get("task_name", ""),
            submit_time=self.submit_time,
            update_time=readable(stored)[0] if isinstance(stored, str) else stored,
        )


def in_order(rows: Sequence[Row], wanted: TaskFilter, order: Order) -> list[str]:
    """Return the numbers of the rows that match, in the order of their pages."""

    def by_submit(number: int) -> tuple[bool, bytes, int]:
        time = rows[number].submit_time
        return isinstance(time, bytes), time if isinstance(time, bytes) else time.encode(), number

    def by_update(number: int) -> tuple[datetime, int]:
        return rows[number].touched or OLDEST_MOMENT, number

    key: Callable[[int], Any] = by_update if order == "updated" else by_submit
    matching = [number for number, row in enumerate(rows) if row.matches(wanted)]
    return [str(number) for number in sorted(matching, key=key, reverse=order != "oldest")]


def make(directory: Path, rows: Sequence[Row]) -> TaskStore:
    make_store(directory)
    insert_all(
        directory,
        (
            {"task_id": str(number), "backend": "ibm", **row.__dict__}
            for number, row in enumerate(rows)
        ),
    )
    return TaskStore(directory, read_only=True)


def pages(
    store: TaskStore,
    wanted: TaskFilter,
    order: Order,
    limit: int,
    archived: Archived = "exclude",
) -> list[Page]:
    asked = partial(store.search, wanted, limit=limit, order=order, archived=archived)
    found = [asked()]
    while cursor := found[-1].next_cursor:
        found.append(asked(cursor=cursor))
        assert len(found) < 200, "the pages do not end"
    return found


def ids(found: Sequence[Page]) -> list[str]:
    return [record.task_id for page in found for record in page.records]


@contextmanager
def changed(bounds: dict[tuple[Any, str], int]) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), value in bounds.items():
            patch.setattr(module, name, value)
        yield


moments = st.integers(-6, 6).map(lambda hours: START + timedelta(hours=hours))
times = st.one_of(
    moments.map(datetime.isoformat),
    moments.map(lambda moment: moment.replace(tzinfo=None).isoformat()),
    st.sampled_from(["", "soon"]),
)
touches: st.SearchStrategy[Any] = st.one_of(
    times,
    moments.map(lambda moment: moment.isoformat().encode()),
    moments.map(lambda moment: NotUtf8(moment.isoformat().encode() + b"\xff")),
)
tables = st.lists(
    st.builds(
        Row,
        status=st.sampled_from(["running", "success", "success", "failed", "QUEUED"]),
        submit_time=times | moments.map(lambda moment: moment.isoformat().encode()),
        update_time=touches,
        metadata_json=st.sampled_from(['{"task_name": "bell"}', "{}"]),
    ),
    max_size=14,
)
filters = st.builds(
    TaskFilter,
    status=st.sampled_from(["any", "any", "active", "finished", "success"]),
    backend=st.sampled_from(["", "ibm"]),
    submitted_after=st.none() | moments,
    name_contains=st.sampled_from(["", "", "bell"]),
    updated_after=st.none() | moments,
    updated_before=st.none() | moments,
)
orders: st.SearchStrategy[Order] = st.sampled_from(["newest", "oldest", "updated"])
few = st.integers(1, 20)
bounds = st.fixed_dictionaries(
    {
        (planner, "FEW_TASKS"): few,
        (sort_scan, "MAX_SORTED"): st.integers(0, 5),
        (index_scan, "FIRST_STEPS_PER_TASK"): few,
        (index_scan, "FIRST_STEPS"): few,
        (index_scan, "MAX_WALKED"): few,
        (index_scan, "MAX_SEARCHED"): few,
        (index_scan, "MAX_SEARCHED_IN_PART"): few,
        (search_scan, "STRETCH_TASKS"): few,
        (search_scan, "MAX_SECONDS"): st.sampled_from([5, -1]),
        (touch_scan, "MAX_RECENT"): st.integers(1, 6),
        (touch_scan, "MAX_ACTIVE"): st.integers(0, 6),
    }
)


@pytest.mark.usefixtures("in_china")
@with_files
@given(rows=tables, wanted=filters, order=orders, limit=st.integers(1, 6))
def test_pages_are_in_the_order_asked_for(
    fresh_directory: Callable[[], Path],
    rows: list[Row],
    wanted: TaskFilter,
    order: Order,
    limit: int,
) -> None:
    store = make(fresh_directory(), rows)
    expected = in_order(rows, wanted, order)
    found = pages(store, wanted, order, limit)
    assert ids(found) == expected
    assert {page.total for page in found} == {len(expected)}
    assert all(page.exact and not page.recent_only and not page.read_all for page in found)
    assert store.read(partial(Snapshot.count, task_filter=wanted)) == len(expected)


@pytest.mark.usefixtures("in_china")
@with_files
@given(rows=tables, wanted=filters, order=orders, limit=st.integers(1, 4), bounds=bounds)
def test_pages_of_a_large_file_hold_every_matching_task_once(  # noqa: PLR0917 - all random
    fresh_directory: Callable[[], Path],
    rows: list[Row],
    wanted: TaskFilter,
    order: Order,
    limit: int,
    bounds: dict[tuple[Any, str], int],
) -> None:
    store = make(fresh_directory(), rows)
    expected = in_order(rows, wanted, order)
    with changed(bounds):
        found = pages(store, wanted, order, limit)
        assert store.read(partial(Snapshot.count, task_filter=wanted)) == len(expected)
    recent = ids([page for page in found if page.recent_only])
    others = ids([page for page in found if not page.recent_only])
    assert Counter(recent + others) == Counter(expected)
    assert recent == sorted(recent, key=expected.index)
    assert others == sorted(others, key=expected.index)
    for page in found:
        assert page.total == len(expected) if page.exact else page.total <= len(expected)


def move_to_archive(directory: Path, numbers: Sequence[int]) -> None:
    """Move tasks into an archive as uniqc's; the rowids there follow the order of the ids."""
    columns = "task_id, backend, status, shots, submit_time, update_time, result_json"
    with closing(connect(directory)) as connection:
        connection.execute(
            "CREATE TABLE archived_tasks (task_id TEXT PRIMARY KEY, backend, status, shots, "
            "submit_time TEXT, update_time TEXT, result_json TEXT, metadata_json TEXT, "
            "archived_at TEXT)"
        )
        connection.execute(
            f"INSERT INTO archived_tasks (rowid, {columns}, metadata_json, archived_at) "
            f"SELECT rowid, {columns}, metadata_json, '2026-09-01T00:00:00+00:00' FROM tasks "
            f"WHERE rowid IN ({', '.join(str(number + 1) for number in numbers)})"
        )
        connection.execute(
            "DELETE FROM tasks WHERE task_id IN (SELECT task_id FROM archived_tasks)"
        )


@pytest.mark.usefixtures("in_china")
@with_files
@given(data=st.data(), rows=tables, wanted=filters, order=orders, limit=st.integers(1, 6))
def test_pages_with_the_archive_hold_live_and_archived_tasks_in_order(  # noqa: PLR0917 - all random
    fresh_directory: Callable[[], Path],
    data: st.DataObject,
    rows: list[Row],
    wanted: TaskFilter,
    order: Order,
    limit: int,
) -> None:
    directory = fresh_directory()
    make(directory, rows)
    away = data.draw(st.sets(st.integers(0, max(len(rows) - 1, 0)))) if rows else set[int]()
    move_to_archive(directory, sorted(away))
    store = TaskStore(directory, read_only=True)
    every = in_order(rows, wanted, order)
    archived = {str(number) for number in away}
    found = pages(store, wanted, order, limit, "include")
    assert sorted(ids(found)) == sorted(every)
    assert {page.total for page in found} == {len(every)}
    # Of equal times, rows of the two tables are in no order that the model knows.
    assert [key_of(rows, order, task_id) for task_id in ids(found)] == [
        key_of(rows, order, task_id) for task_id in every
    ]
    only = pages(store, wanted, order, limit, "only")
    assert ids(only) == [task_id for task_id in every if task_id in archived]
    assert all(record.archived_at for page in only for record in page.records)
    numbers: dict[Archived, int] = {"include": len(every), "only": len(ids(only))}
    for choice, number in numbers.items():
        groups = store.read(partial(Snapshot.tally, task_filter=wanted, archived=choice))
        assert sum(group.count for group in groups) == number


def key_of(rows: Sequence[Row], order: Order, task_id: str) -> object:
    row = rows[int(task_id)]
    return row.touched if order == "updated" else row.submit_time


TOUCHED_LATE = 3
HUNDRED = [
    Row(
        status="running" if number == 7 else "success",
        submit_time=(START + timedelta(minutes=number)).isoformat(),
        update_time=(
            START + timedelta(hours=10 if number in {TOUCHED_LATE, 7} else 0, minutes=number)
        ).isoformat(),
    )
    for number in range(100)
]


def test_a_large_file_says_that_old_tasks_come_later_and_then_reads_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(tmp_path, HUNDRED)
    monkeypatch.setattr(planner, "FEW_TASKS", 50)
    monkeypatch.setattr(touch_scan, "MAX_RECENT", 10)
    wanted = TaskFilter(updated_after=START + timedelta(hours=9))
    first, second = pages(store, wanted, "updated", 5)
    assert (ids([first]), first.recent_only, first.exact) == (["7"], True, False)
    assert (ids([second]), second.read_all, second.exact) == ([str(TOUCHED_LATE)], True, True)
    assert second.total == 2


def test_tasks_that_come_between_two_pages_hide_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(tmp_path, HUNDRED)
    monkeypatch.setattr(planner, "FEW_TASKS", 50)
    monkeypatch.setattr(touch_scan, "MAX_RECENT", 10)
    first = store.search(TaskFilter(), limit=5, order="updated")
    late = (START + timedelta(days=1)).isoformat()
    insert_all(
        tmp_path,
        ({"task_id": f"new {n}", "submit_time": late, "update_time": late} for n in range(20)),
    )
    seen, cursor = ids([first]), first.next_cursor
    while cursor:
        page = store.search(TaskFilter(), limit=5, order="updated", cursor=cursor)
        seen += ids([page])
        cursor = page.next_cursor
    assert {f"{number}" for number in range(100)} <= set(seen)


@pytest.mark.parametrize("other", ["oldest", "updated"])
def test_a_cursor_of_one_order_is_refused_in_another(tmp_path: Path, other: Order) -> None:
    store = make(tmp_path, HUNDRED)
    cursor = store.search(TaskFilter(), limit=5).next_cursor
    with pytest.raises(InvalidValueError, match="another order"):
        store.search(TaskFilter(), limit=5, order=other, cursor=cursor)


def test_a_cursor_by_update_time_is_refused_in_another_order(tmp_path: Path) -> None:
    store = make(tmp_path, HUNDRED)
    cursor = store.search(TaskFilter(), limit=5, order="updated").next_cursor
    with pytest.raises(InvalidValueError, match="another order"):
        store.search(TaskFilter(), limit=5, cursor=cursor)


def test_a_count_says_if_it_reads_every_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make(tmp_path, HUNDRED)
    touched = TaskFilter(updated_after=START)
    active = TaskFilter(status="active", updated_after=START)
    assert not store.read(partial(Snapshot.reads_all, task_filter=touched))
    monkeypatch.setattr(planner, "FEW_TASKS", 50)
    fresh = TaskStore(tmp_path, read_only=True)
    assert fresh.read(partial(Snapshot.reads_all, task_filter=touched))
    assert not fresh.read(partial(Snapshot.reads_all, task_filter=active))
