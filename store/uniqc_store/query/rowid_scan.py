"""A page of a label's tasks, without looking up all of them.

Rows are numbered as tasks are added, so that those with the highest numbers are most likely the
newest. They are looked up until the page is full. Then the index on the submit time, which needs
no look at a task, tells what is newer than the last of them and yet of another row: most often
nothing. What there is, is looked up too, and so the page is right in whatever order the tasks
were added. Where that was in no order at all, they are met along that index instead.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from uniqc_store.query import conditions, statements, time_conditions
from uniqc_store.query.index_scan import scan_chosen
from uniqc_store.query.pages import cursor_at, page_of, place

if TYPE_CHECKING:
    import sqlite3

    from uniqc_store.query.pages import PageRequest, PageRows
    from uniqc_store.query.planner import IndexChoice
    from uniqc_store.query.where import Parameters

STEPS_FOR_EACH = 30
"""Steps along the index on the submit time that take as long as it takes to look up one task."""

FIRST_ROWS = 8
"""Rows for each task of a page, which are looked up before all are sorted."""

MAX_OTHERS = 200
"""Tasks whose row is out of order that are looked up for a page."""


def rowid_page(request: PageRequest, choice: IndexChoice) -> PageRows | None:
    """The page of the tasks that the index of a label leaves; None if it is not near."""
    newest = request.session.number(statements.HIGHEST_ROW)
    above = min(_row_above(request), newest + 1)
    found = _highest_rows(request, choice, above)
    if len(found) <= request.limit and above <= newest:
        return scan_chosen(request, choice, in_all=newest)  # the others may be anywhere
    if len(found) > request.limit:
        lowest = min(row["cursor_rowid"] for row in found)
        if above - lowest > STEPS_FOR_EACH * choice.tasks:
            return None
        others = _newer_but_elsewhere(request, found, lowest, above)
        if len(others) == MAX_OTHERS:  # tasks were not added in the order of their times
            return scan_chosen(request, choice, in_all=newest)
        if others:
            found += _look_up(request, statements.ROWS_OF, {"rows": str(others), "limit": -1})
    found.sort(key=place, reverse=True)
    return page_of(request, found[: request.limit + 1], total=choice.total)


def _row_above(request: PageRequest) -> int:
    """A row that is, most likely, numbered just above those of the page."""
    if request.start is not None:
        return request.start.rowid
    if request.task_filter.submitted_before is None:
        return sys.maxsize
    where = time_conditions.time_range(request.task_filter)
    newest = request.session.rows(statements.place_after(where), {**where.parameters, "width": 0})
    return newest[0]["cursor_rowid"] + 1 if newest else 0


def _highest_rows(request: PageRequest, choice: IndexChoice, above: int) -> list[sqlite3.Row]:
    """As many as fill the page, and one more if there is one."""
    few = FIRST_ROWS * request.limit
    found = _of_highest_rows(request, choice, above, few)
    enough = len(found) > request.limit or choice.tasks <= few
    return found if enough else _of_highest_rows(request, choice, above, choice.tasks)


def _of_highest_rows(
    request: PageRequest, choice: IndexChoice, above: int, highest: int
) -> list[sqlite3.Row]:
    of_label = choice.where.parameters
    return _look_up(
        request,
        statements.highest_rows(choice.where, by_ranges=choice.by_ranges),
        {**of_label, "above": above, "highest": highest, "limit": request.limit + 1},
    )


def _newer_but_elsewhere(
    request: PageRequest, found: list[sqlite3.Row], lowest: int, above: int
) -> list[int]:
    """Rows before the last one found that are not among those looked at; some if they are many.

    Of the rows that are passed on the way, no more lie between those than the numbers tell.
    """
    last = cursor_at(min(found, key=place))
    newer = time_conditions.time_range_inclusive(request.task_filter, request.start, last)
    newer.add("+rowid NOT BETWEEN :lowest AND :highest", lowest=lowest, highest=above - 1)
    at_most = {**newer.parameters, "bound": MAX_OTHERS}
    return [row for (row,) in request.session.rows(statements.rows_at_most(newer), at_most)]


def _look_up(request: PageRequest, chosen: str, parameters: Parameters) -> list[sqlite3.Row]:
    """What the filter lets through of chosen rows, in their order."""
    where = conditions.where_matching(request.task_filter, index="row", start=request.start)
    statement = statements.page_of_chosen(request.session.layout, chosen, where)
    return request.session.rows(statement, where.parameters | parameters)
