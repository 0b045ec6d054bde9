"""One page of the tasks that a filter lets through, in a time that does not grow with the store.

Few tasks are all looked up and sorted (``gathering``). Where an index leaves more, but not many,
those of the highest rows are looked up first (``newest_rows``). Where each leaves many, the index
on the submit time is walked until the page is full (``walking``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.filters import TaskFilter
from uniqc_store.query import index_scan, planner, rowid_scan, sort_scan
from uniqc_store.query.pages import Asked

if TYPE_CHECKING:
    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Cursor
    from uniqc_store.query.pages import FoundPage, Page

_EVERYTHING = TaskFilter()


def page(session: Session, task_filter: TaskFilter, *, limit: int, start: Cursor | None) -> Page:
    """The tasks after a cursor, or the newest."""
    asked = Asked(session=session, task_filter=task_filter, limit=limit, start=start)
    found = session.facts.recall(
        ("page", task_filter, limit, start), lambda: _find(asked), size=lambda found: found.size
    )
    return found.with_records()


def _find(asked: Asked) -> FoundPage:
    wanted = asked.task_filter
    narrowing = planner.narrowest(asked.session, wanted)
    if narrowing is None:
        return index_scan.walk(asked)
    if wanted == _EVERYTHING:
        return index_scan.walk_all(asked, total=narrowing.total)
    # The newest that pass a second condition too are farther apart.
    few = narrowing.tasks <= sort_scan.FEW_TASKS * (1 if wanted.is_simple else 2)
    # Without a label, that the total is exact is worth the time: the whole cache may be small.
    if few or not wanted.by_label or sort_scan.is_done(asked):
        return sort_scan.gather(asked, narrowing)
    if narrowing.index == "time":
        return index_scan.walk_all(asked)
    return rowid_scan.page_by_rows(asked, narrowing) or sort_scan.gather(asked, narrowing)
