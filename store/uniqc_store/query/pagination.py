"""One page of the tasks that a filter lets through, in a time that does not grow with the store.

Few tasks are all looked up and sorted (``sort_scan``). Where an index leaves more, but not many,
those of the highest rows are looked up first (``newest_rows``). Where each leaves many, the index
on the submit time is walked until the page is full (``index_scan``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.filters import TaskFilter
from uniqc_store.query import index_scan, planner, rowid_scan, sort_scan
from uniqc_store.query.pages import PageRequest

if TYPE_CHECKING:
    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Cursor
    from uniqc_store.query.pages import Page, PageRows

_EVERYTHING = TaskFilter()


def page(session: Session, task_filter: TaskFilter, *, limit: int, start: Cursor | None) -> Page:
    """The tasks after a cursor, or the newest."""
    request = PageRequest(session=session, task_filter=task_filter, limit=limit, start=start)
    found = session.cache.get_or_compute(
        ("page", task_filter, limit, start), lambda: _find(request), size=lambda found: found.size
    )
    return found.with_records()


def _find(request: PageRequest) -> PageRows:
    wanted = request.task_filter
    choice = planner.choose_index(request.session, wanted)
    if choice is None:
        return index_scan.scan_page(request)
    if wanted == _EVERYTHING:
        return index_scan.scan_all(request, total=choice.total)
    # The newest that pass a second condition too are farther apart.
    few = choice.tasks <= sort_scan.FEW_TASKS * (1 if wanted.is_simple else 2)
    # Without a label, that the total is exact is worth the time: the whole cache may be small.
    if few or not wanted.by_label or sort_scan.is_done(request):
        return sort_scan.sort_page(request, choice)
    if choice.index == "time":
        return index_scan.scan_all(request)
    return rowid_scan.rowid_page(request, choice) or sort_scan.sort_page(request, choice)
