"""A page of a filter that no index answers, such as a part of a name.

Every task is tested, once for each state of the file, in the order of the file. With a million
tasks that takes about as long as one plain SQL scan of their names; in the order of time it
would take up to four times as long. ``python -m benchmarks --only searches`` measures it.
"""

from __future__ import annotations

import time
from array import array
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from uniqc_store.query import sort_scan, statements, time_conditions
from uniqc_store.query.where import Where

if TYPE_CHECKING:
    from uniqc_store.database.connection import Session
    from uniqc_store.query.pages import PageRequest, PageRows

MAX_SECONDS: Final = 5.0
"""Time after which a search is given up. It is enough for some three million tasks."""

STRETCH_TASKS: Final = 50_000
"""Tasks that are tested between two reports of progress: less than a tenth of a second."""

_GIVEN_UP: Final = "a search of every task takes too long"


class _TakesTooLongError(Exception):
    """A search was given up."""


def search_page(request: PageRequest) -> PageRows | None:
    """Return the page, out of all tasks that match; None if testing every task takes too long."""
    cache = request.session.cache
    if _GIVEN_UP in cache and not sort_scan.is_cached(request):
        return None
    try:
        every = cache.get_or_compute(sort_scan.key_of(request), lambda: _matching_rows(request))
    except _TakesTooLongError:
        cache.get_or_compute(_GIVEN_UP, lambda: True)
        return None
    return sort_scan.page_of_sorted(request, every)


def _matching_rows(request: PageRequest) -> array[int]:
    """Return the rows of all matching tasks, in the order of pages."""
    session, sql = request.session, request.sql
    found = array("q")
    give_up_at = time.monotonic() + MAX_SECONDS
    total = session.number(statements.count(Where()))
    stretches = _stretches(session, total)
    for done, (first, last) in enumerate(stretches, start=1):
        where = sql.where(index="rowid")
        where.add("rowid BETWEEN :first_row AND :last_row", first_row=first, last_row=last)
        rows = session.rows(statements.rowids(where), where.parameters)
        found.extend(row for (row,) in rows)
        if done == len(stretches):
            break
        if time.monotonic() > give_up_at:
            raise _TakesTooLongError
        if session.report_progress is not None:
            session.report_progress(total * done // len(stretches), total)
    among = Where([f"rowid IN ({statements.LISTED_ROWS})"], {"rows": str(found.tolist())})
    order_by = time_conditions.order_by("rowid", sql.order)
    statement = statements.sorted_rowids(among, order_by=order_by)
    return array("q", (row for (row,) in session.rows(statement, among.parameters)))


def _stretches(session: Session, total: int) -> list[tuple[int, int]]:
    """Return the first and the last row number of equally long stretches of the table, in order.

    Row numbers may have gaps, so some stretches may have fewer tasks than others.
    """
    if not total:
        return []
    ((first, last),) = session.rows(statements.ROW_RANGE)
    parts = max(1, total // STRETCH_TASKS)
    edges = [first - 1, *(first + (last - first) * part // parts for part in range(1, parts + 1))]
    return [(before + 1, edge) for before, edge in pairwise(edges)]
