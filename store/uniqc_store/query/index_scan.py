"""A page along the index on the submit time, from one end of it, until it is full.

Tasks with a common label are met often, so the walk is short. A label that has gone out of use is
met late or never, so the walk is bounded, and the label's own index is used after it. A name and an
update time have no index: every task is tested after it, and where that takes too long, the page
ends before it is full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.query import search_scan, sort_scan, statements, time_conditions
from uniqc_store.query.pages import cursor_at, page_of

if TYPE_CHECKING:
    import sqlite3

    from uniqc_store.cursors import Cursor
    from uniqc_store.query.pages import PageRequest, PageRows
    from uniqc_store.query.planner import IndexChoice
    from uniqc_store.query.where import Index

FIRST_STEPS = 20
"""Steps of a first walk for each task of a page; most common labels are met often enough."""

MAX_WALKED = 20_000
"""Tasks that are met before a label's own index is used; this takes less than 20 ms."""

MAX_SEARCHED = 8_000
"""Tasks whose name or update time is tested before every task is, at 2 microseconds each."""

MAX_SEARCHED_IN_PART = 200_000
"""Tasks that are tested for one page where testing every task takes too long: some 0.5 s."""

FIRST_STEPS_PER_TASK = 4
"""Steps of a first walk for each task with a label: a fifth of the time of sorting these tasks."""

MAX_STEPS_PER_TASK = 12
"""Steps for each task with a label beyond which sorting these tasks is taken as faster."""

LOOKED_UP_SHARE = 4
"""A walk looks up one in so many of the tasks with a label at most."""


def scan_page(request: PageRequest) -> PageRows:
    """Return the page of a filter for which every index finds many tasks."""
    task_filter = request.sql.task_filter
    if task_filter.is_unindexed:
        return _search(request)
    if not task_filter.by_label:
        return scan_all(request)
    label: Index = "backend" if task_filter.backend else "status"
    return _walk(request, MAX_WALKED) or page_of(request, _found(request, label))


def _search(request: PageRequest) -> PageRows:
    """Return the page of a filter that no index answers."""
    if not sort_scan.is_cached(request) and (page := _walk(request, MAX_SEARCHED)):
        return page
    return search_scan.search_page(request) or _search_in_part(request)


def _search_in_part(request: PageRequest) -> PageRows:
    """Return a page that may end before it is full."""
    found, end = _walked(request, MAX_SEARCHED_IN_PART)
    return page_of(request, found, cut_short_at=end)


def _walk(request: PageRequest, most: int) -> PageRows | None:
    """Return the page if it is full, or the last one, after so many tasks; otherwise None."""
    for width in sorted({min(FIRST_STEPS * request.limit, most), most}):
        found, end = _walked(request, width)
        if end is None or len(found) > request.limit:
            return page_of(request, found)
    return None


def _walked(request: PageRequest, width: int) -> tuple[list[sqlite3.Row], Cursor | None]:
    """Return the tasks of the page, and one more, among so many; and the last that was met.

    The latter is None if these are all.
    """
    end = _place_after(request, width)
    return _found(request, "time", end), end


def scan_all(request: PageRequest, *, total: int | None = None) -> PageRows:
    """Return the page after a walk without a bound.

    Args:
        request: The page.
        total: Number of matching tasks, if known.
    """
    return page_of(request, _found(request, "time"), total=total)


def scan_label(request: PageRequest, choice: IndexChoice) -> PageRows | None:
    """Return the page of a label that some thousand tasks have; None if sorting them is faster.

    The label's own index tells which rows have it, so that no task without it is looked up. This
    takes a sixth to a third of the time of sorting; ARCHITECTURE.md has the measurement.

    Args:
        request: The page.
        choice: The label's index.
    """
    width = FIRST_STEPS_PER_TASK * choice.tasks
    found = _walk_label(request, choice, width)
    if 0 < len(found) <= request.limit:
        expected = width * request.limit // len(found)
        if expected <= MAX_STEPS_PER_TASK * choice.tasks:
            found = _walk_label(request, choice, 2 * expected)
    return page_of(request, found, total=choice.total) if len(found) > request.limit else None


def _walk_label(request: PageRequest, choice: IndexChoice, width: int) -> list[sqlite3.Row]:
    """Return the tasks of the page, and one more, that so many steps along the index meet."""
    session = request.session
    walked = request.sql.time_range(start=request.start)
    order_by = time_conditions.order_by("time", request.sql.order)
    rows = statements.first_rows_with(walked, choice.where, order_by=order_by)
    where = request.sql.where(index="rowid")
    parameters = choice.where.parameters | walked.parameters | where.parameters
    parameters |= {"width": width, "limit": request.limit + 1}
    parameters["looked_up"] = choice.tasks // LOOKED_UP_SHARE
    return session.rows(statements.page_of_rows(session.layout, rows, where), parameters)


def _place_after(request: PageRequest, width: int) -> Cursor | None:
    """Return the place of the last of so many tasks; None if there are fewer."""
    where = request.sql.time_range(start=request.start)
    order_by = time_conditions.order_by("time", request.sql.order)
    statement = statements.place_after(where, order_by=order_by)
    places = request.session.rows(statement, {**where.parameters, "skipped": width - 1})
    return cursor_at(places[0]) if places else None


def _found(request: PageRequest, index: Index, end: Cursor | None = None) -> list[sqlite3.Row]:
    """Return the tasks of the page, and one more if there is one."""
    where = request.sql.where(index=index, start=request.start, end=end)
    order_by = time_conditions.order_by(index, request.sql.order)
    statement = statements.page(request.session.layout, where, order_by=order_by)
    return request.session.rows(statement, {**where.parameters, "limit": request.limit + 1})
