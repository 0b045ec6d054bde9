"""One page of the tasks that match a filter, in a time that does not grow with the store.

The planner counts what each index finds. A few tasks are all looked up and sorted
(``sort_scan``). Otherwise the index on the submit time is walked until the page is full
(``index_scan``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.filters import TaskFilter
from uniqc_store.query import archive, index_scan, planner, sort_scan, touch_scan
from uniqc_store.query.conditions import filter_sql
from uniqc_store.query.pages import PageRequest

if TYPE_CHECKING:
    from uniqc_store.cursors import Cursor, TouchCursor
    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Order
    from uniqc_store.query.archive import ArchiveRequest
    from uniqc_store.query.pages import Page, PageRows

_EVERYTHING = TaskFilter()


def page(
    session: Session,
    task_filter: TaskFilter,
    *,
    order: Order,
    limit: int,
    start: Cursor | None,
) -> Page:
    """Return the tasks that come after a cursor by submit time, or the first without one."""

    def find() -> PageRows:
        sql = filter_sql(session, task_filter, order)
        return _find(PageRequest(session=session, sql=sql, limit=limit, start=start))

    key = ("page", task_filter, order, limit, start)
    found = session.cache.get_or_compute(key, find, size=lambda found: found.size)
    return found.with_records()


def touched_page(
    session: Session, task_filter: TaskFilter, *, limit: int, start: TouchCursor | None
) -> Page:
    """Return the tasks that come after a cursor by update time, or the first without one."""

    def find() -> PageRows:
        sql = filter_sql(session, task_filter)
        return touch_scan.touched_page(session, sql, limit=limit, start=start)

    key = ("touched page", task_filter, limit, start)
    found = session.cache.get_or_compute(key, find, size=lambda found: found.size)
    return found.with_records()


def archive_page(request: ArchiveRequest) -> Page:
    """Return the tasks that come after a cursor, those of the archive included."""
    key = "archive page", request.task_filter, request.kind, request.limit, request.start
    found = request.session.cache.get_or_compute(
        key, lambda: archive.page(request), size=lambda found: found.size
    )
    return found.with_records()


def _find(request: PageRequest) -> PageRows:
    task_filter = request.sql.task_filter
    choice = planner.choose_index(request.session, request.sql)
    if choice is None:
        return index_scan.scan_page(request)
    if task_filter == _EVERYTHING:
        return index_scan.scan_all(request, total=choice.total)
    # A second condition leaves fewer of the tasks, so that a walk would be longer.
    most = sort_scan.MAX_SORTED * (1 if task_filter.is_simple else 2)
    # Without a label the index on the submit time found them. Sorting them also gives the exact
    # total, which is worth the time: this may be all of a small store.
    if choice.tasks <= most or not task_filter.by_label or sort_scan.is_cached(request):
        return sort_scan.sort_page(request, choice)
    if choice.index == "time":
        return index_scan.scan_all(request)
    return index_scan.scan_label(request, choice) or sort_scan.sort_page(request, choice)
