"""Pages and counts that take in uniqc's archive, which has no index but that of its ids.

Each of them reads every task that no index rules out. Rows are told apart by their place: twice the
rowid, and one more for a row of the archive.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from uniqc_store.cursors import Cursor, TouchCursor
from uniqc_store.query import counts, statements, time_conditions
from uniqc_store.query.conditions import filter_sql
from uniqc_store.query.pages import Page, PageRows
from uniqc_store.query.where import Where

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Archived, Column, Order, TaskFilter
    from uniqc_store.query.counts import Counts
    from uniqc_store.query.statements import TaskTable

Start: TypeAlias = "Cursor | TouchCursor | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRequest:
    """A request for one page with tasks of the archive.

    Attributes:
        session: The connection to read by.
        task_filter: The filter.
        archived: ``include`` or ``only``.
        order: The order of the page.
        limit: The most tasks that the page may have.
        start: The page has tasks after this one only; None for the first page.
    """

    session: Session
    task_filter: TaskFilter
    archived: Archived
    order: Order
    limit: int
    start: Start

    @property
    def kind(self) -> str:
        """The order and the tables, which a cursor belongs to."""
        return f"{self.order} {self.archived}"


def decode(text: str, task_filter: TaskFilter, order: Order, archived: Archived) -> Start:
    """Return the cursor of a page.

    Raises:
        InvalidValueError: It is not a cursor, or it belongs to another filter or order.
    """
    kind = f"{order} {archived}"
    if order == "updated":
        return TouchCursor.decode(text, task_filter, kind)
    return Cursor.decode(text, task_filter, kind)


def page(request: ArchiveRequest) -> PageRows:
    """Return the tasks that come after a cursor, or the first without one."""
    found = _places(request)
    shown, more = found[: request.limit], len(found) > request.limit
    seen = (request.start.seen if request.start else 0) + len(shown)
    total = counted(request.session, request.task_filter, request.archived, ()).total()
    page = Page(
        total=total,
        exact=True,
        next_cursor=_cursor_at(request, shown[-1], seen) if more else "",
    )
    return PageRows(rows=_looked_up(request, [row["place"] for row in shown]), page=page)


def counted(
    session: Session, task_filter: TaskFilter, archived: Archived, by: Sequence[Column]
) -> Counts:
    """Return the number of matching tasks by some columns, those of the archive included."""
    both: Counts = Counter()
    if archived != "only":
        both += counts.tally(session, task_filter, by)
    if archived != "exclude" and session.layout.has("archived_tasks"):
        where = filter_sql(session, task_filter, table="archived_tasks").where(index="rowid")
        statement = statements.tally(by, where, table="archived_tasks")
        for *labels, number in session.rows(statement, where.parameters):
            both[tuple(labels)] += number
    return both


def _tables(request: ArchiveRequest) -> Iterator[TaskTable]:
    if request.archived == "include":
        yield "tasks"
    if request.session.layout.has("archived_tasks"):
        yield "archived_tasks"


def _places(request: ArchiveRequest) -> list[sqlite3.Row]:
    """Return the places of the page in order, and one more if there is a next page."""
    touched = request.order == "updated"
    selects: list[str] = []
    after = _after(request)
    parameters = {**after.parameters, "limit": request.limit + 1}
    for table in _tables(request):
        where = filter_sql(request.session, request.task_filter, table=table).where(index="rowid")
        parameters |= where.parameters
        key = time_conditions.TOUCHED if touched else "submit_time"
        selects.append(statements.places(where, table=table, key=key))
    if not selects:
        return []
    direction = "ASC" if request.order == "oldest" else "DESC"
    statement = statements.first_places(selects, after, direction=direction)
    return request.session.rows(statement, parameters)


def _after(request: ArchiveRequest) -> Where:
    where, start = Where(), request.start
    sign = ">" if request.order == "oldest" else "<"
    match start:
        case TouchCursor():
            where.add("(key, place) < (:key, :place)", key=start.moment, place=start.rowid)
        case Cursor():
            key = "CAST(:key AS TEXT)" if start.is_text else ":key"
            where.add(f"(key, place) {sign} ({key}, :place)", key=start.time, place=start.rowid)
        case None:
            pass
    return where


def _cursor_at(request: ArchiveRequest, row: sqlite3.Row, seen: int) -> str:
    place = row["place"]
    if request.order == "updated":
        touch = TouchCursor(moment=row["key"], rowid=place, seen=seen, part=None)
        return touch.encode(request.task_filter, request.kind)
    is_text = bool(row["key_is_text"])
    cursor = Cursor(time=row["key_bytes"], is_text=is_text, rowid=place, seen=seen)
    return cursor.encode(request.task_filter, request.kind)


def _looked_up(request: ArchiveRequest, places: list[int]) -> list[sqlite3.Row]:
    layout = request.session.layout
    by_place: dict[int, sqlite3.Row] = {}
    for table in _tables(request):
        archived = int(table == "archived_tasks")
        rowids = [place // 2 for place in places if place % 2 == archived]
        statement = statements.listed_tasks(layout, table)
        for row in request.session.rows(statement, {"rows": str(rowids)}):
            by_place[2 * row["cursor_rowid"] + archived] = row
    return [by_place[place] for place in places]
