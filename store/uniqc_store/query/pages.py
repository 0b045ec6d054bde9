"""One page of tasks: what is asked, and what is made of the rows that were found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from uniqc_store import rows
from uniqc_store.filters import Cursor
from uniqc_store.query import planner

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.filters import TaskFilter
    from uniqc_store.tasks import TaskRecord


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
class PageRequest:
    """Which page of what.

    Attributes:
        limit: How many tasks at most.
        start: The page begins after it; None for the first one.
    """

    session: Session
    task_filter: TaskFilter
    limit: int
    start: Cursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRows:
    """A page in the rows that were found: what is made of them may be changed by who gets it."""

    rows: Sequence[sqlite3.Row]
    page: Page

    @property
    def size(self) -> int:
        """Bytes, nearly all of which are metadata."""
        return sum(len(row["metadata_json"] or "") for row in self.rows)

    def with_records(self) -> Page:
        """The page itself."""
        return replace(self.page, records=tuple(rows.task_record(row) for row in self.rows))


def page_of(
    request: PageRequest,
    found: Sequence[sqlite3.Row],
    *,
    total: int | None = None,
    cut_short_at: Cursor | None = None,
) -> PageRows:
    """A page of its tasks in order, and one more if there is one.

    Args:
        asked: Which page it is.
        found: The rows.
        total: How many tasks there are in all, if that is known.
        cut_short_at: Where the search ended, if it ended before all were found.
    """
    shown, more = found[: request.limit], len(found) > request.limit
    seen = (request.start.seen if request.start else 0) + len(shown)
    end = cursor_at(shown[-1]) if more else cut_short_at
    exact = total is not None or end is None
    if total is None:
        least = planner.FEW_TASKS if request.task_filter.is_simple and end else 0
        total = max(seen + more, least)
    page = Page(
        total=total,
        exact=exact,
        next_cursor=replace(end, seen=seen).encode(request.task_filter) if end else "",
        cut_short=end is not None and len(shown) < request.limit,
    )
    return PageRows(rows=shown, page=page)


def place(row: sqlite3.Row) -> tuple[bool, bytes, int]:
    """What pages are sorted by, as SQLite does: a BLOB comes after every text."""
    return not row["cursor_is_text"], row["cursor_time"], row["cursor_rowid"]


def cursor_at(row: sqlite3.Row) -> Cursor:
    """The place of a task; how many were seen up to there is for the page to say."""
    return Cursor(
        time=row["cursor_time"],
        is_text=bool(row["cursor_is_text"]),
        rowid=row["cursor_rowid"],
        seen=0,
    )
