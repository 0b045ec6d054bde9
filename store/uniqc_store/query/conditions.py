"""A filter as SQL conditions. Values are always parameters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from uniqc_store.filters import ACTIVE, ANY, FINISHED
from uniqc_store.query import time_conditions
from uniqc_store.query.name_conditions import name_contains
from uniqc_store.query.where import Where, all_of, indexed
from uniqc_store.rows import raw_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store.cursors import Cursor, Part
    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Column, Order, TaskFilter
    from uniqc_store.query.statements import TaskTable
    from uniqc_store.query.where import Index

_BACKEND_OF_ROW = f"backend_is_among({raw_text('backend')}, :backend)"
_BACKEND_BY_INDEX = f"""{{column}} IN (
    WITH RECURSIVE labels(label) AS (
        SELECT MIN(backend) FROM tasks AS every
        UNION ALL
        SELECT (SELECT MIN(backend) FROM tasks AS every WHERE backend > label) FROM labels
        WHERE label IS NOT NULL
    )
    SELECT label FROM labels
    WHERE label IS NOT NULL AND backend_is_among({raw_text("label")}, :backend)
)"""
# The distinct labels are found by one seek each in their index, and compared by the function that
# compares them in Python. The rows are then found by whole labels.


class FilterSql:
    """The SQL of one filter, built once for each request.

    Each method returns a clause of its own, which the caller may add to.
    """

    def __init__(
        self,
        task_filter: TaskFilter,
        order: Order = "newest",
        *,
        table: TaskTable = "tasks",
        has_errors: bool = True,
    ) -> None:
        """Build the conditions that depend on the filter alone.

        Args:
            task_filter: The filter.
            order: The order of the pages that cursors belong to.
            table: The table of the tasks.
            has_errors: Whether the table has error messages, which the first two schemas have not.
        """
        self.task_filter = task_filter
        self.order: Order = order
        self._table: TaskTable = table
        self._exact_time = time_conditions.exact_time(task_filter)
        self._hours = time_conditions.hour_range(task_filter)
        self._unindexed = all_of(
            time_conditions.update_range(task_filter),
            _backend_is_not_among(task_filter.except_backends),
            _error_contains(task_filter.error_contains, has_errors=has_errors),
        )
        self.ids = _id_is_among(task_filter.task_ids)
        self._name = name_contains(task_filter.name_contains)

    def where(
        self,
        *,
        index: Index | None = None,
        start: Cursor | None = None,
        end: Cursor | None = None,
    ) -> Where:
        """Return everything that the filter says. The SQL calls slow functions in Python.

        Args:
            index: The only index to use; None leaves the choice to SQLite.
            start: Only tasks that come after this one in the order of pages.
            end: Only tasks up to this one, itself included.
        """
        return all_of(
            self.labels(index=index),
            self.time_range(index=index, start=start, end=end),
            self._hours,
            self.ids,
            self._unindexed,
            _time_and_name(self._exact_time, self._name),
        )

    def labels(self, *, index: Index | None = None) -> Where:
        """Return what the filter says of status and backend."""
        return all_of(self.label("status", index=index), self.label("backend", index=index))

    def label(self, column: Column, *, index: Index | None = None) -> Where:
        """Return what the filter says of one of these columns."""
        name = indexed(column, by=column, only=index)
        if column == "status":
            return _status_matches(self.task_filter.statuses, name)
        backend = self.task_filter.backend
        if not backend:
            return Where()
        condition = _BACKEND_OF_ROW if self._table == "archived_tasks" else _BACKEND_BY_INDEX
        return Where([condition.format(column=name)], {"backend": json.dumps([backend])})

    def time_range(
        self,
        *,
        index: Index | None = "time",
        start: Cursor | None = None,
        end: Cursor | None = None,
    ) -> Where:
        """Return what the index on the submit time can answer: all matching tasks, and some more.

        The arguments are those of :meth:`where`.
        """
        return time_conditions.time_range(
            self.task_filter, order=self.order, index=index, start=start, end=end
        )

    def active(self) -> Where:
        """Return the condition for active tasks, whatever the filter says."""
        return Where([_active_condition("status")])

    def part(self, part: Part) -> Where:
        """Return the condition for a part of a large file."""
        return time_conditions.recent_rows(part, _active_condition("status"))

    def undated(self) -> Where:
        """Return the conditions for tasks whose submit time cannot be read.

        The filter's other conditions count.
        """
        others = all_of(self.ids, self._unindexed, self._name)
        return all_of(self.labels(), others, Where([time_conditions.UNDATED]))

    def without_date(self) -> Where:
        """Return the conditions for a cheap part of `undated`: times that begin with no digit.

        The index on the submit time finds them.
        """
        others = all_of(self.ids, self._unindexed, self._name)
        return all_of(self.labels(index="time"), others, Where([time_conditions.NO_DATE]))


def filter_sql(
    session: Session,
    task_filter: TaskFilter,
    order: Order = "newest",
    *,
    table: TaskTable = "tasks",
) -> FilterSql:
    """Return the SQL of a filter for the tables that a file has."""
    has_errors = "error_message" in session.layout.columns(table)
    return FilterSql(task_filter, order, table=table, has_errors=has_errors)


def where_equal(*, status: str | None, backend: str | None) -> Where:
    """Return the conditions for exact values, as in uniqc's own API; None is any value."""
    where = Where()
    if status is not None:
        where.add("status = :status", status=status)
    if backend is not None:
        where.add("backend = :backend", backend=backend)
    return where


def finished_condition(status: str = "status") -> str:
    """Return the SQL that is true of a terminal status.

    Args:
        status: The column, as the statement names it.
    """
    return f"{status} IN ('cancelled', 'failed', 'success')"


def backend_condition(backend: str, *, column: str = "backend", parameter: str = "backend") -> str:
    """Return the SQL that is true of a backend, or of a platform and all of its backends.

    Args:
        backend: The value; with a colon it is one backend's label, without one a platform.
        column: The column, as the statement names it.
        parameter: The name of the parameter that the value is bound to.
    """
    if ":" in backend:
        return f"{column} = :{parameter}"
    # The next character after ':' is ';'. So this is the range of all texts that begin with the
    # platform and a colon.
    backends = f"{column} >= :{parameter} || ':' AND {column} < :{parameter} || ';'"
    return f"({column} = :{parameter} OR ({backends}))"


def _status_matches(statuses: Sequence[str], column: str) -> Where:
    if ANY in statuses:
        return Where()
    groups = {ACTIVE: _active_condition(column), FINISHED: finished_condition(column)}
    names = {f"status_{n}": name for n, name in enumerate(statuses) if name not in groups}
    alternatives = [groups[name] for name in statuses if name in groups]
    alternatives += [f"{column} = :{parameter}" for parameter in names]
    where = Where()
    where.add(f"({' OR '.join(alternatives)})", **names)
    return where


def _backend_is_not_among(names: Sequence[str]) -> Where:
    if not names:
        return Where()
    condition = f"NOT {_BACKEND_OF_ROW}".format(column="backend").replace(":backend", ":excepted")
    return Where([condition], {"excepted": json.dumps(names)})


def _id_is_among(task_ids: Sequence[str]) -> Where:
    if not task_ids:
        return Where()
    listed = "task_id IN (SELECT value FROM json_each(:task_ids))"
    return Where([listed], {"task_ids": json.dumps(task_ids)})


def _error_contains(part: str, *, has_errors: bool) -> Where:
    if not part:
        return Where()
    if not has_errors:
        return Where(["FALSE"])
    contains = f"text_contains({raw_text('error_message')}, :error_part)"
    return Where([f"(error_message IS NOT NULL AND {contains})"], {"error_part": part.casefold()})


def _active_condition(status: str) -> str:
    # Ranges, not NOT IN: the index on status then finds the few active tasks.
    return f"""(
        {status} < 'cancelled'
        OR ({status} > 'cancelled' AND {status} < 'failed')
        OR ({status} > 'failed' AND {status} < 'success')
        OR {status} > 'success'
    )"""


def _time_and_name(exact_time: Where, name: Where) -> Where:
    """Return both conditions, the name's tested first.

    Few tasks have the name, and nearly all that are left have the time. Left alone, SQLite tests
    the time first because that needs no table lookup.
    """
    if not (exact_time.conditions and name.conditions):
        return all_of(exact_time, name)
    has_name, in_time = " AND ".join(name.conditions), " AND ".join(exact_time.conditions)
    either = Where([f"CASE WHEN {has_name} THEN {in_time} END"])
    either.parameters |= name.parameters | exact_time.parameters
    return either
