"""A page along the index on the submit time, newest first, until it is full.

That is soon: a label that many tasks have is met often. Where it is not met so often, having gone
out of use, its own index finds its tasks after all; a name has no index, and there the page ends
before it is full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.query import conditions, statements, time_conditions
from uniqc_store.query.pages import cursor_at, page_of
from uniqc_store.query.where import all_of

if TYPE_CHECKING:
    import sqlite3

    from uniqc_store.filters import Cursor
    from uniqc_store.query.pages import PageRequest, PageRows
    from uniqc_store.query.planner import IndexChoice
    from uniqc_store.query.where import Index, Where

FIRST_STEPS = 20
"""Tasks that are met for each of a page, before anything else is tried."""

MAX_WALKED = 20_000
"""Tasks that are met before a label's own index is taken; they take less than 20 ms."""

PASSED_FOR_EACH = 8
"""Tasks that can be passed by, without a look at them, in the time that it takes to look up one."""

MAX_PASSED = 40_000
"""Of these at most; that takes less than 10 ms."""

MAX_SEARCHED = 8_000
"""Tasks whose name is looked at for one page, 2 microseconds each."""


def scan_page(request: PageRequest) -> PageRows:
    """The page, where each index leaves many tasks."""
    wanted = request.task_filter
    if not wanted.by_label and not wanted.name_contains:
        return scan_all(request)
    most = MAX_SEARCHED if wanted.name_contains else MAX_WALKED
    for width in sorted({min(FIRST_STEPS * request.limit, most), most}):
        end = _place_after(request, width)
        found = _found(request, "time", end)
        if end is None or len(found) > request.limit:
            return page_of(request, found)
        if wanted.name_contains and width == most:
            return page_of(request, found, cut_short_at=end)
    return page_of(request, _found(request, "backend" if wanted.backend else "status"))


def scan_all(request: PageRequest, *, total: int | None = None) -> PageRows:
    """The page, however far that is; with how many tasks there are in all, if that is known."""
    return page_of(request, _found(request, "time"), total=total)


def scan_chosen(request: PageRequest, choice: IndexChoice, *, in_all: int) -> PageRows | None:
    """The page of the tasks that the index of a label leaves; None if it is not near.

    They are told from others by their rows: no task is looked at that is not shown.

    Args:
        asked: The page.
        narrowing: The index.
        in_all: How many tasks there are in all, or some more.
    """
    most = min(PASSED_FOR_EACH * choice.tasks, MAX_PASSED)
    expected = request.limit * in_all // choice.tasks
    if expected > most:
        return None
    for width in sorted({min(2 * expected, most), most}):
        end = _place_after(request, width)
        found = _found(request, "time", end, among=choice.where)
        if end is None or len(found) > request.limit:
            return page_of(request, found, total=choice.total)
    return None


def _place_after(request: PageRequest, width: int) -> Cursor | None:
    """Where so many tasks have been met; None if there are no more than that."""
    where = time_conditions.time_range(request.task_filter, start=request.start)
    places = request.session.rows(
        statements.place_after(where), {**where.parameters, "width": width - 1}
    )
    return cursor_at(places[0]) if places else None


def _found(
    request: PageRequest, index: Index, end: Cursor | None = None, *, among: Where | None = None
) -> list[sqlite3.Row]:
    """The tasks of the page, and one more if there is one."""
    where = conditions.where_matching(
        request.task_filter, index=index, start=request.start, end=end
    )
    if among is not None:
        where = all_of(conditions.rowid_in(among), where)
    return request.session.rows(
        statements.page(request.session.layout, where, order_by=time_conditions.order_by(index)),
        {**where.parameters, "limit": request.limit + 1},
    )
