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
    from uniqc_store.query.pages import Asked, FoundPage
    from uniqc_store.query.planner import Narrowing
    from uniqc_store.query.where import Index, Where

FIRST_STEPS = 20
"""Tasks that are met for each of a page, before anything else is tried."""

MOST_WALKED = 20_000
"""Tasks that are met before a label's own index is taken; they take less than 20 ms."""

PASSED_FOR_EACH = 8
"""Tasks that can be passed by, without a look at them, in the time that it takes to look up one."""

MOST_PASSED = 40_000
"""Of these at most; that takes less than 10 ms."""

MOST_SEARCHED = 8_000
"""Tasks whose name is looked at for one page, 2 microseconds each."""


def walk(asked: Asked) -> FoundPage:
    """The page, where each index leaves many tasks."""
    wanted = asked.task_filter
    if not wanted.by_label and not wanted.name_contains:
        return walk_all(asked)
    most = MOST_SEARCHED if wanted.name_contains else MOST_WALKED
    for width in sorted({min(FIRST_STEPS * asked.limit, most), most}):
        end = _place_after(asked, width)
        found = _found(asked, "time", end)
        if end is None or len(found) > asked.limit:
            return page_of(asked, found)
        if wanted.name_contains and width == most:
            return page_of(asked, found, cut_short_at=end)
    return page_of(asked, _found(asked, "backend" if wanted.backend else "status"))


def walk_all(asked: Asked, *, total: int | None = None) -> FoundPage:
    """The page, however far that is; with how many tasks there are in all, if that is known."""
    return page_of(asked, _found(asked, "time"), total=total)


def walk_among(asked: Asked, narrowing: Narrowing, *, in_all: int) -> FoundPage | None:
    """The page of the tasks that the index of a label leaves; None if it is not near.

    They are told from others by their rows: no task is looked at that is not shown.

    Args:
        asked: The page.
        narrowing: The index.
        in_all: How many tasks there are in all, or some more.
    """
    most = min(PASSED_FOR_EACH * narrowing.tasks, MOST_PASSED)
    expected = asked.limit * in_all // narrowing.tasks
    if expected > most:
        return None
    for width in sorted({min(2 * expected, most), most}):
        end = _place_after(asked, width)
        found = _found(asked, "time", end, among=narrowing.where)
        if end is None or len(found) > asked.limit:
            return page_of(asked, found, total=narrowing.total)
    return None


def _place_after(asked: Asked, width: int) -> Cursor | None:
    """Where so many tasks have been met; None if there are no more than that."""
    where = time_conditions.where_in_stretch(asked.task_filter, start=asked.start)
    places = asked.session.rows(
        statements.place_after(where), {**where.parameters, "width": width - 1}
    )
    return cursor_at(places[0]) if places else None


def _found(
    asked: Asked, index: Index, end: Cursor | None = None, *, among: Where | None = None
) -> list[sqlite3.Row]:
    """The tasks of the page, and one more if there is one."""
    where = conditions.where_matching(asked.task_filter, index=index, start=asked.start, end=end)
    if among is not None:
        where = all_of(conditions.where_among(among), where)
    return asked.session.rows(
        statements.page(asked.session.layout, where, order_by=time_conditions.order_by(index)),
        {**where.parameters, "limit": asked.limit + 1},
    )
