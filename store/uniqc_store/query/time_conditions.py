"""Conditions on times, by their text, which an index holds, and by the moment it stands for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from uniqc_store.database.functions import microseconds
from uniqc_store.query.where import Where, all_of, indexed
from uniqc_store.rows import raw_text
from uniqc_store.tasks import AFTER_EVERY_DIGIT, text_after, text_before

if TYPE_CHECKING:
    from uniqc_store.cursors import Cursor, Part
    from uniqc_store.filters import Order, TaskFilter
    from uniqc_store.query.where import Index

# As bytes: Python's sqlite3 fails the whole statement over an argument that is not UTF-8.
_SUBMIT_TIME = f"utc_microseconds({raw_text('submit_time')})"
_UPDATE_TIME = f"utc_microseconds({raw_text('update_time')})"

# An exact time is parsed by Python. Texts in UTC, as uniqc writes them, are compared up to their
# hour before that, so that few times outside the filter are parsed.
_IN_UTC = "GLOB '??????????T??:*+00:00'"
_HOUR_AFTER = f"(submit_time >= :after_hour OR NOT submit_time {_IN_UTC})"
_HOUR_BEFORE = f"(submit_time < :before_hour OR NOT submit_time {_IN_UTC})"
_TOUCHED_HOUR = f"(update_time >= :touched_hour OR NOT update_time {_IN_UTC})"
_AFTER = f"{_SUBMIT_TIME} >= :after"
_BEFORE = f"{_SUBMIT_TIME} < :before"

TOUCHED = f"ifnull({_UPDATE_TIME}, -9223372036854775808)"
"""The update time as a number that sorts: an unreadable one is the oldest."""

UNDATED = f"{_SUBMIT_TIME} IS NULL"
"""True of a task whose submit time cannot be read. Every task is looked at."""

NO_DATE = f"(submit_time < '0' OR submit_time >= '{AFTER_EVERY_DIGIT}')"
"""True of a task whose submit time does not begin with a digit. The index answers."""


def time_range(
    task_filter: TaskFilter,
    *,
    order: Order,
    index: Index | None,
    start: Cursor | None,
    end: Cursor | None,
) -> Where:
    """Return a range of the index on the submit time that holds every matching task.

    It also holds some others: a day on either side of the filter's times is included, because the
    texts may be in any time zone. SQLite uses one bound at each end of a range, so a cursor, which
    is nearer, replaces the filter's own.

    Args:
        task_filter: The filter.
        order: The order of the pages, by submit time.
        index: The only index to use; None leaves the choice to SQLite.
        start: Only tasks that come after this one in the order of pages. Keyset, not OFFSET: a
            page stays where it is while tasks are added.
        end: Only tasks up to this one, itself included.
    """
    where = Where()
    column = _time_column(index)
    oldest_first = order == "oldest"
    lower, upper = (start, end) if oldest_first else (end, start)
    if end is not None:
        last = f"({_stored_time(end, 'end_time')}, :end_rowid)"
        sign = "<=" if oldest_first else ">="
        where.add(f"({column}, tasks.rowid) {sign} {last}", end_time=end.time, end_rowid=end.rowid)
    if start is not None:
        first = f"({_stored_time(start, 'start_time')}, :start_rowid)"
        sign = ">" if oldest_first else "<"
        where.add(
            f"({column}, tasks.rowid) {sign} {first}",
            start_time=start.time,
            start_rowid=start.rowid,
        )
    if lower is None and (after := task_filter.submitted_after) is not None:
        where.add(f"{column} >= :after_text", after_text=text_before(after))
    if upper is None and (before := task_filter.submitted_before) is not None:
        where.add(f"{column} < :before_text", before_text=text_after(before))
    return where


def hour_range(task_filter: TaskFilter) -> Where:
    """Return a range of whole hours that holds every matching task whose time is in UTC.

    Tasks with times in other zones all pass. No index and no parsing is needed.
    """
    where = Where()
    if (after := task_filter.submitted_after) is not None:
        where.add(_HOUR_AFTER, after_hour=_hour(after))
    if (before := task_filter.submitted_before) is not None:
        where.add(_HOUR_BEFORE, before_hour=_hour_after(before))
    return where


def exact_time(task_filter: TaskFilter) -> Where:
    """Return the filter's times to the microsecond. It calls a function that Python implements."""
    where = Where()
    if (after := task_filter.submitted_after) is not None:
        where.add(_AFTER, after=microseconds(after))
    if (before := task_filter.submitted_before) is not None:
        where.add(_BEFORE, before=microseconds(before))
    return where


def update_range(task_filter: TaskFilter) -> Where:
    """Return the filter's update times. No index has them.

    The text is compared first, so that few times outside the filter are parsed.
    """
    where = Where()
    if (after := task_filter.updated_after) is not None:
        where.add(
            f"(update_time >= :touched_text AND {_TOUCHED_HOUR} AND {_UPDATE_TIME} >= :touched)",
            touched_text=text_before(after),
            touched_hour=_hour(after),
            touched=microseconds(after),
        )
    if (before := task_filter.updated_before) is not None:
        return all_of(where, where_touched_before(before, name="touched_before"))
    return where


def where_touched_before(moment: datetime, *, name: str) -> Where:
    """Return the condition for tasks that were last updated before a moment.

    A task whose update time cannot be read does not match.

    Args:
        moment: Aware.
        name: The name of its parameters, so that a statement can hold two of these conditions.
    """
    where = Where()
    where.add(
        f"(update_time < :{name}_text AND {_UPDATE_TIME} < :{name})",
        **{name: microseconds(moment), f"{name}_text": text_after(moment)},
    )
    return where


def where_later_than(moment: datetime) -> Where:
    """Return the condition for tasks whose submit time or update time is later than a moment.

    Args:
        moment: Aware.
    """
    where = Where()
    where.add(
        f"((submit_time >= :later_text AND {_SUBMIT_TIME} > :later)"
        f" OR (update_time >= :later_text AND {_UPDATE_TIME} > :later))",
        later=microseconds(moment),
        later_text=text_before(moment),
    )
    return where


def order_by(index: Index | None, order: Order = "newest") -> str:
    """Return the order of pages by submit time, as a statement that uses this index names it."""
    direction = "ASC" if order == "oldest" else "DESC"
    return f"{_time_column(index)} {direction}, rowid {direction}"


def recent_rows(part: Part, active: str) -> Where:
    """Return the condition for the rows of a part of a large file.

    Args:
        part: The part.
        active: The condition for active tasks.
    """
    recent = f"SELECT rowid FROM tasks WHERE submit_time >= {_stored(part.is_text, 'edge')}"
    if part.with_active:
        # Both of indexes alone. The rows are then looked up in the order of the file.
        recent += f" UNION SELECT rowid FROM tasks WHERE {active}"
    where = Where()
    where.add(f"rowid {'NOT ' if part.rest else ''}IN ({recent})", edge=part.edge)
    return where


def _time_column(index: Index | None) -> str:
    return indexed("submit_time", by="time", only=index)


def _stored_time(cursor: Cursor, parameter: str) -> str:
    return _stored(cursor.is_text, parameter)


def _stored(is_text: bool, parameter: str) -> str:  # noqa: FBT001 - one use of it has a name
    # Text is bound as bytes: Python cannot bind text that is not UTF-8.
    return f"CAST(:{parameter} AS TEXT)" if is_text else f":{parameter}"


def _hour(moment: datetime) -> str:
    try:
        return moment.astimezone(UTC).isoformat()[:13]
    except OverflowError:
        return ""


def _hour_after(moment: datetime) -> str:
    try:
        return (moment.astimezone(UTC) + timedelta(hours=1)).isoformat()[:13]
    except OverflowError:
        return AFTER_EVERY_DIGIT
