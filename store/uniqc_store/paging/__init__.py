"""One page of the tasks that a filter lets through, in a time that does not grow with the store.

Few tasks are all looked up and sorted (``gathering``). Where an index leaves more, but not many,
those of the highest rows are looked up first (``newest_rows``). Where each leaves many, the index
on the submit time is walked until the page is full (``walking``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store import probing
from uniqc_store.filters import TaskFilter
from uniqc_store.paging import gathering, newest_rows, walking
from uniqc_store.paging.pages import Asked

if TYPE_CHECKING:
    from uniqc_store.connection import Session
    from uniqc_store.filters import Cursor
    from uniqc_store.paging.pages import FoundPage, Page

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
    narrowing = probing.narrowest(asked.session, wanted)
    if narrowing is None:
        return walking.walk(asked)
    if wanted == _EVERYTHING:
        return walking.walk_all(asked, total=narrowing.total)
    # The newest that pass a second condition too are farther apart.
    few = narrowing.tasks <= gathering.FEW_TASKS * (1 if wanted.is_simple else 2)
    # Without a label, that the total is exact is worth the time: the whole cache may be small.
    if few or not wanted.by_label or gathering.is_done(asked):
        return gathering.gather(asked, narrowing)
    if narrowing.index == "time":
        return walking.walk_all(asked)
    return newest_rows.page_by_rows(asked, narrowing) or gathering.gather(asked, narrowing)
