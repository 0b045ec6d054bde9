"""A page by update time, on which uniqc's files have no index.

Of a file with few tasks, or few that match, all are sorted. A large file is read in two parts. The
first pages have the active tasks and those that were submitted last, which are nearly all of those
that uniqc touches. The pages after these have the rest, and each of them reads every task.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self, TypeAlias

from uniqc_store.cursors import Part, TouchCursor
from uniqc_store.query import planner, statements, time_conditions
from uniqc_store.query.pages import Page, PageRows
from uniqc_store.query.where import Where, all_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.query.conditions import FilterSql

MAX_RECENT = 3_000
"""Tasks submitted last that are among the recent ones. Looking them up takes about 8 ms."""

MAX_ACTIVE = 3_000
"""Active tasks that are among the recent ones, unless there are more: about 12 ms."""

_NO_LIMIT = -1

_Place: TypeAlias = tuple[int, int]
"""The update time of a row as a number, and its rowid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A request for one page by update time.

    Attributes:
        session: The connection to read by.
        sql: The SQL of the filter.
        limit: The most tasks that the page may have.
        start: The page has tasks after this one only; it says of which part.
        choice: The index that finds few tasks; None if each finds many.
    """

    session: Session
    sql: FilterSql
    limit: int
    start: TouchCursor
    choice: planner.IndexChoice | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Touched:
    """Rows and their update times, newest touch first, in 16 bytes each."""

    moments: array[int]
    rows: array[int]

    @classmethod
    def of(cls, found: Sequence[sqlite3.Row]) -> Self:
        return cls(
            moments=array("q", (row["moment"] for row in found)),
            rows=array("q", (row["row_number"] for row in found)),
        )

    def after(self, cursor: TouchCursor, most: int) -> list[_Place]:
        """Return the places after a cursor, at most so many."""
        place = cursor.moment, cursor.rowid
        first = bisect_left(
            range(len(self.rows)), 1, key=lambda n: int((self.moments[n], self.rows[n]) < place)
        )
        end = first + most
        return list(zip(self.moments[first:end], self.rows[first:end], strict=True))


def touched_page(
    session: Session, sql: FilterSql, *, limit: int, start: TouchCursor | None
) -> PageRows:
    """Return the tasks that come after a cursor, or those touched last without one."""
    choice = planner.choose_index(session, sql)
    if start is None:
        part = _recent_part(session, sql) if choice is None else None
        start = TouchCursor(seen=0, part=part)
    request = _Request(session=session, sql=sql, limit=limit, start=start, choice=choice)
    part = start.part
    if (part is None and choice is None) or (part is not None and part.rest):
        return _page_of_rest(request)
    return _page_of_sorted(request)


def _recent_part(session: Session, sql: FilterSql) -> Part | None:
    """Return the recent part of a large file; None if it is not so large after all."""
    where = sql.time_range()
    order_by = time_conditions.order_by("time")
    statement = statements.place_after(where, order_by=order_by)
    edges = session.rows(statement, {**where.parameters, "skipped": MAX_RECENT - 1})
    if not edges:
        return None
    active = sql.active()
    number = planner.count_at_most(session, active, MAX_ACTIVE + 1)
    return Part(
        edge=edges[0]["cursor_time"],
        is_text=bool(edges[0]["cursor_is_text"]),
        with_active=number <= MAX_ACTIVE,
    )


def _page_of_sorted(request: _Request) -> PageRows:
    """Return a page out of few tasks, which are all sorted, once for each state of the file."""
    start = request.start
    every = request.session.cache.get_or_compute(
        ("touched", request.sql.task_filter, start.part),
        lambda: _Touched.of(_touched(request, _where(request), _NO_LIMIT)),
    )
    shown = every.after(start, request.limit + 1)
    page = _page(request, shown)
    if start.part is None:
        return replace(page, page=replace(page.page, total=len(every.rows), exact=True))
    if len(shown) > request.limit:
        return _of_recent(page, total=len(every.rows), cursor=page.page.next_cursor)
    seen = start.seen + len(shown)
    rest = TouchCursor(seen=seen, part=start.part.other).encode(request.sql.task_filter)
    return _of_recent(page, total=seen, cursor=rest)


def _of_recent(page: PageRows, *, total: int, cursor: str) -> PageRows:
    return replace(
        page,
        page=replace(page.page, total=total, exact=False, recent_only=True, next_cursor=cursor),
    )


def _page_of_rest(request: _Request) -> PageRows:
    """Return a page out of many tasks, each of which is read."""
    start = request.start
    where = _where(request)
    if not start.is_first:
        where.add(
            f"({time_conditions.TOUCHED}, rowid) < (:moment, :start_rowid)",
            moment=start.moment,
            start_rowid=start.rowid,
        )
    found = [(moment, row) for moment, row in _touched(request, where, request.limit + 1)]
    page = _page(request, found)
    return replace(page, page=replace(page.page, read_all=True))


def _where(request: _Request) -> Where:
    if request.choice is not None:
        where = all_of(request.choice.where, request.sql.where(index="rowid"))
    else:
        where = request.sql.where(index="rowid")
    part = request.start.part
    return where if part is None else all_of(where, request.sql.part(part))


def _touched(request: _Request, where: Where, limit: int) -> list[sqlite3.Row]:
    statement = statements.touched_rows(where, touched=time_conditions.TOUCHED)
    return request.session.rows(statement, {**where.parameters, "limit": limit})


def _page(request: _Request, found: Sequence[_Place]) -> PageRows:
    """Return the page of the found places, of which one more than the limit shows a next page."""
    places, more = found[: request.limit], len(found) > request.limit
    seen = request.start.seen + len(places)
    cursor = ""
    if more:
        moment, row = places[-1]
        last = TouchCursor(moment=moment, rowid=row, seen=seen, part=request.start.part)
        cursor = last.encode(request.sql.task_filter)
    page = Page(total=seen + more, exact=not more, next_cursor=cursor)
    return PageRows(rows=_looked_up(request, [row for _, row in places]), page=page)


def _looked_up(request: _Request, rows: list[int]) -> list[sqlite3.Row]:
    layout = request.session.layout
    statement = statements.page_of_rows(layout, statements.LISTED_ROWS, Where())
    found = request.session.rows(statement, {"rows": str(rows), "limit": _NO_LIMIT})
    by_row = {row["cursor_rowid"]: row for row in found}
    return [by_row[row] for row in rows]
