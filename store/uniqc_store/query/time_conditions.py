"""Times as SQL conditions: what the index tells of them, and what only the time itself tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from uniqc_store.database.functions import microseconds
from uniqc_store.query.where import Where, hide_from_index
from uniqc_store.rows import raw_text

if TYPE_CHECKING:
    from uniqc_store.filters import Cursor, TaskFilter
    from uniqc_store.query.where import Index

# Python hands a function no text that isn't UTF-8, but fails the whole statement.
_SUBMIT_TIME = f"utc_microseconds({raw_text('submit_time')})"
_UPDATE_TIME = f"utc_microseconds({raw_text('update_time')})"

# First about text, which lets the index on submit_time leave most rows out; ISO 8601 allows any
# zone of less than a day. Then about text in UTC, as uniqc writes it, by the hour. At last, and
# only for what is left, about time.
_TEXT_AFTER = "submit_time >= :after_text"
_TEXT_BEFORE = "submit_time < :before_text"
_IN_UTC = "submit_time GLOB '??????????T??:*+00:00'"
_HOUR_AFTER = f"(submit_time >= :after_hour OR NOT {_IN_UTC})"
_HOUR_BEFORE = f"(submit_time < :before_hour OR NOT {_IN_UTC})"
_AFTER = f"{_SUBMIT_TIME} >= :after"
_BEFORE = f"{_SUBMIT_TIME} < :before"
_WIDEST_ZONE = timedelta(days=1)

UNDATED = f"{_SUBMIT_TIME} IS NULL"
# As the index tells it: no date begins with anything but a digit, and ':' comes after the last.
NO_DATE = "(submit_time < '0' OR submit_time >= ':')"


def time_range(
    task_filter: TaskFilter,
    *,
    index: Index | None = "time",
    start: Cursor | None = None,
    end: Cursor | None = None,
) -> Where:
    """What the index on the submit time knows of a filter: some more tasks than it lets through.

    Those after one cursor, and up to another: keyset, not OFFSET, so that a page stays put while
    tasks are added. SQLite takes one bound of an index at either end: a cursor is the nearer one.
    """
    where = Where()
    if end is not None:
        place = f"({order_by(index)}, tasks.rowid) >= ({_time(end, 'end')}, :end_rowid)"
        where.add(place, end_time=end.time, end_rowid=end.rowid)
    elif (after := task_filter.submitted_after) is not None:
        where.add(hide_from_index(_TEXT_AFTER, "time", index), after_text=_text_before(after))
    if start is not None:
        place = f"({order_by(index)}, tasks.rowid) < ({_time(start, 'cursor')}, :cursor_rowid)"
        where.add(place, cursor_time=start.time, cursor_rowid=start.rowid)
    elif (before := task_filter.submitted_before) is not None:
        where.add(hide_from_index(_TEXT_BEFORE, "time", index), before_text=_text_after(before))
    return where


def time_range_inclusive(task_filter: TaskFilter, start: Cursor | None, end: Cursor) -> Where:
    """The same, but for tasks of the very time of a cursor.

    They are all in: to tell them apart takes as long as all the rest.
    """
    where = Where([f"submit_time >= {_time(end, 'end')}"], {"end_time": end.time})
    if start is not None:
        where.add(f"submit_time <= {_time(start, 'cursor')}", cursor_time=start.time)
    elif (before := task_filter.submitted_before) is not None:
        where.add(_TEXT_BEFORE, before_text=_text_after(before))
    return where


def hour_range(task_filter: TaskFilter) -> Where:
    """What is soon told of a filter's times without the index: up to an hour more than they are."""
    where = Where()
    if (after := task_filter.submitted_after) is not None:
        where.add(_HOUR_AFTER, after_hour=_hour(after))
    if (before := task_filter.submitted_before) is not None:
        where.add(_HOUR_BEFORE, before_hour=_hour(before, 1))
    return where


def exact_time(task_filter: TaskFilter) -> Where:
    """What a filter says of times, to the microsecond. It calls a function of ours."""
    where = Where()
    if (after := task_filter.submitted_after) is not None:
        where.add(_AFTER, after=microseconds(after))
    if (before := task_filter.submitted_before) is not None:
        where.add(_BEFORE, before=microseconds(before))
    return where


def where_touched_before(moment: datetime, *, name: str) -> Where:
    """Tasks that were last touched before a moment; one with no readable time is none.

    Its parameters bear the name, so that two of these can stand in one statement.
    """
    where = Where()
    where.add(
        f"(update_time < :{name}_text AND {_UPDATE_TIME} < :{name})",
        **{name: microseconds(moment), f"{name}_text": _text_after(moment)},
    )
    return where


def order_by(index: Index | None) -> str:
    """The column that pages are ordered by, out of its index's reach where another is to serve."""
    return hide_from_index("submit_time", "time", index)


def _time(cursor: Cursor, name: str) -> str:
    # The text as stored, which need not be UTF-8 and then can't be bound as text.
    return f"CAST(:{name}_time AS TEXT)" if cursor.is_text else f":{name}_time"


def _hour(moment: datetime, later: int = 0) -> str:
    """Of the moment, or so many hours later, in UTC."""
    try:
        return (moment.astimezone(UTC) + timedelta(hours=later)).isoformat()[:13]
    except OverflowError:
        return "" if not later else ":"


def _text_before(moment: datetime) -> str:
    """Sorts before every time, in whatever zone, that isn't before the moment."""
    try:
        return (moment.astimezone(UTC) - _WIDEST_ZONE).date().isoformat()
    except OverflowError:
        return ""


def _text_after(moment: datetime) -> str:
    """Sorts after every time, in whatever zone, that is before the moment."""
    try:
        return (moment.astimezone(UTC) + _WIDEST_ZONE + timedelta(days=1)).date().isoformat()
    except OverflowError:
        return ":"  # after every digit
