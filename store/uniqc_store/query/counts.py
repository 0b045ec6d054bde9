"""Counts that do not look up each task.

The indexes hold one column each, so that counting by status and backend together looks up every
task: a second for a million. But nearly all tasks have the same status. So the others are looked
up, and the rest of each backend's tasks, which its index counts, have that status.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias, get_args

from uniqc_store.database.integrity import indexes_disagree
from uniqc_store.filters import Column
from uniqc_store.query import agreement, planner, statements
from uniqc_store.query.conditions import filter_sql
from uniqc_store.query.where import Where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Label, TaskFilter
    from uniqc_store.query.conditions import FilterSql

Counts: TypeAlias = "Counter[tuple[Label, ...]]"
"""Numbers of tasks by their values of some columns, as stored."""

MAX_STATUSES = 50
"""Distinct statuses that are counted one by one; with more of them the whole index is read."""

_COLUMNS: tuple[Column, ...] = get_args(Column)


def tally(session: Session, task_filter: TaskFilter, by: Sequence[Column]) -> Counts:
    """Return the number of matching tasks for each combination of these columns' values."""
    key = ("tally", task_filter, *by)
    return session.cache.get_or_compute(
        key, lambda: _tally(session, filter_sql(session, task_filter), by)
    )


def count(session: Session, task_filter: TaskFilter) -> int:
    """Return the number of matching tasks."""
    key = ("count", task_filter)
    return session.cache.get_or_compute(
        key, lambda: _count(session, filter_sql(session, task_filter))
    )


def _tally(session: Session, sql: FilterSql, by: Sequence[Column]) -> Counts:
    task_filter = sql.task_filter
    choice = planner.choose_index(session, sql)
    if task_filter.only_by_label and (choice is None or choice.index == "time"):
        needed: list[Column] = [
            column for column in _COLUMNS if column in by or task_filter.decides_by(column)
        ]
        return _matching(_all_tasks(session, needed), needed, task_filter, by)
    where = sql.where(index=choice.index if choice else None)
    counts = _counted(session, statements.tally(by, where), where.parameters)
    if task_filter.by_time and agreement.is_checked(session):
        by_index = sql.where(index="time")
        total = session.number(statements.count(by_index), by_index.parameters)
        if total != counts.total():
            raise indexes_disagree(counts.total(), total)
    for place, column in enumerate(by):
        agreement.check_labels(session, column, {labels[place] for labels in counts})
    return counts


def _count(session: Session, sql: FilterSql) -> int:
    task_filter = sql.task_filter
    choice = planner.choose_index(session, sql)
    by_several = task_filter.by_status or task_filter.except_backends
    if choice is None and task_filter.only_by_label and by_several:
        return tally(session, task_filter, ()).total()
    where = sql.where(index=choice.index if choice else None)
    return session.number(statements.count(where), where.parameters)


def _matching(
    counts: Counts, columns: Sequence[Column], task_filter: TaskFilter, by: Sequence[Column]
) -> Counts:
    """Return the counts of labels that match a filter, by some of their columns."""
    matching: Counts = Counter()
    for labels, number in counts.items():
        label_of = dict(zip(columns, labels, strict=True))
        status, backend = label_of.get("status", ""), label_of.get("backend", "")
        if task_filter.matches_status(status) and task_filter.matches_backend(backend):
            matching[tuple(label_of[column] for column in by)] += number
    return matching


def _all_tasks(session: Session, columns: Sequence[Column]) -> Counts:
    """Return the number of all tasks by these columns, which are in the order of ``Column``."""
    match columns:
        case ["status"]:
            count_all = _all_by_status
        case ["backend"]:
            count_all = _all_by_backend
        case ["status", "backend"]:
            count_all = _all_by_both
        case _:
            return Counter({(): _total(session)})
    return session.cache.get_or_compute(("all tasks", *columns), lambda: count_all(session))


def _total(session: Session) -> int:
    return session.cache.get_or_compute(
        ("all tasks",), lambda: session.number(statements.count(Where()))
    )


def _check_total(session: Session, counts: Counts) -> None:
    """Compare the sum of counts with the number of all tasks, which another index counts.

    Raises:
        sqlite3.DatabaseError: They differ, or a count is negative: an index is damaged.
    """
    total, found = _total(session), counts.total()
    if found != total or any(number < 0 for number in counts.values()):
        raise indexes_disagree(found, total)


def _all_by_backend(session: Session) -> Counts:
    counts = _counted(session, statements.COUNT_BY_BACKEND)
    _check_total(session, counts)
    return counts


def _all_by_status(session: Session) -> Counts:
    """Count every status but one in the index, and give the rest of the total to that one.

    SQLite counts a whole table faster than one status. The one is the last of the common ones,
    most often ``success``.
    """
    statuses = _distinct_statuses(session)
    if not statuses:
        return _counted(session, statements.tally(["status"], Where()))
    counts: Counts = Counter()
    common: list[Label] = []
    for status in statuses:
        where = Where(["status IS :status"], {"status": status})
        number = planner.count_at_most(session, where, planner.FEW_TASKS)
        if number < planner.FEW_TASKS:
            counts[status,] = number
        else:
            common.append(status)
    for status in common[:-1]:
        counts[status,] = session.number(statements.COUNT_STATUS, {"status": status})
    if common:
        counts[common[-1],] = _total(session) - counts.total()
    _check_total(session, counts)
    return counts


def _all_by_both(session: Session) -> Counts:
    """Look up the tasks of every status but the most common, whose counts are what is left."""
    by_status = _all_tasks(session, ["status"])
    ((most_common,), number), *_ = by_status.most_common(1) or [((None,), 0)]
    if not _distinct_statuses(session) or number * 2 < by_status.total():
        return _counted(session, statements.tally(_COLUMNS, Where()))
    both: Counts = Counter()
    by_backend = _all_tasks(session, ["backend"])
    left = Counter({backend: tasks for (backend,), tasks in by_backend.items()})
    for (status,) in by_status:
        if status != most_common:
            of_status = _counted(session, statements.COUNT_STATUS_BY_BACKEND, {"status": status})
            for (backend,), tasks in of_status.items():
                both[status, backend] = tasks
                left[backend] -= tasks
    for backend, tasks in left.items():
        if tasks:
            both[most_common, backend] = tasks
    _check_total(session, both)
    return both


def _counted(
    session: Session, statement: str, parameters: Mapping[str, object] | None = None
) -> Counts:
    rows = session.rows(statement, parameters)
    return Counter({tuple(labels): number for *labels, number in rows})


def _distinct_statuses(session: Session) -> list[Label]:
    """Return every status, NULL first if it occurs.

    The list is empty where there are more than ``MAX_STATUSES``, or where one of them cannot be
    the value of a parameter.
    """
    return session.cache.get_or_compute(
        "distinct statuses", lambda: _find_distinct_statuses(session)
    )


def _find_distinct_statuses(session: Session) -> list[Label]:
    rows = session.rows(statements.STATUSES, {"limit": MAX_STATUSES + 1})
    statuses: list[Label] = [row[0] for row in rows]
    if len(statuses) > MAX_STATUSES or not all(map(_can_be_bound, statuses)):
        return []
    if session.number(statements.COUNT_STATUS, {"status": None}):
        statuses.insert(0, None)
    return statuses


def _can_be_bound(label: Label) -> bool:
    """Return whether a value can be bound to a parameter, which text that is not UTF-8 cannot."""
    try:
        str(label).encode()
    except UnicodeEncodeError:
        return False
    return True
