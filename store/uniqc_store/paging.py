"""One page of the tasks that a filter lets through, in a time that does not grow with the store.

Where an index leaves few tasks, all of them are looked up and sorted. Otherwise the index on the
submit time is walked, newest first, until the page is full, which is soon: a label that many
tasks have is met often. Where it is not met so often, having gone out of use, its own index
finds its tasks after all; a name has no index, and there the page ends before it is full.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from uniqc_store import conditions, probing, queries, rows
from uniqc_store.filters import Cursor

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from uniqc_store.conditions import Index
    from uniqc_store.connection import Session
    from uniqc_store.filters import TaskFilter
    from uniqc_store.probing import Narrowing
    from uniqc_store.tasks import TaskRecord

FIRST_STEPS = 20
"""Tasks that are met for each of a page, before anything else is tried."""

MOST_WALKED = 20_000
"""Tasks that are met before a label's own index is taken; they take less than 20 ms."""

MOST_SEARCHED = 20_000
"""Tasks whose name is looked at for one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the tasks that a filter lets through, newest first.

    Attributes:
        records: At most as many as were asked for.
        total: How many there are in all.
        exact: Whether there may not be more than that: many are not counted for a page.
        next_cursor: Where the next page begins; empty on the last one.
        cut_short: Whether the page ends before it is full, because so many tasks were searched
            for a name; the next one goes on from there.
    """

    records: tuple[TaskRecord, ...] = ()
    total: int
    exact: bool = True
    next_cursor: str
    cut_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A page in the rows that were found: what is made of them may be changed by who gets it."""

    rows: list[sqlite3.Row]
    page: Page

    @property
    def size(self) -> int:
        return sum(len(row["metadata_json"] or "") for row in self.rows)

    def with_records(self) -> Page:
        return replace(self.page, records=tuple(rows.task_record(row) for row in self.rows))


def page(session: Session, task_filter: TaskFilter, *, limit: int, start: Cursor | None) -> Page:
    """The tasks after a cursor, or the newest."""
    found = session.facts.recall(
        ("page", task_filter, limit, start),
        lambda: _find(session, task_filter, limit=limit, start=start),
        size=lambda found: found.size,
    )
    return found.with_records()


def _find(session: Session, task_filter: TaskFilter, *, limit: int, start: Cursor | None) -> _Found:
    narrowing = probing.narrowest(session, task_filter)
    walk = _Walk(session, task_filter, limit, start, narrowing)
    gathered = ("rows", task_filter) in session.facts
    # An index that says how many there are leaves nothing to find out but the page.
    if task_filter.is_simple and not gathered:
        steps = _steps_worth_it(session, narrowing, limit)
        if newest := walk.steps(max(steps, FIRST_STEPS * limit)):
            return newest
    if narrowing is not None:
        return _gathered(session, task_filter, narrowing.index, limit=limit, start=start)
    return walk.page()


def _steps_worth_it(session: Session, narrowing: Narrowing | None, limit: int) -> int:
    """How far to walk before all tasks of a label are looked up.

    One that is looked up takes some four times as long as a step. Spread evenly, the tasks of
    the page would be met after so many steps; they need not be quite even.
    """
    if narrowing is None or not narrowing.tasks:
        return 0
    expected = limit * session.number(queries.HIGHEST_ROW) // narrowing.tasks
    return 2 * expected if expected < 4 * narrowing.tasks else 0


def _gathered(
    session: Session, task_filter: TaskFilter, index: Index, *, limit: int, start: Cursor | None
) -> _Found:
    """A page of tasks that are all found and sorted, once for each state of the file."""
    found = session.facts.recall(
        ("rows", task_filter), lambda: _rows_in_order(session, task_filter, index)
    )
    first = 0 if start is None else bisect_left(found, 1, key=_is_after(session, start))
    shown = found[first : first + limit]
    records = session.rows(queries.page_of_rows(session.layout), {"rows": str(shown.tolist())})
    more = first + limit < len(found)
    end = _cursor_at(records[-1], first + limit).encode(task_filter) if more else ""
    return _Found(rows=records, page=Page(total=len(found), next_cursor=end))


def _rows_in_order(session: Session, task_filter: TaskFilter, index: Index) -> array[int]:
    where = conditions.where_matching(task_filter, index=index)
    statement = queries.rows_in_order(where, order_by=conditions.order_by(index))
    return array("q", (row for (row,) in session.rows(statement, where.parameters)))


def _is_after(session: Session, cursor: Cursor) -> Callable[[int], int]:
    """1 for a row that comes after a cursor in the order of pages, 0 for one that doesn't."""
    where = conditions.Where()
    conditions.start_after(where, cursor, index="time")
    statement = queries.is_so(where)
    return lambda row: session.number(statement, {**where.parameters, "row": row})


class _Walk:
    """One page along the index on the submit time."""

    def __init__(
        self,
        session: Session,
        task_filter: TaskFilter,
        limit: int,
        start: Cursor | None,
        narrowing: Narrowing | None,
    ) -> None:
        self._session = session
        self._filter = task_filter
        self._limit = limit
        self._start = start
        self._total = narrowing.tasks if narrowing and task_filter.is_simple else None

    def steps(self, width: int) -> _Found | None:
        """The page, if so many steps fill it or come to the end."""
        return self._within(min(width, MOST_WALKED))[0]

    def page(self) -> _Found:
        if not self._filter.by_label and not self._filter.name_contains:
            return self._page(self._found("time"))
        if page := self.steps(FIRST_STEPS * self._limit):
            return page
        most = MOST_SEARCHED if self._filter.name_contains else MOST_WALKED
        page, found, end = self._within(most)
        if page is None and self._filter.name_contains:
            return self._page(found, cut_short_at=end)
        return page or self._page(self._found("backend" if self._filter.backend else "status"))

    def _within(self, width: int) -> tuple[_Found | None, list[sqlite3.Row], Cursor | None]:
        """The page if it is whole, what is found of it, and where the search for it ended."""
        end = self._place_after(width)
        found = self._found("time", end)
        whole = end is None or len(found) > self._limit
        return (self._page(found) if whole else None), found, end

    def _place_after(self, width: int) -> Cursor | None:
        """Where so many tasks have been met; None if there are no more than that."""
        where = conditions.where_text_in_time(self._filter)
        if self._start is not None:
            conditions.start_after(where, self._start, index="time")
        places = self._session.rows(
            queries.place_after(where), {**where.parameters, "width": width - 1}
        )
        return _cursor_at(places[0], seen=0) if places else None

    def _found(self, index: Index, end: Cursor | None = None) -> list[sqlite3.Row]:
        """The tasks of the page, and one more if there is one."""
        where = conditions.where_matching(self._filter, index=index)
        if self._start is not None:
            conditions.start_after(where, self._start, index=index)
        if end is not None:
            conditions.end_with(where, end)
        return self._session.rows(
            queries.page(self._session.layout, where, order_by=conditions.order_by(index)),
            {**where.parameters, "limit": self._limit + 1},
        )

    def _page(self, found: list[sqlite3.Row], *, cut_short_at: Cursor | None = None) -> _Found:
        shown, more = found[: self._limit], len(found) > self._limit
        seen = (self._start.seen if self._start else 0) + len(shown)
        end = _cursor_at(shown[-1], seen) if more else cut_short_at
        if self._total is not None:
            total, exact = self._total, True
        elif end is None:
            total, exact = seen, True
        else:
            least = probing.FEW_TASKS if self._filter.is_simple else 0
            total, exact = max(seen + more, least), False
        page = Page(
            total=total,
            exact=exact,
            next_cursor=replace(end, seen=seen).encode(self._filter) if end else "",
            cut_short=end is not None and len(shown) < self._limit,
        )
        return _Found(rows=shown, page=page)


def _cursor_at(row: sqlite3.Row, seen: int) -> Cursor:
    return Cursor(
        time=row["cursor_time"],
        is_text=bool(row["cursor_is_text"]),
        rowid=row["cursor_rowid"],
        seen=seen,
    )
