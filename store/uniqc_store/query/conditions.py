"""Filters as SQL conditions. Values are always parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from uniqc_store.filters import ACTIVE, ANY, FINISHED
from uniqc_store.query import time_conditions
from uniqc_store.query.where import Where, all_of, hide_from_index
from uniqc_store.rows import raw_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_store.filters import Column, Cursor, Label, TaskFilter
    from uniqc_store.query.where import Index, Parameters

_STATUS_IS = "status = :status"
STATUS_FINISHED = "status IN ('cancelled', 'failed', 'success')"
# Written as ranges: the index on status then finds the few active tasks among many finished ones.
_STATUS_ACTIVE = """(
    status < 'cancelled'
    OR (status > 'cancelled' AND status < 'failed')
    OR (status > 'failed' AND status < 'success')
    OR status > 'success'
)"""

BACKEND_IS = "backend = :backend"
# The platform's own tasks and those of its backends: ';' comes right after ':' in ASCII.
PLATFORM_IS = "(backend = :backend OR (backend >= :backend || ':' AND backend < :backend || ';'))"

# Most tasks are told apart without parsing their JSON: where that is plain ASCII, and so as many
# characters as bytes, by LIKE, which knows the upper and lower case of just that.
_NAME_CONTAINS = f"""(
    instr(metadata_json, '"task_name"') > 0
    AND (
        metadata_json LIKE :name_like ESCAPE '!'
        OR length(metadata_json) <> length(CAST(metadata_json AS BLOB))
        OR metadata_json GLOB '*\\u*'
    )
    AND name_contains({raw_text("metadata_json")}, :name)
)"""
# Written in JSON with a backslash, or what stands for a byte that is no UTF-8, which counts as one
# character; or too long for LIKE's patterns.
_NOT_FOR_LIKE = re.compile(r'["\\/\x00-\x1f\ufffd]|.{1000}', re.DOTALL)
_LIKE_SPECIAL = re.compile(r"[%_!]")


def where_equal(*, status: str | None, backend: str | None) -> Where:
    """Exact values, as uniqc's own API has them."""
    where = Where()
    if status is not None:
        where.add(_STATUS_IS, status=status)
    if backend is not None:
        where.add(BACKEND_IS, backend=backend)
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
        start: The tasks come after it.
        end: They go no further than to it.
    """
    labels = _where_labels(task_filter, index=index)
    stretch = time_conditions.time_range(task_filter, index=index, start=start, end=end)
    hours = time_conditions.hour_range(task_filter)
    in_time = time_conditions.exact_time(task_filter)
    name = _where_name(task_filter)
    if name.conditions and in_time.conditions:
        # By the hour nearly all are of these times, and few have the name. SQLite would begin
        # with the times, as no task need be looked at for them.
        (has_name,) = name.conditions
        either = f"CASE WHEN {has_name} THEN {' AND '.join(in_time.conditions)} END"
        name, in_time = Where([either], name.parameters | in_time.parameters), Where()
    return all_of(labels, stretch, hours, in_time, name)


def where_undated(task_filter: TaskFilter) -> Where:
    """The tasks that a filter's times leave out for having no time that can be read."""
    untimed = all_of(_where_labels(task_filter), _where_name(task_filter))
    return all_of(untimed, Where([time_conditions.UNDATED]))


def where_no_date(task_filter: TaskFilter) -> Where:
    """Those of them whose submit time doesn't begin like a date, which its index finds."""
    untimed = all_of(_where_labels(task_filter, index="time"), _where_name(task_filter))
    return all_of(untimed, Where([time_conditions.NO_DATE]))


def _where_labels(task_filter: TaskFilter, *, index: Index | None = None) -> Where:
    where = Where()
    for column, condition, parameters in _labels(task_filter):
        where.add(hide_from_index(condition, column, index), **parameters)
    return where


def _where_name(task_filter: TaskFilter) -> Where:
    if not task_filter.name_contains:
        return Where()
    name = task_filter.name_contains.casefold()
    return Where([_NAME_CONTAINS], {"name": name, "name_like": _like(name)})


def _like(name: str) -> str:
    return "%" if _NOT_FOR_LIKE.search(name) else "%" + _LIKE_SPECIAL.sub(r"!\g<0>", name) + "%"


def label_condition(task_filter: TaskFilter, column: Column) -> Where:
    """What of a filter the index of a column can find."""
    where = Where()
    for labelled, condition, parameters in _labels(task_filter):
        if labelled == column:
            where.add(condition, **parameters)
    return where


def rowid_in(chosen: Where) -> Where:
    """The tasks of those rows that are chosen by others of their columns."""
    rows = f"SELECT rowid FROM tasks {chosen.sql}"
    return Where([f"+tasks.rowid IN ({rows})"], {**chosen.parameters})


def label_in(column: Column, labels: Sequence[Label]) -> Where:
    """The tasks with one of these labels."""
    named = {f"{column}_{number}": label for number, label in enumerate(labels)}
    return Where([f"{column} IN ({', '.join(f':{name}' for name in named)})"], {**named})


def _labels(task_filter: TaskFilter) -> Iterator[tuple[Column, str, Parameters]]:
    if task_filter.status == ACTIVE:
        yield "status", _STATUS_ACTIVE, {}
    elif task_filter.status == FINISHED:
        yield "status", STATUS_FINISHED, {}
    elif task_filter.status != ANY:
        yield "status", _STATUS_IS, {"status": task_filter.status}
    if task_filter.backend:
        condition = BACKEND_IS if ":" in task_filter.backend else PLATFORM_IS
        yield "backend", condition, {"backend": task_filter.backend}
