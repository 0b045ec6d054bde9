"""A page of a label's tasks, without looking up all of them.

Rows are numbered as tasks are added, so that those with the highest numbers are most likely the
newest. They are looked up until the page is full. Then the index on the submit time, which needs
no look at a task, tells what is newer than the last of them and yet of another row: most often
nothing. What there is, is looked up too, and so the page is right in whatever order the tasks
were added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store import conditions, queries
from uniqc_store.paging.pages import cursor_at, page_of, place

if TYPE_CHECKING:
    import sqlite3

    from uniqc_store.conditions import Parameters
    from uniqc_store.filters import Cursor
    from uniqc_store.paging.pages import Asked, FoundPage
    from uniqc_store.probing import Narrowing

STEPS_FOR_EACH = 25
"""Steps along the index on the submit time that take as long as looking up one task."""

FIRST_ROWS = 8
"""Rows for each task of a page, which are looked up before all are sorted."""

MOST_STEPS = 100_000
"""Of these at most; they take some 6 ms."""

MOST_OTHERS = 200
"""Tasks whose row is out of order that are looked up for a page."""

_HIGHEST_ROW = 2**63 - 1


def page_by_rows(asked: Asked, narrowing: Narrowing) -> FoundPage | None:
    """The page of the tasks that the index of a label leaves; None if it is not near."""
    above = _row_above(asked)
    found = _highest_rows(asked, narrowing, above)
    if len(found) <= asked.limit and above < _HIGHEST_ROW:
        return None  # the others may be anywhere
    if len(found) > asked.limit:
        last = min(found, key=place)
        lowest = min(row["cursor_rowid"] for row in found)
        others = _newer_but_elsewhere(asked, cursor_at(last), lowest, above, narrowing)
        if others is None:
            return None
        found += others
    found.sort(key=place, reverse=True)
    total = narrowing.tasks if asked.task_filter.is_simple else None
    return page_of(asked, found[: asked.limit + 1], total=total)


def _row_above(asked: Asked) -> int:
    """A row that is, most likely, numbered just above those of the page."""
    if asked.start is not None:
        return asked.start.rowid
    if asked.task_filter.submitted_before is None:
        return _HIGHEST_ROW
    where = conditions.where_text_in_time(asked.task_filter)
    newest = asked.session.rows(queries.place_after(where), {**where.parameters, "width": 0})
    return newest[0]["cursor_rowid"] + 1 if newest else 0


def _highest_rows(asked: Asked, narrowing: Narrowing, above: int) -> list[sqlite3.Row]:
    """As many as fill the page, and one more if there is one."""
    few = FIRST_ROWS * asked.limit
    found = _of_highest_rows(asked, narrowing, above, few)
    enough = len(found) > asked.limit or narrowing.tasks <= few
    return found if enough else _of_highest_rows(asked, narrowing, above, narrowing.tasks)


def _of_highest_rows(
    asked: Asked, narrowing: Narrowing, above: int, highest: int
) -> list[sqlite3.Row]:
    of_label = narrowing.where.parameters
    return _look_up(
        asked,
        queries.highest_rows(narrowing.where, by_ranges=narrowing.by_ranges),
        {**of_label, "above": above, "highest": highest, "limit": asked.limit + 1},
    )


def _newer_but_elsewhere(
    asked: Asked, last: Cursor, lowest: int, above: int, narrowing: Narrowing
) -> list[sqlite3.Row] | None:
    """Those that come before the last one and are not among the highest rows; None if too many."""
    newer = conditions.where_text_in_time(asked.task_filter, start=asked.start)
    conditions.end_with_time(newer, last)
    most_steps = min(STEPS_FOR_EACH * narrowing.tasks, MOST_STEPS)
    steps = {**newer.parameters, "bound": most_steps}
    if asked.session.number(queries.is_more_than(newer), steps):
        return None
    newer.add("+rowid NOT BETWEEN :lowest AND :above", lowest=lowest, above=above - 1)
    others = asked.session.rows(
        queries.rows_at_most(newer), {**newer.parameters, "bound": MOST_OTHERS}
    )
    if len(others) == MOST_OTHERS:
        return None
    rows = str([row for (row,) in others])
    return _look_up(asked, queries.ROWS_OF, {"rows": rows, "limit": -1}) if others else []


def _look_up(asked: Asked, chosen: str, parameters: Parameters) -> list[sqlite3.Row]:
    """What the filter lets through of chosen rows, in their order."""
    where = conditions.where_matching(asked.task_filter, index="row", start=asked.start)
    statement = queries.page_of_chosen(asked.session.layout, chosen, where)
    return asked.session.rows(statement, where.parameters | parameters)
