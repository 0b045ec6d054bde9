"""The request for one page of tasks, and the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from uniqc_store import rows
from uniqc_store.cursors import Cursor
from uniqc_store.query import planner

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.query.conditions import FilterSql
    from uniqc_store.tasks import TaskRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the tasks that match a filter, in order.

    Attributes:
        records: The tasks, as many as the limit at most.
        total: Number of matching tasks, those of other pages included.
        exact: False where there may be more than ``total``, as many tasks are not counted.
        next_cursor: The cursor of the next page; empty on the last one.
        cut_short: Whether the page ends before it is full. A search for a name or an update time
            looks at some of the tasks where all take too long, and the next page continues there.
        recent_only: Whether the order by update time leaves out old finished tasks of a large
            file. They come on the pages after the recent ones.
        read_all: Whether every task of a large file was read for it.
    """

    records: tuple[TaskRecord, ...] = ()
    total: int
    exact: bool = True
    next_cursor: str
    cut_short: bool = False
    recent_only: bool = False
    read_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A request for one page.

    Attributes:
        session: The connection to read by.
        sql: The SQL of the filter, with the order of the page.
        limit: The most tasks that the page may have.
        start: The page has tasks after this one only; None for the first page.
    """

    session: Session
    sql: FilterSql
    limit: int
    start: Cursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRows:
    """A page as rows, which can be cached: a record is mutable, so each caller gets new ones."""

    rows: Sequence[sqlite3.Row]
    page: Page

    @property
    def size(self) -> int:
        """The size of the metadata in characters, which is nearly all of the page."""
        return sum(rows.stored_size(row["metadata_json"]) for row in self.rows)

    def with_records(self) -> Page:
        """Return the page with a new record for each row."""
        return replace(self.page, records=tuple(rows.task_record(row) for row in self.rows))


def page_of(
    request: PageRequest,
    found: Sequence[sqlite3.Row],
    *,
    total: int | None = None,
    cut_short_at: Cursor | None = None,
) -> PageRows:
    """Return the page that the found rows make.

    Args:
        request: The request.
        found: The page's rows in order, and one more if there is a next page.
        total: Number of matching tasks, if known.
        cut_short_at: The last task that was looked at, if the search ended before the page was
            full.
    """
    shown, more = found[: request.limit], len(found) > request.limit
    seen = (request.start.seen if request.start else 0) + len(shown)
    end = cursor_at(shown[-1]) if more else cut_short_at
    exact = total is not None or end is None
    task_filter = request.sql.task_filter
    if total is None:
        # No index found fewer tasks than this, so at least so many match.
        least = planner.FEW_TASKS if task_filter.is_simple and end else 0
        total = max(seen + more, least)
    page = Page(
        total=total,
        exact=exact,
        next_cursor=replace(end, seen=seen).encode(task_filter, request.sql.order) if end else "",
        cut_short=end is not None and len(shown) < request.limit,
    )
    return PageRows(rows=shown, page=page)


def place(row: sqlite3.Row) -> tuple[bool, bytes, int]:
    """Return the sort key of a row, in SQLite's order: a BLOB comes after every text."""
    return not row["cursor_is_text"], row["cursor_time"], row["cursor_rowid"]


def cursor_at(row: sqlite3.Row) -> Cursor:
    """Return a cursor to a row. Its ``seen`` is 0 until :func:`page_of` sets it."""
    return Cursor(
        time=row["cursor_time"],
        is_text=bool(row["cursor_is_text"]),
        rowid=row["cursor_rowid"],
        seen=0,
    )
