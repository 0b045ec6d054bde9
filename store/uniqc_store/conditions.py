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

    from uniqc_store.filters import Cursor, TaskFilter
    from uniqc_store.policy import ClearPolicy

Parameters = dict[str, object]
Index = Literal["status", "backend", "time"]
"""The index to go by: that of a label, or that of the submit time, which is the order of pages."""

_LABEL = re.compile(r"(?<![:\w])(status|backend)\b")

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

# The first half is about text and lets the index on submit_time leave most rows out; ISO 8601
# allows any zone of less than a day. The second half is about time.
_SUBMITTED_AFTER = f"(submit_time >= :after_text AND {_SUBMIT_TIME} >= :after)"
_SUBMITTED_BEFORE = f"(submit_time < :before_text AND {_SUBMIT_TIME} < :before)"
_WIDEST_ZONE = timedelta(days=1)

_NO_ACTIVE_JOB = f"""NOT EXISTS (
    SELECT 1 FROM task_shards AS job WHERE job.uniqc_task_id = tasks.task_id
        AND NOT job.{_STATUS_FINISHED}
)"""

_UNDATED = f"{_SUBMIT_TIME} IS NULL"

# Tasks without a name are told apart without parsing their JSON.
_NAME_CONTAINS = (
    "(instr(metadata_json, '\"task_name\"') > 0 "
    f"AND name_contains({raw_text('metadata_json')}, :name))"
)


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


def where_matching(task_filter: TaskFilter, *, index: Index | None = None) -> Where:
    """All that a filter says. The connection needs :func:`add_functions`.

    With an index, only that one is used for labels: SQLite's planner, without statistics, goes
    by the index of a status that nearly all tasks have, and then sorts them.
    """
    where = _where_untimed(task_filter, index=index)
    if (after := task_filter.submitted_after) is not None:
        earliest = _text_before(after)
        where.add(_SUBMITTED_AFTER, after=_microseconds(after), after_text=earliest)
    if (before := task_filter.submitted_before) is not None:
        latest = _text_after(before)
        where.add(_SUBMITTED_BEFORE, before=_microseconds(before), before_text=latest)
    return where


def where_undated(task_filter: TaskFilter) -> Where:
    """The tasks that a filter's times leave out for having no time that can be read."""
    where = _where_untimed(task_filter)
    where.add(_UNDATED)
    return where


def _where_untimed(task_filter: TaskFilter, *, index: Index | None = None) -> Where:
    where = Where()
    for column, condition, parameters in _labels(task_filter):
        where.add(condition if index in (None, column) else _past_index(condition), **parameters)
    if task_filter.name_contains:
        where.add(_NAME_CONTAINS, name=task_filter.name_contains.casefold())
    return where


def selective(task_filter: TaskFilter) -> Iterator[tuple[Index, Where]]:
    """What of a filter an index can find by itself."""
    for column, condition, parameters in _labels(task_filter):
        yield column, Where([condition], dict(parameters))


def _labels(task_filter: TaskFilter) -> Iterator[tuple[Index, str, Parameters]]:
    if task_filter.status == ACTIVE:
        yield "status", _STATUS_ACTIVE, {}
    elif task_filter.status == FINISHED:
        yield "status", _STATUS_FINISHED, {}
    elif task_filter.status != ANY:
        yield "status", _STATUS_IS, {"status": task_filter.status}
    if task_filter.backend:
        condition = _BACKEND_IS if ":" in task_filter.backend else _PLATFORM_IS
        yield "backend", condition, {"backend": task_filter.backend}


def _past_index(condition: str) -> str:
    """The same, with SQLite's unary plus, which keeps its planner from the column's index."""
    return _LABEL.sub(r"+\1", condition)


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


def order_by(index: Index) -> str:
    """The column that pages are ordered by, out of its index's reach where another is to serve."""
    return "submit_time" if index == "time" else "+submit_time"


def start_after(where: Where, cursor: Cursor, *, index: Index) -> None:
    """Begin after a cursor: keyset, not OFFSET, so that a page stays put while tasks are added."""
    # The text as stored, which need not be UTF-8 and then can't be bound as text.
    time = "CAST(:cursor_time AS TEXT)" if cursor.is_text else ":cursor_time"
    where.add(
        f"({order_by(index)}, rowid) < ({time}, :cursor_rowid)",
        cursor_time=cursor.time,
        cursor_rowid=cursor.rowid,
    )


def add_functions(connection: sqlite3.Connection) -> None:
    """Teach a connection the functions that the conditions call."""
    connection.create_function("utc_microseconds", 1, _stored_microseconds, deterministic=True)
    connection.create_function("metadata_text", 2, _metadata_text, deterministic=True)
    connection.create_function("name_contains", 2, _name_contains, deterministic=True)


def _stored_microseconds(stored: object) -> int | None:
    moment = parse_time(readable(stored)[0]) if isinstance(stored, bytes) else None
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
    return (moment - _EPOCH) // timedelta(microseconds=1)


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
