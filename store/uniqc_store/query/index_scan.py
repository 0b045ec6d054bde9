"""A page along the index on the submit time, newest first, until it is full.

Tasks with a common label are met often, so the walk is short. A label that has gone out of use is
met late or never, so the walk is bounded, and the label's own index is used after it. A name has no
index: there the page ends before it is full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.query import statements, time_conditions
from uniqc_store.query.pages import cursor_at, page_of
from uniqc_store.query.where import Where, all_of

if TYPE_CHECKING:
    import sqlite3

    from uniqc_store.filters import Cursor
    from uniqc_store.query.pages import PageRequest, PageRows
    from uniqc_store.query.planner import IndexChoice
    from uniqc_store.query.where import Index

FIRST_STEPS = 20
"""Tasks that are met for each task of a page in a first, short walk."""

MAX_WALKED = 20_000
"""Tasks that are met before a label's own index is used; this takes less than 20 ms."""

MAX_SEARCHED = 8_000
"""Tasks whose name is tested for one page, at 2 microseconds each."""

STEPS_PER_TASK = 8
"""Steps along the index alone that take half as long as looking up one task."""


def scan_page(request: PageRequest) -> PageRows:
    """Return the page of a filter for which every index finds many tasks."""
    task_filter = request.sql.task_filter
    by_name = bool(task_filter.name_contains)
    if not task_filter.by_label and not by_name:
        return scan_all(request)
    most = MAX_SEARCHED if by_name else MAX_WALKED
    for width in sorted({min(FIRST_STEPS * request.limit, most), most}):
        end = _place_after(request, width)
        found = _found(request, "time", end)
        if end is None or len(found) > request.limit:
            return page_of(request, found)
        if by_name and width == most:
            return page_of(request, found, cut_short_at=end)
    return page_of(request, _found(request, "backend" if task_filter.backend else "status"))


def scan_all(request: PageRequest, *, total: int | None = None) -> PageRows:
    """Return the page after a walk without a bound.

    Args:
        request: The page.
        total: Number of matching tasks, if known.
    """
    return page_of(request, _found(request, "time"), total=total)


def scan_label(request: PageRequest, choice: IndexChoice) -> PageRows | None:
    """Return the page of a label that some thousand tasks have; None if the walk does not fill it.

    The label's own index tells which rows have it, so that a task without it is passed and not
    looked up. ARCHITECTURE.md has what this saves.

    Args:
        request: The page.
        choice: The label's index.
    """
    session = request.session
    walked = request.sql.time_range(start=request.start)
    where = all_of(Where([statements.row_in(choice.where)]), request.sql.where(index="rowid"))
    statement = statements.page_of_rows(session.layout, statements.newest_rows(walked), where)
    parameters = choice.where.parameters | walked.parameters | where.parameters
    bounds = {"width": STEPS_PER_TASK * choice.tasks, "limit": request.limit + 1}
    found = session.rows(statement, parameters | bounds)
    return page_of(request, found, total=choice.total) if len(found) > request.limit else None


def _place_after(request: PageRequest, width: int) -> Cursor | None:
    """Return the place of the last of so many tasks; None if there are fewer."""
    where = request.sql.time_range(start=request.start)
    statement = statements.place_after(where)
    places = request.session.rows(statement, {**where.parameters, "skipped": width - 1})
    return cursor_at(places[0]) if places else None


def _found(request: PageRequest, index: Index, end: Cursor | None = None) -> list[sqlite3.Row]:
    """Return the tasks of the page, and one more if there is one."""
    where = request.sql.where(index=index, start=request.start, end=end)
    statement = statements.page(
        request.session.layout, where, order_by=time_conditions.order_by(index)
    )
    return request.session.rows(statement, {**where.parameters, "limit": request.limit + 1})
