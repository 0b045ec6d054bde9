"""Filters as SQL conditions. Values are always parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from uniqc_store.filters import ACTIVE, ANY, FINISHED
from uniqc_store.rows import parse_json, raw_text, readable
from uniqc_store.tasks import TERMINAL_STATUSES, assume_local, parse_time

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from uniqc_store.filters import Column, Cursor, Label, TaskFilter
    from uniqc_store.policy import ClearPolicy

Parameters = dict[str, object]
Index = Literal["status", "backend", "time", "row"]
"""What to go by: the index of a label, or that of the submit time, which is the order of pages, or
none, where it is known which rows are meant."""

_INDEXED = re.compile(r"(?<![:\w])(status|backend|submit_time)\b")

_STATUS_IS = "status = :status"
_STATUS_FINISHED = "status IN ('cancelled', 'failed', 'success')"
# Written as ranges: the index on status then finds the few active tasks among many finished ones.
_STATUS_ACTIVE = """(
    status < 'cancelled'
    OR (status > 'cancelled' AND status < 'failed')
    OR (status > 'failed' AND status < 'success')
    OR status > 'success'
)"""

_BACKEND_IS = "backend = :backend"
# The platform's own tasks and those of its backends: ';' comes right after ':' in ASCII.
_PLATFORM_IS = "(backend = :backend OR (backend >= :backend || ':' AND backend < :backend || ';'))"

# Python hands a function no text that isn't UTF-8, but fails the whole statement.
_SUBMIT_TIME = f"utc_microseconds({raw_text('submit_time')})"
_UPDATE_TIME = f"utc_microseconds({raw_text('update_time')})"

# First about text, which lets the index on submit_time leave most rows out; ISO 8601 allows any
# zone of less than a day. Then about text in UTC, as uniqc writes it, by the hour. At last, and
# only for what is left, about time.
_TEXT_AFTER = "submit_time >= :after_text"
_TEXT_BEFORE = "submit_time < :before_text"
_IN_UTC = "submit_time GLOB '??????????T??:*+00:00'"
_SUBMITTED_AFTER = f"""(
    {_TEXT_AFTER} AND (submit_time >= :after_hour OR NOT {_IN_UTC}) AND {_SUBMIT_TIME} >= :after
)"""
_SUBMITTED_BEFORE = f"""(
    {_TEXT_BEFORE} AND (submit_time < :before_hour OR NOT {_IN_UTC}) AND {_SUBMIT_TIME} < :before
)"""
_WIDEST_ZONE = timedelta(days=1)

_NO_ACTIVE_JOB = f"""NOT EXISTS (
    SELECT 1 FROM task_shards AS job WHERE job.uniqc_task_id = tasks.task_id
        AND NOT job.{_STATUS_FINISHED}
)"""

_UNDATED = f"{_SUBMIT_TIME} IS NULL"
# As the index tells it: no date begins with anything but a digit, and ':' comes after the last.
_NO_DATE = "(submit_time < '0' OR submit_time >= ':')"

# Most tasks are told apart without parsing their JSON: where that is plain ASCII, and so as many
# characters as bytes, by LIKE, which knows the upper and lower case of just that.
_NAME_CONTAINS = f"""(
    instr(metadata_json, '"task_name"') > 0
    AND (
        metadata_json LIKE :name_like ESCAPE '!'
        OR length(metadata_json) <> length(CAST(metadata_json AS BLOB))
        OR instr(metadata_json, '\\u') > 0
    )
    AND name_contains({raw_text("metadata_json")}, :name)
)"""
# Written in JSON with a backslash, or what stands for a byte that is no UTF-8, which counts as one
# character; or too long for LIKE's patterns.
_NOT_FOR_LIKE = re.compile(r'["\\/\x00-\x1f\ufffd]|.{1000}', re.DOTALL)
_LIKE_SPECIAL = re.compile(r"[%_!]")


@dataclass(slots=True)
class Where:
    """The conditions of a statement and the values of their parameters."""

    conditions: list[str] = field(default_factory=list[str])
    parameters: Parameters = field(default_factory=dict[str, object])

    def add(self, condition: str, **parameters: object) -> None:
        self.conditions.append(condition)
        self.parameters.update(parameters)

    @property
    def sql(self) -> str:
        return f"WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


def where_equal(*, status: str | None, backend: str | None) -> Where:
    """Exact values, as uniqc's own API has them."""
    where = Where()
    if status is not None:
        where.add(_STATUS_IS, status=status)
    if backend is not None:
        where.add(_BACKEND_IS, backend=backend)
    return where


def where_matching(
    task_filter: TaskFilter,
    *,
    index: Index | None = None,
    start: Cursor | None = None,
    end: Cursor | None = None,
) -> Where:
    """All that a filter says. It calls functions of ours.

    Args:
        task_filter: The filter.
        index: The only one that is used: SQLite's planner, without statistics, goes by the index
            of a status that nearly all tasks have, and then sorts them.
        start: The tasks come after it. Keyset, not OFFSET, so that a page stays put while tasks
            are added.
        end: They go no further than to it.
    """
    where = _where_untimed(task_filter, index=index)
    # SQLite takes one bound of an index: where the stretch begins or ends is the nearer one.
    if (after := task_filter.submitted_after) is not None:
        where.add(
            _for_index(_SUBMITTED_AFTER, "time", "row" if end else index),
            after_text=_text_before(after),
            after=_microseconds(after),
            after_hour=_hour(after),
        )
    if (before := task_filter.submitted_before) is not None:
        where.add(
            _for_index(_SUBMITTED_BEFORE, "time", "row" if start else index),
            before_text=_text_after(before),
            before=_microseconds(before),
            before_hour=_hour(before, 1),
        )
    if start is not None:
        start_after(where, start, index=index)
    if end is not None:
        _end_with(where, end, index=index)
    return where


def where_text_in_time(task_filter: TaskFilter, *, start: Cursor | None = None) -> Where:
    """What the index on the submit time knows of a filter: some more tasks than it lets through.

    Those after a cursor, if there is one.
    """
    where = Where()
    if (after := task_filter.submitted_after) is not None:
        where.add(_TEXT_AFTER, after_text=_text_before(after))
    if start is not None:
        start_after(where, start, index="time")
    elif (before := task_filter.submitted_before) is not None:
        where.add(_TEXT_BEFORE, before_text=_text_after(before))
    return where


def where_time_between(task_filter: TaskFilter, start: Cursor | None, end: Cursor) -> Where:
    """What the index on the submit time knows of a filter from a cursor to another, and some more.

    Those of the very same time are all in: to tell them apart takes as long as all the rest.
    """
    where = Where([f"submit_time >= {_time(end, 'end')}"], {"end_time": end.time})
    if start is not None:
        where.add(f"submit_time <= {_time(start, 'cursor')}", cursor_time=start.time)
    elif (before := task_filter.submitted_before) is not None:
        where.add(_TEXT_BEFORE, before_text=_text_after(before))
    return where


def where_undated(task_filter: TaskFilter) -> Where:
    """The tasks that a filter's times leave out for having no time that can be read."""
    where = _where_untimed(task_filter)
    where.add(_UNDATED)
    return where


def where_no_date(task_filter: TaskFilter) -> Where:
    """Those of them whose submit time doesn't begin like a date, which its index finds."""
    where = _where_untimed(task_filter, index="time")
    where.add(_NO_DATE)
    return where


def _where_untimed(task_filter: TaskFilter, *, index: Index | None = None) -> Where:
    where = Where()
    for column, condition, parameters in _labels(task_filter):
        where.add(_for_index(condition, column, index), **parameters)
    if task_filter.name_contains:
        name = task_filter.name_contains.casefold()
        where.add(_NAME_CONTAINS, name=name, name_like=_like(name))
    return where


def _like(name: str) -> str:
    return "%" if _NOT_FOR_LIKE.search(name) else "%" + _LIKE_SPECIAL.sub(r"!\g<0>", name) + "%"


def where_label(task_filter: TaskFilter, column: Column) -> Where:
    """What of a filter the index of a column can find."""
    where = Where()
    for labelled, condition, parameters in _labels(task_filter):
        if labelled == column:
            where.add(condition, **parameters)
    return where


def where_among(chosen: Where) -> Where:
    """The tasks of those rows that are chosen by others of their columns."""
    rows = f"SELECT rowid FROM tasks {chosen.sql}"
    return Where([f"+tasks.rowid IN ({rows})"], {**chosen.parameters})


def where_one_of(column: Column, labels: Sequence[Label]) -> Where:
    """The tasks with one of these labels."""
    named = {f"{column}_{number}": label for number, label in enumerate(labels)}
    return Where([f"{column} IN ({', '.join(f':{name}' for name in named)})"], {**named})


def _labels(task_filter: TaskFilter) -> Iterator[tuple[Column, str, Parameters]]:
    if task_filter.status == ACTIVE:
        yield "status", _STATUS_ACTIVE, {}
    elif task_filter.status == FINISHED:
        yield "status", _STATUS_FINISHED, {}
    elif task_filter.status != ANY:
        yield "status", _STATUS_IS, {"status": task_filter.status}
    if task_filter.backend:
        condition = _BACKEND_IS if ":" in task_filter.backend else _PLATFORM_IS
        yield "backend", condition, {"backend": task_filter.backend}


def _for_index(condition: str, column: Index, index: Index | None) -> str:
    """The same, with SQLite's unary plus where another index is to serve than the column's own."""
    if index in (None, column):
        return condition
    return _INDEXED.sub(r"+\1", condition)


def policy_steps(
    policy: ClearPolicy, *, touched_before: datetime, with_shards: bool
) -> list[tuple[str, Where]]:
    """What a policy asks of a task, one by one, each with what to say of those it leaves out."""
    finished = Where()
    finished.add(_STATUS_FINISHED)
    steps = [("not finished", finished)]
    if set(policy.statuses) < set(TERMINAL_STATUSES):
        steps.append(("status not allowed", _where_status_in(policy.statuses)))
    if policy.backends:
        steps.append(("backend not allowed", _where_backends(policy.backends)))
    if policy.min_age:
        aged = where_touched_before(touched_before, name="policy_age")
        steps.append(("touched too recently", aged))
    if with_shards:
        jobs = Where()
        jobs.add(_NO_ACTIVE_JOB)
        steps.append(("a platform job is not finished", jobs))
    return steps


def where_touched_before(moment: datetime, *, name: str) -> Where:
    """Tasks that were last touched before a moment; one with no readable time is none.

    Its parameters bear the name, so that two of these can stand in one statement.
    """
    where = Where()
    where.add(
        f"(update_time < :{name}_text AND {_UPDATE_TIME} < :{name})",
        **{name: _microseconds(moment), f"{name}_text": _text_after(moment)},
    )
    return where


def all_of(*wheres: Where) -> Where:
    """Conditions together."""
    together = Where()
    for where in wheres:
        together.conditions += where.conditions
        together.parameters |= where.parameters
    return together


def _where_status_in(statuses: Sequence[str]) -> Where:
    names = {f"allowed_{index}": status for index, status in enumerate(statuses)}
    where = Where()
    where.add(f"status IN ({', '.join(f':{name}' for name in names)})", **names)
    return where


def _where_backends(backends: Sequence[str]) -> Where:
    where = Where()
    either: list[str] = []
    for index, backend in enumerate(backends):
        name = f"allowed_backend_{index}"
        condition = _BACKEND_IS if ":" in backend else _PLATFORM_IS
        either.append(condition.replace(":backend", f":{name}"))
        where.parameters[name] = backend
    where.conditions.append(f"({' OR '.join(either)})")
    return where


def order_by(index: Index | None) -> str:
    """The column that pages are ordered by, out of its index's reach where another is to serve."""
    return _for_index("submit_time", "time", index)


def start_after(where: Where, cursor: Cursor, *, index: Index | None) -> None:
    """Only what comes after a cursor, in the order of pages."""
    where.add(
        f"({order_by(index)}, tasks.rowid) < {_place(cursor, 'cursor')}",
        cursor_time=cursor.time,
        cursor_rowid=cursor.rowid,
    )


def _end_with(where: Where, cursor: Cursor, *, index: Index | None) -> None:
    where.add(
        f"({order_by(index)}, tasks.rowid) >= {_place(cursor, 'end')}",
        end_time=cursor.time,
        end_rowid=cursor.rowid,
    )


def _place(cursor: Cursor, name: str) -> str:
    return f"({_time(cursor, name)}, :{name}_rowid)"


def _time(cursor: Cursor, name: str) -> str:
    # The text as stored, which need not be UTF-8 and then can't be bound as text.
    return f"CAST(:{name}_time AS TEXT)" if cursor.is_text else f":{name}_time"


def add_functions(connection: sqlite3.Connection) -> None:
    """Teach a connection the functions that the conditions call."""
    connection.create_function("utc_microseconds", 1, _stored_microseconds, deterministic=True)
    connection.create_function("metadata_text", 2, _metadata_text, deterministic=True)
    connection.create_function("name_contains", 2, _name_contains, deterministic=True)


def _stored_microseconds(stored: object) -> int | None:
    moment = parse_time(stored.decode(errors="replace")) if isinstance(stored, bytes) else None
    return None if moment is None else _microseconds(assume_local(moment))


def _name_contains(stored: object, needle: str) -> bool:
    name = _metadata_text(stored, "task_name")
    return name is not None and needle in name.casefold()


def _metadata_text(stored: object, key: str) -> str | None:
    try:
        metadata = parse_json(readable(stored)[0]) if isinstance(stored, bytes) else None
    except ValueError:
        return None
    text = metadata.get(key) if isinstance(metadata, dict) else None
    return text if isinstance(text, str) else None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(moment: datetime) -> int:
    # Dividing by a timedelta takes twice as long.
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


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
