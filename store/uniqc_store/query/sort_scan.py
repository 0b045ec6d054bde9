"""A page of few tasks: all of them are looked up and sorted, once for each state of the file."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

from uniqc_store.database.integrity import indexes_disagree
from uniqc_store.query import statements, time_conditions
from uniqc_store.query.pages import page_of, place
from uniqc_store.query.where import Where, all_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_store.cursors import Cursor
    from uniqc_store.query.pages import PageRequest, PageRows
    from uniqc_store.query.planner import IndexChoice

MAX_SORTED = 800
"""Most tasks that are sorted without trying a walk first. Each takes about 4 microseconds."""


def is_cached(request: PageRequest) -> bool:
    """Return whether the tasks of the filter were sorted before, for another page."""
    return key_of(request) in request.session.cache


def sort_page(request: PageRequest, choice: IndexChoice) -> PageRows:
    """Return the page, out of all tasks that the chosen index finds."""
    session = request.session
    every = session.cache.get_or_compute(key_of(request), lambda: _sorted_rowids(request, choice))
    if request.sql.task_filter.by_label and choice.total not in (None, len(every)):
        # The index alone counted other tasks than the table holds with this label.
        raise indexes_disagree(len(every), choice.total)
    return page_of_sorted(request, every)


def page_of_sorted(request: PageRequest, every: array[int]) -> PageRows:
    """Return the page, out of the rows of all tasks that match, in order."""
    session = request.session
    first = 0
    if request.start is not None:
        first = bisect_left(every, 1, key=_is_after(request, request.start))
    shown = every[first : first + request.limit + 1]
    statement = statements.page_of_rows(session.layout, statements.LISTED_ROWS, Where())
    found = session.rows(statement, {"rows": str(shown.tolist()), "limit": -1})
    found.sort(key=place, reverse=request.sql.order != "oldest")
    return page_of(request, found, total=len(every))


def key_of(request: PageRequest) -> object:
    """Return the key by which the rows of all matching tasks are cached."""
    return ("sorted rows", request.sql.order, request.sql.task_filter)


def _sorted_rowids(request: PageRequest, choice: IndexChoice) -> array[int]:
    where = all_of(choice.where, request.sql.where(index="rowid"))
    order_by = time_conditions.order_by(choice.index, request.sql.order)
    statement = statements.sorted_rowids(where, order_by=order_by)
    return array("q", (row for (row,) in request.session.rows(statement, where.parameters)))


def _is_after(request: PageRequest, cursor: Cursor) -> Callable[[int], int]:
    """Return a function that gives 1 for a row after the cursor in page order, otherwise 0."""
    where = request.sql.time_range(index="rowid", start=cursor)
    statement = statements.test_row(where)
    return lambda row: request.session.number(statement, {**where.parameters, "row": row})
