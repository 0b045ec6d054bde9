"""Filters, pages and counts, compared with a simple model."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.store.conftest import (
    NotUtf8,
    connect,
    execute,
    fill,
    insert,
    insert_all,
    local_time_zone,
    make_store,
    with_files,
)

from uniqc_store import (
    APPLICATION_ID,
    DB_FILENAME,
    TERMINAL_STATUSES,
    Group,
    InvalidValueError,
    Order,
    Page,
    Snapshot,
    TaskFilter,
    TaskInfo,
    TaskStatus,
    TaskStore,
    parse_time,
)
from uniqc_store.query import counts, index_scan, planner, search_scan, sort_scan
from uniqc_store.query.name_conditions import ALSO_FOLDED, is_without_case
from uniqc_store.query.time_conditions import where_touched_before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import ModuleType

CHINA = timezone(timedelta(hours=8))
START = datetime(2026, 8, 1, tzinfo=UTC)

Stored = str | bytes | NotUtf8
Bounds: TypeAlias = "dict[tuple[ModuleType, str], int]"


# The model


@dataclass(frozen=True)
class Row:
    """The stored columns of one task. Rowids follow the order of insertion."""

    status: Stored
    backend: Stored
    submit_time: Stored
    metadata_json: Stored

    @property
    def moment(self) -> datetime | None:
        """The submit time. A time without a zone is taken as UTC+8."""
        parsed = parse_time(as_text(self.submit_time) or "")
        if parsed is None or parsed.tzinfo is not None:
            return parsed
        return parsed.replace(tzinfo=CHINA)

    @property
    def name(self) -> str:
        try:
            metadata = json.loads(as_text(self.metadata_json) or "")
        except ValueError:
            return ""
        if not isinstance(metadata, dict):
            return ""
        name = cast("dict[str, object]", metadata).get("task_name")
        return name if isinstance(name, str) else ""

    def matches(self, wanted: TaskFilter) -> bool:
        return all(
            (
                wanted.status == "any"
                or (wanted.status == "active" and self.status not in TERMINAL_STATUSES)
                or (wanted.status == "finished" and self.status in TERMINAL_STATUSES)
                or self.status == wanted.status,
                not wanted.backend or self._has_backend(wanted.backend),
                wanted.name_contains.casefold() in self.name.casefold(),
                self._is_in_time_range(wanted),
            )
        )

    def _has_backend(self, backend: str) -> bool:
        label = as_text(self.backend)
        if label is None:
            return False
        platform = label.partition(":")[0]
        return label == backend or (":" not in backend and platform == backend)

    def _is_in_time_range(self, wanted: TaskFilter) -> bool:
        if not wanted.by_time:
            return True
        moment = self.moment
        return moment is not None and (
            (wanted.submitted_after is None or moment >= wanted.submitted_after)
            and (wanted.submitted_before is None or moment < wanted.submitted_before)
        )


def as_text(stored: Stored) -> str | None:
    if isinstance(stored, NotUtf8):
        return stored.stored.decode(errors="replace")
    return stored if isinstance(stored, str) else None


def as_shown(stored: Stored) -> str:
    return stored.decode(errors="replace") if isinstance(stored, bytes) else as_text(stored) or ""


def newest_first(rows: Sequence[Row]) -> list[int]:
    """Return the numbers of the rows in uniqc's order.

    A later stored time comes first, a BLOB before any text, and of equal times the later row.
    """

    def key(number: int) -> tuple[bool, bytes, int]:
        time = rows[number].submit_time
        if isinstance(time, bytes):
            return True, time, number
        return False, time.stored if isinstance(time, NotUtf8) else time.encode(), number

    return sorted(range(len(rows)), key=key, reverse=True)


def make(directory: Path, rows: Sequence[Row]) -> TaskStore:
    make_store(directory)
    insert_all(
        directory, ({"task_id": str(number), **row.__dict__} for number, row in enumerate(rows))
    )
    return TaskStore(directory, read_only=True)


# Random rows and filters, from few values so that many rows match


def moment_at(minutes: int, microseconds: int) -> datetime:
    return START + timedelta(minutes=minutes, microseconds=microseconds)


def zone_at(quarters: int) -> timezone:
    return timezone(timedelta(minutes=15 * quarters))


def written(moment: datetime, zone: timezone, separator: str) -> str:
    return moment.astimezone(zone).isoformat(separator)


def written_zulu(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat() + "Z"


def written_local(moment: datetime) -> str:
    return moment.astimezone(CHINA).replace(tzinfo=None).isoformat()


def written_date(moment: datetime) -> str:
    return moment.date().isoformat()


def not_utf8(text: str) -> NotUtf8:
    return NotUtf8(text.encode() + b"\xff")


moments = st.builds(moment_at, st.integers(-60, 60 * 96), st.sampled_from([0, 0, 1, 999_999]))
zones = st.builds(zone_at, st.integers(-23 * 4, 23 * 4))
dated = st.one_of(
    st.builds(written, moments, zones, st.sampled_from("T ")),
    moments.map(written_zulu),
    moments.map(written_local),
    moments.map(written_date),
)
times: st.SearchStrategy[Stored] = st.one_of(
    dated,
    dated,
    dated.map(str.encode),
    dated.map(not_utf8),
    st.sampled_from(["", "soon", "2026-W31-6", "0001-01-01T00:00:00+08:00", "9999-12-31T23:59"]),
    st.text(max_size=5),
)
names = st.sampled_from(["bell", "Bell-2", "STRASSE", "straße", "贝尔态", "ΣΊΣΥΦΟΣ", "", "%", "_"])
metadata: st.SearchStrategy[Stored] = st.one_of(
    names.map(lambda name: json.dumps({"task_name": name}, ensure_ascii=False)),
    names.map(lambda name: json.dumps({"note": 1, "task_name": name})),
    names.map(lambda name: json.dumps({"task_name": [name], "note": name})),
    names.map(lambda name: json.dumps({"task_name": name}).encode()),
    st.sampled_from(["{}", "", "{", '{"task_name": "bell"', '["task_name", "bell"]']),
    st.sampled_from([b"bell \xff", b"bell \xe2\x82", b"bell \x80", b"\xc3bell"]).map(
        lambda name: NotUtf8(b'{"task_name": "' + name + b'"}')
    ),
)
statuses: st.SearchStrategy[Stored] = st.sampled_from(
    [*(status.value for status in TaskStatus), "QUEUED", "SUCCESS", "a", "z", "succes", "successx"]
) | st.sampled_from([b"success", NotUtf8(b"failed\xff")])
backends: st.SearchStrategy[Stored] = st.sampled_from(
    ["dummy", "dummy:local", "dummy:local:line", "dummyx", "dummy;", "ibm", "ibm:fez", ":", ""]
) | st.sampled_from([b"dummy", NotUtf8(b"dummy:\xff")])
tables = st.lists(
    st.builds(Row, status=statuses, backend=backends, submit_time=times, metadata_json=metadata),
    max_size=12,
)
filters = st.builds(
    TaskFilter,
    status=st.sampled_from(["any", "any", "active", "finished", "success", "QUEUED", "unknown"]),
    backend=st.sampled_from(["", "", "dummy", "dummy:local", "ibm", "ibm:fez", "dumm", ":", "d%"]),
    submitted_after=st.none() | st.builds(datetime.astimezone, moments, zones),
    submitted_before=st.none() | st.builds(datetime.astimezone, moments, zones),
    name_contains=st.sampled_from(
        ["", "", "BELL", "strasse", "贝尔", "σίσυφος", "%", "_", '"', "\ufffd", "LL \ufffd"]
    ),
)


@pytest.mark.usefixtures("in_china")
@with_files
@given(rows=tables, wanted=st.lists(filters, min_size=1, max_size=5))
def test_a_filter_matches_the_same_tasks_as_the_model(
    fresh_directory: Callable[[], Path], rows: list[Row], wanted: list[TaskFilter]
) -> None:
    store = make(fresh_directory(), rows)
    for task_filter in wanted:
        expected = [str(n) for n in newest_first(rows) if rows[n].matches(task_filter)]
        page = store.search(task_filter, limit=100)
        assert [record.task_id for record in page.records] == expected
        assert page.total == len(expected)
        assert page.next_cursor == ""
        assert store.read(partial(Snapshot.count, task_filter=task_filter)) == len(expected)


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
    }
)


@pytest.mark.usefixtures("in_china")
@with_files
@given(rows=tables, wanted=filters, limit=st.integers(1, 4), bounds=bounds)
@example(
    rows=[Row("pending", "dummy", "", '{"task_name": "bell"}')],
    wanted=TaskFilter(name_contains="BELL"),
    limit=1,
    bounds={(planner, "FEW_TASKS"): 1, (index_scan, "MAX_SEARCHED"): 1},
)
def test_pages_hold_the_matching_tasks_whichever_scan_finds_them(
    fresh_directory: Callable[[], Path],
    rows: list[Row],
    wanted: TaskFilter,
    limit: int,
    bounds: Bounds,
) -> None:
    check_all_pages(make(fresh_directory(), rows), rows, wanted, limit, bounds)


close_rows = st.lists(
    st.builds(
        Row,
        status=st.sampled_from(["running", "running", "success", "pending"]),
        backend=st.sampled_from(["ibm:fez", "ibm:fez", "ibm", "dummy"]),
        submit_time=st.sampled_from(["2026-08-01", "2026-08-02T03", b"2026-08-01", "2026-08-03"]),
        metadata_json=st.sampled_from(['{"task_name": "bell"}', "{}"]),
    ),
    min_size=4,
    max_size=20,
)
by_label = st.builds(
    TaskFilter,
    status=st.sampled_from(["running", "active", "any"]),
    backend=st.sampled_from(["ibm", "ibm:fez", ""]),
    submitted_before=st.none() | st.just(START + timedelta(days=1)),
    name_contains=st.sampled_from(["", "", "bell"]),
).filter(lambda wanted: wanted.by_label)
enough = st.integers(8, 30)


@pytest.mark.usefixtures("in_china")
@settings(deadline=None, max_examples=150)
@given(
    rows=close_rows,
    wanted=by_label,
    limit=st.integers(1, 4),
    bounds=st.fixed_dictionaries(
        {
            (planner, "FEW_TASKS"): enough,
            (sort_scan, "MAX_SORTED"): st.just(0),
            (index_scan, "FIRST_STEPS_PER_TASK"): few,
            (index_scan, "MAX_STEPS_PER_TASK"): few,
            (index_scan, "LOOKED_UP_SHARE"): few,
        }
    ),
)
def test_pages_of_a_label_hold_its_tasks_in_any_order_of_insertion(
    fresh_directory: Callable[[], Path],
    rows: list[Row],
    wanted: TaskFilter,
    limit: int,
    bounds: Bounds,
) -> None:
    check_all_pages(make(fresh_directory(), rows), rows, wanted, limit, bounds)


def check_all_pages(
    store: TaskStore, rows: list[Row], wanted: TaskFilter, limit: int, bounds: Bounds
) -> None:
    """Read every page and compare it with the model."""
    expected = [str(n) for n in newest_first(rows) if rows[n].matches(wanted)]
    visited: list[str] = []
    cursor = ""
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), bound in bounds.items():
            patch.setattr(module, name, bound)
        while True:
            page = store.search(wanted, limit=limit, cursor=cursor)
            visited += [record.task_id for record in page.records]
            assert visited == expected[: len(visited)]
            assert len(visited) <= page.total <= len(expected)
            assert page.total == len(expected) or not page.exact
            cursor = page.next_cursor
            assert page.cut_short == (bool(cursor) and len(page.records) < limit)
            assert not page.cut_short or wanted.name_contains
            if not cursor:
                break
    assert visited == expected
    assert page.exact


@pytest.mark.usefixtures("in_china")
@with_files
@given(rows=tables | close_rows, wanted=filters, few=few)
def test_a_tally_gives_the_same_counts_as_the_model(
    fresh_directory: Callable[[], Path], rows: list[Row], wanted: TaskFilter, few: int
) -> None:
    store = make(fresh_directory(), rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "FEW_TASKS", few)
        _check_tallies(store, rows, wanted)


TASK_COUNTS: dict[str, list[tuple[str, str, int]]] = {
    "no majority status": [
        ("cancelled", "dummy", 4),
        ("failed", "ibm:fez", 5),
        ("failed", "ibm", 1),
        ("running", "dummy", 2),
        ("success", "dummy", 5),
    ],
    "one majority status": [
        ("cancelled", "dummy", 5),
        ("failed", "dummy", 4),
        ("failed", "ibm:fez", 1),
        ("failed", "ibm", 1),
        ("success", "dummy", 9),
        ("success", "ibm:fez", 6),
    ],
    "one status on half of the tasks": [
        ("failed", "dummy", 4),
        ("running", "ibm:fez", 4),
        ("success", "dummy", 3),
        ("success", "ibm:fez", 5),
    ],
}
"""Numbers of tasks by status and backend."""


@pytest.mark.parametrize("most_statuses", [1, 50])
@pytest.mark.parametrize("few", [1, 3, 4, 5, 6, 7, 99])
@pytest.mark.parametrize("counted", TASK_COUNTS.values(), ids=TASK_COUNTS.keys())
def test_counts_are_exact_when_several_statuses_are_common(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    counted: list[tuple[str, str, int]],
    few: int,
    most_statuses: int,
) -> None:
    rows = [
        Row(status, backend, "2026-08-01", "{}")
        for status, backend, number in counted
        for _ in range(number)
    ]
    store = make(tmp_path, rows)
    monkeypatch.setattr(planner, "FEW_TASKS", few)
    monkeypatch.setattr(counts, "MAX_STATUSES", most_statuses)
    for wanted in (
        TaskFilter(),
        TaskFilter(status="failed"),
        TaskFilter(status="finished"),
        TaskFilter(status="active"),
        TaskFilter(backend="ibm"),
        TaskFilter(status="success", backend="dummy"),
        TaskFilter(status="finished", backend="ibm"),
    ):
        _check_tallies(store, rows, wanted)


def _check_tallies(store: TaskStore, rows: list[Row], wanted: TaskFilter) -> None:
    passing = [row for row in rows if row.matches(wanted)]
    by_both = Counter((as_shown(row.status), as_shown(row.backend)) for row in passing)
    by_status = Counter(as_shown(row.status) for row in passing)
    groups = store.tally(wanted)
    assert {(group.status, group.backend): group.count for group in groups} == by_both
    assert {g.status: g.count for g in store.tally(wanted, by=("status",))} == by_status
    assert sum(group.count for group in store.tally(wanted, by=())) == len(passing)
    assert store.read(partial(Snapshot.count, task_filter=wanted)) == len(passing)
    assert [group.count for group in groups] == sorted(by_both.values(), reverse=True)


@pytest.mark.usefixtures("in_china")
@with_files
@given(rows=tables, wanted=filters)
def test_undated_counts_matching_tasks_without_a_readable_time(
    fresh_directory: Callable[[], Path], rows: list[Row], wanted: TaskFilter
) -> None:
    store = make(fresh_directory(), rows)
    untimed = TaskFilter(
        status=wanted.status, backend=wanted.backend, name_contains=wanted.name_contains
    )
    expected = sum(row.matches(untimed) and row.moment is None for row in rows)
    assert store.read(lambda snapshot: snapshot.undated(wanted)) == expected


@with_files
@given(rows=tables, limit=st.integers(1, 5), status=st.sampled_from(["any", "active", "success"]))
def test_pages_visit_each_task_once_in_the_order_of_list(
    fresh_directory: Callable[[], Path], rows: list[Row], limit: int, status: str
) -> None:
    directory = fresh_directory()
    store = make(directory, rows)
    wanted = TaskFilter(status=status)
    expected = [
        task.task_id
        for task in store.list()
        if status == "any" or rows[int(task.task_id)].matches(wanted)
    ]
    visited: list[str] = []
    cursor = ""
    while True:
        page = store.search(wanted, limit=limit, cursor=cursor)
        visited += [record.task_id for record in page.records]
        assert visited == expected[: len(visited)]
        cursor = page.next_cursor
        if not cursor:
            break
        assert len(page.records) == limit
        # Such a BLOB sorts as newer than any stored time.
        insert(directory, f"added-{len(visited)}", submit_time=b"\xff" * 40)
    assert visited == expected


# Single cases


@pytest.fixture
def seven(tmp_path: Path) -> TaskStore:
    store = TaskStore(make_store(tmp_path / "cache"))
    fill(store.cache_dir, *"abcdefg")
    return store


def found(store: TaskStore, **wanted: Any) -> set[str]:
    page = store.search(TaskFilter(**wanted), limit=50)
    return {record.task_id for record in page.records}


def test_each_page_has_the_total_of_all_pages(seven: TaskStore) -> None:
    first = seven.search(TaskFilter(), limit=3)
    assert ([r.task_id for r in first.records], first.total) == (["g", "f", "e"], 7)
    last = seven.search(TaskFilter(), limit=4, cursor=first.next_cursor)
    assert ([r.task_id for r in last.records], last.total) == (["d", "c", "b", "a"], 7)
    assert last.next_cursor == ""


@pytest.mark.parametrize("beyond", [-1, 0, 1, 5])
@pytest.mark.parametrize("wanted", [TaskFilter(), TaskFilter(status="running")])
def test_a_bounded_count_is_not_reported_as_the_exact_total(
    seven: TaskStore, monkeypatch: pytest.MonkeyPatch, beyond: int, wanted: TaskFilter
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", 30)
    many = 30 + beyond
    fill(seven.cache_dir, *map(str, range(many - 7)))
    page = seven.search(wanted, limit=3)
    assert page.total == many or (not page.exact and page.total < many)
    assert seven.read(lambda snapshot: snapshot.count(wanted)) == many
    assert sum(group.count for group in seven.tally(wanted)) == many


def test_a_last_page_that_is_exactly_full_has_no_cursor(seven: TaskStore) -> None:
    assert seven.search(TaskFilter(), limit=7).next_cursor == ""


def test_the_total_of_many_tasks_is_a_lower_bound_until_the_last_page(
    seven: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", 4)
    totals: list[tuple[int, bool]] = []
    cursor = ""
    for limit in (2, 2, 2, 1):
        page = seven.search(TaskFilter(status="running"), limit=limit, cursor=cursor)
        totals.append((page.total, page.exact))
        cursor = page.next_cursor
    assert totals == [(4, False), (5, False), (7, False), (7, True)]
    assert cursor == ""


def test_the_total_of_two_conditions_counts_only_the_tasks_found_so_far(
    seven: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", 4)
    wanted = TaskFilter(status="running", backend="originq")
    page = seven.search(wanted, limit=2)
    assert (page.total, page.exact, page.cut_short) == (3, False, False)
    page = seven.search(wanted, limit=5, cursor=page.next_cursor)
    assert (page.total, page.exact, page.next_cursor) == (7, True, "")


def test_a_name_search_that_is_cut_short_says_so_and_can_be_continued(
    seven: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task_id in ("f", "a"):
        seven.save(TaskInfo(task_id, "dummy", metadata={"task_name": "bell"}))
    with closing(connect(seven.cache_dir)) as uniqc:
        uniqc.execute("UPDATE tasks SET submit_time = '2026-08-01'")
    monkeypatch.setattr(planner, "FEW_TASKS", 4)
    monkeypatch.setattr(index_scan, "MAX_SEARCHED", 3)
    monkeypatch.setattr(index_scan, "MAX_SEARCHED_IN_PART", 3)
    monkeypatch.setattr(search_scan, "STRETCH_TASKS", 1)
    monkeypatch.setattr(search_scan, "MAX_SECONDS", -1)
    pages: list[tuple[list[str], int, bool, bool]] = []
    cursor = ""
    while cursor or not pages:
        page = seven.search(TaskFilter(name_contains="bell"), limit=2, cursor=cursor)
        found_ids = [record.task_id for record in page.records]
        pages.append((found_ids, page.total, page.exact, page.cut_short))
        cursor = page.next_cursor
    assert pages == [
        (["f"], 1, False, True),
        ([], 1, False, True),
        (["a"], 2, True, False),
    ]


def test_a_search_that_meets_no_match_soon_tests_every_task(
    seven: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task_id in ("f", "a"):
        seven.save(TaskInfo(task_id, "dummy", metadata={"task_name": "bell"}))
    with closing(connect(seven.cache_dir)) as uniqc:
        uniqc.execute("UPDATE tasks SET submit_time = '2026-08-01'")
    monkeypatch.setattr(planner, "FEW_TASKS", 4)
    monkeypatch.setattr(index_scan, "MAX_SEARCHED", 3)
    monkeypatch.setattr(search_scan, "STRETCH_TASKS", 2)
    reports: list[tuple[int, int]] = []
    store = TaskStore(
        seven.cache_dir,
        read_only=True,
        report_progress=lambda done, total: reports.append((done, total)),
    )
    page = store.search(TaskFilter(name_contains="bell"), limit=1)
    assert ([record.task_id for record in page.records], page.total, page.exact) == (["f"], 2, True)
    assert reports == [(2, 7), (4, 7)]
    page = store.search(TaskFilter(name_contains="bell"), limit=1, cursor=page.next_cursor)
    assert ([record.task_id for record in page.records], page.next_cursor) == (["a"], "")
    page = store.search(TaskFilter(name_contains="absent"), limit=1)
    assert (page.records, page.total, page.exact) == ((), 0, True)


@pytest.mark.parametrize("rowids", [(1, 2**63 - 1), (-(2**63), 2**63 - 1), (-7, 5_000_000_000)])
def test_gaps_between_row_numbers_do_not_matter_to_a_search(
    seven: TaskStore, monkeypatch: pytest.MonkeyPatch, rowids: tuple[int, int]
) -> None:
    with closing(connect(seven.cache_dir)) as uniqc:
        for task_id, rowid in zip("af", rowids, strict=True):
            uniqc.execute(
                "UPDATE tasks SET rowid = ?, metadata_json = ? WHERE task_id = ?",
                (rowid, '{"task_name": "bell"}', task_id),
            )
    monkeypatch.setattr(planner, "FEW_TASKS", 4)
    monkeypatch.setattr(index_scan, "MAX_SEARCHED", 1)
    monkeypatch.setattr(search_scan, "STRETCH_TASKS", 1)
    page = seven.search(TaskFilter(name_contains="bell"), limit=9)
    assert sorted(record.task_id for record in page.records) == ["a", "f"]
    assert (page.total, page.exact) == (2, True)


def test_a_cursor_works_after_its_task_is_deleted(seven: TaskStore) -> None:
    first = seven.search(TaskFilter(), limit=3)
    seven.delete("e")
    after = seven.search(TaskFilter(), limit=9, cursor=first.next_cursor)
    assert [record.task_id for record in after.records] == ["d", "c", "b", "a"]


@pytest.mark.parametrize("order", ["newest", "oldest", "updated"])
def test_a_cursor_that_lost_or_changed_a_character_is_refused(
    seven: TaskStore, order: Order
) -> None:
    cursor = seven.search(TaskFilter(), limit=3, order=order).next_cursor
    for place in range(1, len(cursor)):
        before, character, after = cursor[: place - 1], cursor[place - 1], cursor[place:]
        other = "A" if character != "A" else "B"
        for damaged in (cursor[:place], before + other + after):
            with pytest.raises(InvalidValueError):
                seven.search(TaskFilter(), limit=3, order=order, cursor=damaged)


def test_a_cursor_works_in_another_store_object(seven: TaskStore) -> None:
    cursor = seven.search(TaskFilter(), limit=6).next_cursor
    other = TaskStore(seven.cache_dir, read_only=True)
    assert [r.task_id for r in other.search(TaskFilter(), limit=6, cursor=cursor).records] == ["a"]


@pytest.mark.parametrize(
    "other",
    [
        TaskFilter(status="active"),
        TaskFilter(backend="originq"),
        TaskFilter(name_contains="a"),
        TaskFilter(submitted_after=START),
        TaskFilter(submitted_before=START),
    ],
)
def test_a_cursor_of_another_filter_is_refused(seven: TaskStore, other: TaskFilter) -> None:
    cursor = seven.search(TaskFilter(), limit=3).next_cursor
    with pytest.raises(InvalidValueError, match="other filters") as caught:
        seven.search(other, limit=3, cursor=cursor)
    assert caught.value.field == "cursor"


def test_a_cursor_works_after_the_time_bounds_have_moved(seven: TaskStore) -> None:
    pages: list[Page] = []
    for days in (0, 1):
        wanted = TaskFilter(
            submitted_after=START - timedelta(days=7 - days),
            submitted_before=START + timedelta(days=1 + days),
        )
        cursor = pages[-1].next_cursor if pages else ""
        pages.append(seven.search(wanted, limit=3, cursor=cursor))
    assert [[record.task_id for record in page.records] for page in pages] == [[*"gfe"], [*"dcb"]]


@given(st.text(min_size=1) | st.binary(min_size=1).map(lambda raw: raw.hex()))
@with_files
def test_an_invalid_cursor_is_refused(fresh_directory: Callable[[], Path], cursor: str) -> None:
    store = TaskStore(fresh_directory(), read_only=True)
    with pytest.raises(InvalidValueError) as caught:
        store.search(TaskFilter(), limit=3, cursor=cursor)
    assert caught.value.field == "cursor"


def test_an_altered_cursor_is_refused_or_harmless(seven: TaskStore) -> None:
    cursor = seven.search(TaskFilter(), limit=3).next_cursor
    refused = 0
    for place in range(len(cursor)):
        for letter in "A_9=é\0 ":
            changed = cursor[:place] + letter + cursor[place + 1 :]
            try:
                assert seven.search(TaskFilter(), limit=3, cursor=changed).total == 7
            except InvalidValueError:
                refused += 1
    assert refused > len(cursor)


def test_any_task_that_is_not_finished_is_active(store: TaskStore) -> None:
    for status in [*(status.value for status in TaskStatus), "QUEUED", "SUCCESS", ""]:
        insert(store.cache_dir, status or "empty", status=status)
    assert found(store, status="finished") == {"success", "failed", "cancelled"}
    assert found(store, status="active") == {"pending", "running", "QUEUED", "SUCCESS", "empty"}
    assert found(store, status="QUEUED") == {"QUEUED"}
    assert found(store, status=TaskStatus.RUNNING) == {"running"}
    assert found(store, status="unknown") == set()


def test_a_platform_matches_all_its_backends(store: TaskStore) -> None:
    for label in (
        "originq",
        "originq:WK_C180",
        "originq:full:amplitude",
        "originqx",
        "dummy:originq",
    ):
        insert(store.cache_dir, label, backend=label)
    assert found(store, backend="originq") == {
        "originq",
        "originq:WK_C180",
        "originq:full:amplitude",
    }
    assert found(store, backend="originq:WK_C180") == {"originq:WK_C180"}
    assert found(store, backend="originq:") == set()
    assert found(store, backend="ORIGINQ") == found(store, backend="originq")


def test_a_name_is_found_by_any_part_in_any_case(store: TaskStore) -> None:
    for name in ("Bell-Pair", "GROẞ", "ÉTAT", "100%", "tab\there"):
        store.save(TaskInfo(name, "dummy", metadata={"task_name": name}))
    store.save(TaskInfo("unnamed", "dummy", metadata={"note": "bell"}))
    assert found(store, name_contains="bell-p") == {"Bell-Pair"}
    assert found(store, name_contains="gross") == {"GROẞ"}
    assert found(store, name_contains="état") == {"ÉTAT"}
    assert found(store, name_contains="%") == {"100%"}
    assert found(store, name_contains="\t") == {"tab\there"}


@pytest.mark.parametrize(
    "metadata_json",
    [
        '{"task_name": "A/贝尔态 ÉTAT"}',
        json.dumps({"task_name": "A/贝尔态 ÉTAT"}),
        '{"task_name": "\\u0041\\/\\u8D1D尔态 ét\\u0061t"}',
        '{"note": "%",\n "task_name" :"a/贝尔态 état"}',
    ],
)
@pytest.mark.parametrize("part", ["贝尔", "état", "ÉT", "a/", "TAT", "/贝尔态 É"])
def test_a_name_is_found_however_its_json_is_written(
    store: TaskStore, metadata_json: str, part: str
) -> None:
    insert(store.cache_dir, "a", metadata_json=metadata_json)
    insert(store.cache_dir, "b", metadata_json='{"task_name": "贝", "note": "A/贝尔态 ÉTAT"}')
    assert found(store, name_contains=part) == {"a"}


@pytest.mark.parametrize(
    ("written", "part"),
    [
        (r"a\/b", "a/b"),
        ("a/b", "A/B"),
        (r"a\\b", "A\\b"),
        (r"a\"b", 'a"'),
        (r"a\nb", "a\nb"),
        (r"\u0061b", "Ab"),
        ("Jo\u017f\u00e9's \ufb03x", "JOSÉ'S ffi"),
        ("a_b%c!d", "A_B%C!D"),
        ("x" * 1_500, "X" * 1_200),
        ("x" * 60_000, "x" * 60_000),
    ],
    ids=lambda text: text[:9],
)
def test_characters_that_json_or_sql_escape_are_found_in_a_name(
    store: TaskStore, written: str, part: str
) -> None:
    insert(store.cache_dir, "a", metadata_json=f'{{"task_name": "{written}"}}')
    insert(store.cache_dir, "b", metadata_json='{"task_name": "aXbYcZd"}')
    assert found(store, name_contains=part) == {"a"}


def test_a_key_with_escaped_characters_is_a_key(store: TaskStore) -> None:
    insert(store.cache_dir, "a", metadata_json=r'{"t\u0061sk_name": "Bell"}')
    insert(store.cache_dir, "b", metadata_json='{"note": "Bell"}')
    assert found(store, name_contains="bell") == {"a"}


def test_a_name_is_found_beside_bytes_that_are_not_utf8(store: TaskStore) -> None:
    insert(store.cache_dir, "a", metadata_json=NotUtf8('{"task_name": "贝'.encode() + b'\x80 x"}'))
    assert found(store, name_contains="贝") == found(store, name_contains="X") == {"a"}


def test_the_letters_that_other_characters_fold_to_are_known() -> None:
    others = (chr(code) for code in range(0x80, sys.maxunicode + 1))
    folded = {each: each.casefold() for each in others}
    assert set(filter(str.isascii, "".join(folded.values()))) == set(ALSO_FOLDED)
    for character, letters in folded.items():
        assert letters == character or not any(map(is_without_case, character + letters))


@with_files
@given(
    name=st.text(alphabet='bs\u017fß\u1e9eKk\u212a\ufb03\u0130\u0149o%_!"\\/\té贝\x7f', min_size=1),
    bounds=st.tuples(st.integers(0, 12), st.integers(1, 12)),
    ascii_only=st.booleans(),
)
def test_every_part_of_a_folded_name_is_found(
    fresh_directory: Callable[[], Path],
    name: str,
    bounds: tuple[int, int],
    ascii_only: bool,  # noqa: FBT001 -- hypothesis passes it by name
) -> None:
    start, length = bounds
    part = name.casefold()[start : start + length]
    store = TaskStore(fresh_directory())
    written = json.dumps({"note": 1, "task_name": name}, ensure_ascii=ascii_only)
    insert(store.cache_dir, "a", metadata_json=written)
    for each in {part, part.upper()}:
        expected = {"a"} if each.casefold() in name.casefold() else set[str]()
        assert found(store, name_contains=each) == expected


@pytest.mark.usefixtures("in_china")
def test_times_are_compared_as_moments_not_as_text(store: TaskStore) -> None:
    for name, time in {
        "utc": "2026-08-01T23:00:00+00:00",
        "zulu": "2026-08-01T23:00:00Z",
        "ahead": "2026-08-02T13:00:00+14:00",
        "behind": "2026-08-01T11:00:00-12:00",
        "local": "2026-08-02T07:00:00",
        "local with a space": "2026-08-02 07:00:00",
    }.items():
        insert(store.cache_dir, name, submit_time=time)
    moment = datetime(2026, 8, 1, 23, tzinfo=UTC)
    everything = found(store)
    assert found(store, submitted_after=moment) == everything
    assert found(store, submitted_before=moment) == set()
    later = moment + timedelta(microseconds=1)
    assert found(store, submitted_after=later) == set()
    assert found(store, submitted_before=later) == everything
    assert found(store, submitted_after=moment, submitted_before=later) == everything


@pytest.mark.parametrize(
    ("zone", "summer", "winter"),
    [
        ("UTC0", 0, 0),
        ("CST-8", 8, 8),
        ("HST10", -10, -10),
        ("<+14>-14", 14, 14),
        ("EST5EDT,M3.2.0,M11.1.0", -4, -5),
        ("NZST-12NZDT,M9.5.0,M4.1.0/3", 12, 13),
    ],
)
def test_a_time_without_a_zone_is_in_the_local_time_zone(
    store: TaskStore, zone: str, summer: int, winter: int
) -> None:
    for task_id, local in (("summer", "2026-07-15 20:30:00"), ("winter", "2026-01-15T03:30:00")):
        insert(store.cache_dir, task_id, submit_time=local, update_time=local)
    moments = {
        "summer": datetime(2026, 7, 15, 20, 30, tzinfo=timezone(timedelta(hours=summer))),
        "winter": datetime(2026, 1, 15, 3, 30, tzinfo=timezone(timedelta(hours=winter))),
    }
    with local_time_zone(zone):
        for task_id, moment in moments.items():
            later = moment + timedelta(microseconds=1)
            assert found(store, submitted_after=moment, submitted_before=later) == {task_id}
            assert task_id not in found(store, submitted_after=later)
            assert task_id not in found(store, submitted_before=moment)
            assert touched_before(store, later) - touched_before(store, moment) == 1
        assert store.read(lambda snapshot: snapshot.undated()) == 0


def touched_before(store: TaskStore, moment: datetime) -> int:
    where = where_touched_before(moment, name="age")
    return store.read(lambda snapshot: snapshot.count_where(where))


def test_only_readable_times_count_as_touched_before_a_moment(store: TaskStore) -> None:
    for task_id, time in {
        "utc": "2026-08-01T23:00:00+00:00",
        "ahead": "2026-08-02T13:00:00+14:00",
        "behind": "2026-08-01T11:00:00-12:00",
        "later": "2026-08-01T23:00:00.000001Z",
        "much later": "2027-08-01",
        "nothing": "",
        "no time": "1 hour ago",
        "no text": b"2026-08-01",
        "not UTF-8": NotUtf8(b"2026-08-01\xff"),
    }.items():
        insert(store.cache_dir, task_id, update_time=time)
    moment = datetime(2026, 8, 1, 23, tzinfo=UTC)
    assert touched_before(store, moment) == 0
    assert touched_before(store, moment + timedelta(microseconds=1)) == 3
    assert touched_before(store, moment + timedelta(microseconds=2)) == 4


def test_the_first_and_last_days_of_the_calendar_can_be_filters(store: TaskStore) -> None:
    insert(store.cache_dir, "first", submit_time="0001-01-01T00:00:00Z")
    insert(store.cache_dir, "last", submit_time="9999-12-31T23:00:00Z")
    for moment in ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+00:00"):
        first = datetime.fromisoformat(moment)
        assert found(store, submitted_after=first) == {"first", "last"}
        assert found(store, submitted_before=first) == set()
    for moment in ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59+00:00"):
        last = datetime.fromisoformat(moment)
        assert found(store, submitted_after=last) == set()
        assert found(store, submitted_before=last) == {"first", "last"}


@pytest.mark.parametrize("name", ["submitted_after", "submitted_before"])
def test_a_time_bound_needs_a_zone(name: str) -> None:
    arguments: Any = {name: START.replace(tzinfo=None)}
    with pytest.raises(InvalidValueError) as caught:
        TaskFilter(**arguments)
    assert caught.value.field == name


@pytest.mark.parametrize("name", ["status", "backend", "name_contains"])
@pytest.mark.parametrize("value", [None, 5, b"x", "\ud800"])
def test_a_filter_value_that_is_not_text_is_refused(name: str, value: object) -> None:
    arguments: Any = {name: value}
    with pytest.raises(InvalidValueError) as caught:
        TaskFilter(**arguments)
    assert caught.value.field == name


def test_a_tally_can_group_by_one_or_both_labels(seven: TaskStore) -> None:
    insert(seven.cache_dir, "z", status="failed", backend="dummy")
    assert seven.tally(TaskFilter(), by=("backend",)) == (
        Group(backend="originq:WK_C180", count=7),
        Group(backend="dummy", count=1),
    )
    assert seven.tally(TaskFilter(), by=("backend", "status")) == (
        Group(status="running", backend="originq:WK_C180", count=7),
        Group(status="failed", backend="dummy", count=1),
    )


@pytest.fixture
def untyped(tmp_path: Path) -> TaskStore:
    """Return a store with untyped columns, where labels are missing, numbers or BLOBs."""
    execute(
        tmp_path,
        "CREATE TABLE tasks (task_id, backend, status, shots, submit_time, update_time, "
        "result_json, metadata_json)",
        *(f"CREATE INDEX tasks_{one}_idx ON tasks({one})" for one in ("status", "backend")),
        "CREATE INDEX tasks_submit_time_idx ON tasks(submit_time)",
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 1",
    )
    rows: list[tuple[str, object, object, object]] = [
        ("no status", None, "dummy", "2026-08-01"),
        ("no backend", "success", None, "2026-08-02"),
        ("nothing", None, None, "2026-08-03"),
        ("numbers", 5, 7.5, "2026-08-04"),
        ("BLOBs", b"success", b"dummy", "2026-08-05"),
        ("late", "success", "dummy:local", "2026-08-06"),
        ("later", "running", "dummy", "2026-08-07"),
    ]
    for task_id, status, backend, time in rows:
        insert(tmp_path, task_id, status=status, backend=backend, submit_time=time)
    return TaskStore(tmp_path, read_only=True)


@pytest.fixture(params=[(1, 1), (1, 50), (2, 50), (3, 1), (99, 1), (99, 50)], ids=repr)
def count_bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set how many tasks are few, and how many statuses are counted one by one."""
    few, most_statuses = request.param
    monkeypatch.setattr(planner, "FEW_TASKS", few)
    monkeypatch.setattr(counts, "MAX_STATUSES", most_statuses)


@pytest.mark.usefixtures("count_bounds")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (TaskFilter(status="active"), ["later", "BLOBs", "numbers"]),
        (TaskFilter(status="finished"), ["late", "no backend"]),
        (TaskFilter(status="success"), ["late", "no backend"]),
        (TaskFilter(backend="dummy"), ["later", "late", "no status"]),
        (TaskFilter(status="active", backend="dummy"), ["later"]),
        (TaskFilter(status="success", backend="dummy"), ["late"]),
        (TaskFilter(status="5"), []),
        (TaskFilter(backend="7.5"), []),
    ],
    ids=repr,
)
def test_labels_that_are_missing_or_not_text_match_as_in_sqlite(
    untyped: TaskStore, wanted: TaskFilter, expected: list[str]
) -> None:
    page = untyped.search(wanted, limit=9)
    assert [record.task_id for record in page.records] == expected
    assert untyped.read(partial(Snapshot.count, task_filter=wanted)) == len(expected)
    assert sum(group.count for group in untyped.tally(wanted)) == len(expected)
    assert sum(group.count for group in untyped.tally(wanted, by=("status",))) == len(expected)


@pytest.mark.usefixtures("count_bounds")
def test_tasks_without_a_label_are_counted_under_an_empty_one(untyped: TaskStore) -> None:
    by_status = {group.status: group.count for group in untyped.tally(TaskFilter(), by=("status",))}
    assert by_status == {"": 2, "5": 1, "success": 3, "running": 1}
    by_backend = {
        group.backend: group.count for group in untyped.tally(TaskFilter(), by=("backend",))
    }
    assert by_backend == {"": 2, "7.5": 1, "dummy": 3, "dummy:local": 1}
    assert sum(group.count for group in untyped.tally(TaskFilter())) == 7
    assert untyped.read(partial(Snapshot.count, task_filter=TaskFilter())) == 7


def test_groups_of_equal_size_are_sorted_by_name(store: TaskStore) -> None:
    for name in "cab":
        insert(store.cache_dir, name, backend=name)
    assert [group.backend for group in store.tally(TaskFilter())] == ["a", "b", "c"]


def test_backends_are_listed_in_order(store: TaskStore) -> None:
    for number, label in enumerate(["originq", "dummy", "originq", "ibm:fez"]):
        insert(store.cache_dir, str(number), backend=label)
    assert store.read(lambda snapshot: snapshot.backends()) == ("dummy", "ibm:fez", "originq")


def test_matching_tasks_whose_submit_time_is_not_a_date_are_counted(
    store: TaskStore,
) -> None:
    for number, time in enumerate(["", "/", ":", "soon", b"2026-08-01", "2026-08-01", "0", "9th"]):
        insert(store.cache_dir, f"{number}", submit_time=time)
    insert(store.cache_dir, "failed", submit_time="soon", status="failed", backend="dummy")
    insert(store.cache_dir, "named", submit_time="soon", metadata_json='{"task_name": "bell"}')

    def numbers(**wanted: Any) -> tuple[int, int]:
        task_filter = TaskFilter(**wanted)
        return store.read(
            lambda snapshot: (snapshot.without_date(task_filter), snapshot.undated(task_filter))
        )

    assert numbers() == (7, 9)
    assert numbers(submitted_after=START) == (7, 9)
    assert numbers(status="failed") == (1, 1)
    assert numbers(status="active") == (6, 8)
    assert numbers(backend="dummy") == (1, 1)
    assert numbers(status="failed", backend="originq") == (0, 0)
    assert numbers(name_contains="BELL") == (1, 1)


def test_copies_left_by_concurrent_upgrades_are_counted(store: TaskStore) -> None:
    legacy = [*"aabbbc", "c ", None, 5]
    for number, platform_id in enumerate(legacy):
        metadata_json = json.dumps({"legacy_platform_id": platform_id})
        insert(store.cache_dir, f"uqt_{number}", metadata_json=metadata_json)
    insert(store.cache_dir, "none", metadata_json='{"note": "legacy_platform_id"}')
    insert(store.cache_dir, "none either", metadata_json="{}")
    assert store.read(lambda snapshot: snapshot.doubled()) == 3


def test_the_newest_ids_come_newest_first(seven: TaskStore) -> None:
    insert(seven.cache_dir, "older", submit_time="2025-01-01")
    assert seven.read(lambda snapshot: snapshot.newest_ids(2)) == ("g", "f")
    assert seven.read(lambda snapshot: snapshot.newest_ids(50))[-1] == "older"


@pytest.mark.parametrize(
    ("task_id", "neighbours"),
    [("d", "cbde"), ("cc", "cbde"), ("", "ab"), ("zz", "gf"), ("\0", "ab"), ("a", "ab")],
)
def test_the_neighbours_of_an_id_are_on_either_side(
    seven: TaskStore, task_id: str, neighbours: str
) -> None:
    ids = seven.read(lambda snapshot: snapshot.neighbouring_ids(task_id, 2))
    assert "".join(ids) == neighbours


@pytest.mark.parametrize("task_id", [5, "\ud800"])
def test_neighbours_of_an_invalid_id_are_refused(seven: TaskStore, task_id: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        seven.read(lambda snapshot: snapshot.neighbouring_ids(task_id, 2))
    assert caught.value.field == "task_id"


@pytest.mark.parametrize("metadata", [5, 1.5, b"{}", None])
def test_a_page_shows_a_task_whose_metadata_is_not_text(tmp_path: Path, metadata: object) -> None:
    """The columns of a file made by hand may have no types."""
    with closing(sqlite3.connect(tmp_path / DB_FILENAME)) as connection, connection:
        connection.executescript(
            "CREATE TABLE tasks (task_id, backend, status, shots, submit_time, update_time,"
            " result_json, metadata_json);"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;"
        )
        connection.execute(
            "INSERT INTO tasks VALUES ('a', 'dummy', 'success', 1, '2026', '2026', NULL, ?)",
            [metadata],
        )
    page = TaskStore(tmp_path, read_only=True).search(TaskFilter(), limit=5)
    assert [task.task_id for task in page.records] == ["a"]
    assert page.records[0].name == ""


@pytest.mark.parametrize("limit", [3, 50])
def test_the_total_of_a_label_and_a_name_is_not_that_of_the_label_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    # With more tasks than this, the page walks the index on the submit time.
    monkeypatch.setattr(sort_scan, "MAX_SORTED", 5)
    make_store(tmp_path)
    named = json.dumps({"task_name": "vqe"})
    fill(tmp_path, *map(str, range(100)))
    for number in range(20):
        fill(tmp_path, f"a{number}", status="failed", metadata_json=named)
        fill(tmp_path, f"b{number}", status="failed")
    store = TaskStore(tmp_path, read_only=True)
    page = store.search(TaskFilter(status="failed", name_contains="vqe"), limit=limit)
    assert page.total <= 20
    assert page.total == 20 or not page.exact
