"""Filters as SQL conditions. Values are always parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from uniqc_store.filters import ACTIVE, ANY, FINISHED
from uniqc_store.rows import parse_json
from uniqc_store.tasks import assume_local, parse_time

if TYPE_CHECKING:
    import sqlite3

    from uniqc_store.filters import Cursor, TaskFilter

Parameters = dict[str, object]

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

# The first half is about text and lets the index on submit_time leave most rows out; zones are
# at most 15 hours from UTC. The second half is about time.
_SUBMITTED_AFTER = "(submit_time >= :after_text AND utc_microseconds(submit_time) >= :after)"
_SUBMITTED_BEFORE = "(submit_time < :before_text AND utc_microseconds(submit_time) < :before)"
_WIDEST_ZONE = timedelta(hours=15)

_UNDATED = "utc_microseconds(submit_time) IS NULL"

# Tasks without a name are told apart without parsing their JSON.
_NAME_CONTAINS = (
    "(instr(metadata_json, '\"task_name\"') > 0 AND name_contains(metadata_json, :name))"
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


def where_matching(task_filter: TaskFilter) -> Where:
    """All that a filter says. The connection needs :func:`add_functions`."""
    where = _where_untimed(task_filter)
    if (after := task_filter.submitted_after) is not None:
        earliest = _day(after, -_WIDEST_ZONE)
        where.add(_SUBMITTED_AFTER, after=_microseconds(after), after_text=earliest)
    if (before := task_filter.submitted_before) is not None:
        # ':' sorts after every digit, so that the whole of the day is before it.
        latest = f"{_day(before, _WIDEST_ZONE)}:"
        where.add(_SUBMITTED_BEFORE, before=_microseconds(before), before_text=latest)
    return where


def where_undated(task_filter: TaskFilter) -> Where:
    """The tasks that a filter's times leave out for having no time that can be read."""
    where = _where_untimed(task_filter)
    where.add(_UNDATED)
    return where


def _where_untimed(task_filter: TaskFilter) -> Where:
    where = Where()
    if task_filter.status == ACTIVE:
        where.add(_STATUS_ACTIVE)
    elif task_filter.status == FINISHED:
        where.add(_STATUS_FINISHED)
    elif task_filter.status != ANY:
        where.add(_STATUS_IS, status=task_filter.status)
    if task_filter.backend:
        condition = _BACKEND_IS if ":" in task_filter.backend else _PLATFORM_IS
        where.add(condition, backend=task_filter.backend)
    if task_filter.name_contains:
        where.add(_NAME_CONTAINS, name=task_filter.name_contains.casefold())
    return where


def start_after(where: Where, cursor: Cursor) -> None:
    """Begin after a cursor: keyset, not OFFSET, so that a page stays put while tasks are added."""
    # The text as stored, which need not be UTF-8 and then can't be bound as text.
    time = "CAST(:cursor_time AS TEXT)" if cursor.is_text else ":cursor_time"
    where.add(
        f"(submit_time, rowid) < ({time}, :cursor_rowid)",
        cursor_time=cursor.time,
        cursor_rowid=cursor.rowid,
    )


def add_functions(connection: sqlite3.Connection) -> None:
    """Teach a connection the functions that the conditions call."""
    connection.create_function("utc_microseconds", 1, _stored_microseconds, deterministic=True)
    connection.create_function("name_contains", 2, _name_contains, deterministic=True)


def _stored_microseconds(stored: object) -> int | None:
    moment = parse_time(stored) if isinstance(stored, str) else None
    return None if moment is None else _microseconds(assume_local(moment))


def _name_contains(stored: object, needle: str) -> bool:
    try:
        metadata = parse_json(stored) if isinstance(stored, str) else None
    except ValueError:
        return False
    name = metadata.get("task_name") if isinstance(metadata, dict) else None
    return isinstance(name, str) and needle in name.casefold()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _day(moment: datetime, shift: timedelta) -> str:
    """The date, in the zone that is farthest to one side, as text that sorts with times."""
    try:
        return (moment.astimezone(UTC) + shift).date().isoformat()
    except OverflowError:
        return moment.date().isoformat()
