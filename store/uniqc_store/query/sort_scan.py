"""A page of few tasks: all of them are looked up and sorted, once for each state of the file."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

from uniqc_store.query import conditions, statements, time_conditions
from uniqc_store.query.pages import page_of, place
from uniqc_store.query.where import Where, all_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_store.filters import Cursor
    from uniqc_store.query.pages import PageRequest, PageRows
    from uniqc_store.query.planner import IndexChoice

FEW_TASKS = 800
"""Tasks that are looked up sooner, at 2 to 3 microseconds each, than the newest among them are
found in another way."""


def is_done(request: PageRequest) -> bool:
    """Whether the tasks of the filter are looked up already."""
    return _key(request) in request.session.cache


def sort_page(request: PageRequest, choice: IndexChoice) -> PageRows:
    """The page, of the tasks that an index leaves."""
    session = request.session
    found = session.cache.get_or_compute(_key(request), lambda: _rows_in_order(request, choice))
    first = (
        0 if request.start is None else bisect_left(found, 1, key=_is_after(request, request.start))
    )
    shown = found[first : first + request.limit + 1]
    statement = statements.page_of_chosen(session.layout, statements.ROWS_OF, Where())
    records = session.rows(statement, {"rows": str(shown.tolist()), "limit": -1})
    records.sort(key=place, reverse=True)
    return page_of(request, records, total=len(found))


def _key(request: PageRequest) -> object:
    return ("rows", request.task_filter)


def _rows_in_order(request: PageRequest, choice: IndexChoice) -> array[int]:
    wanted = conditions.where_matching(request.task_filter, index="row")
    where = all_of(choice.where, wanted)
    statement = statements.rows_in_order(where, order_by=time_conditions.order_by(choice.index))
    return array("q", (row for (row,) in request.session.rows(statement, where.parameters)))


def _is_after(request: PageRequest, cursor: Cursor) -> Callable[[int], int]:
    """1 for a row that comes after a cursor in the order of pages, 0 for one that doesn't."""
    where = time_conditions.time_range(request.task_filter, index="row", start=cursor)
    statement = statements.is_so(where)
    return lambda row: request.session.number(statement, {**where.parameters, "row": row})
