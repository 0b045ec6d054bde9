"""Counts, without looking up each task.

uniqc's indices hold one label each, so that counting by status and backend together looks up
every task: a second for a million. But nearly all tasks have one status. How many of those each
backend has is what is left of its tasks, which its index tells, once the few others are looked
up.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias, get_args

from uniqc_store.filters import Column
from uniqc_store.query import conditions, distinct_values, planner, statements
from uniqc_store.query.where import Where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Label, TaskFilter

Counts: TypeAlias = "Counter[tuple[Label, ...]]"

_COLUMNS: tuple[Column, ...] = get_args(Column)


def tally(session: Session, task_filter: TaskFilter, by: Sequence[Column]) -> Counts:
    """How many tasks there are by each of the columns, as their labels are stored."""
    key = ("tally", task_filter, *by)
    return session.cache.get_or_compute(key, lambda: _tally(session, task_filter, by))


def count(session: Session, task_filter: TaskFilter) -> int:
    """How many tasks there are."""
    return session.cache.get_or_compute(
        ("count", task_filter), lambda: _count(session, task_filter)
    )


def _tally(session: Session, task_filter: TaskFilter, by: Sequence[Column]) -> Counts:
    choice = planner.choose_index(session, task_filter)
    by_label = choice is not None and choice.index != "time"
    if task_filter.only_by_label and not by_label:
        needed: list[Column] = [
            column
            for column in _COLUMNS
            if column in by or getattr(task_filter, column) not in ("", "any")
        ]
        return _chosen(_whole(session, needed), needed, task_filter, by)
    where = conditions.where_matching(task_filter, index=choice.index if choice else None)
    return _counted(session, statements.tally(by, where), where.parameters)


def _count(session: Session, task_filter: TaskFilter) -> int:
    choice = planner.choose_index(session, task_filter)
    if choice is None and task_filter.only_by_label and task_filter.status != "any":
        return tally(session, task_filter, ("status",)).total()
    where = conditions.where_matching(task_filter, index=choice.index if choice else None)
    return session.number(statements.count(where), where.parameters)


def _chosen(
    counts: Counts, columns: Sequence[Column], task_filter: TaskFilter, by: Sequence[Column]
) -> Counts:
    """Of counts by some columns, those that a filter lets through, by some of the columns."""
    chosen: Counts = Counter()
    for group, number in counts.items():
        named = dict(zip(columns, group, strict=True))
        if task_filter.lets_label_through(named.get("status", ""), named.get("backend", "")):
            chosen[tuple(named[column] for column in by)] += number
    return chosen


def _whole(session: Session, columns: Sequence[Column]) -> Counts:
    """All tasks by these columns."""
    match columns:
        case ["status"]:
            counted = _by_status
        case ["backend"]:
            counted = _by_backend
        case ["status", "backend"]:
            counted = _by_both
        case _:
            return Counter({(): session.number(statements.count(Where()))})
    return session.cache.get_or_compute(("whole", *columns), lambda: counted(session))


def _by_backend(session: Session) -> Counts:
    return _counted(session, statements.COUNT_BY_BACKEND)


def _by_status(session: Session) -> Counts:
    """The status that is told last is what the others leave: most often ``success``."""
    statuses = distinct_values.of_column(session, "status")
    if not statuses:
        return _counted(session, statements.tally(["status"], Where()))
    few: Counts = Counter()
    common: list[Label] = []
    for status in statuses:
        where = Where(["status IS :status"], {"status": status})
        number = planner.count_at_most(session, where, planner.FEW_TASKS)
        if number < planner.FEW_TASKS:
            few[status,] = number
        else:
            common.append(status)
    for status in common[:-1]:
        few[status,] = session.number(statements.COUNT_STATUS, {"status": status})
    total = session.number(statements.count(Where()))
    if common:
        few[common[-1],] = total - few.total()
    return few


def _by_both(session: Session) -> Counts:
    by_status = _whole(session, ["status"])
    ((most,), number), *_ = by_status.most_common(1) or [((None,), 0)]
    if not distinct_values.of_column(session, "status") or number * 2 < by_status.total():
        return _counted(session, statements.tally(_COLUMNS, Where()))
    both: Counts = Counter()
    left = Counter({labels[0]: number for labels, number in _whole(session, ["backend"]).items()})
    for (status,) in by_status:
        if status != most:
            of_one = _counted(session, statements.COUNT_STATUS_BY_BACKEND, {"status": status})
            for (backend,), number in of_one.items():
                both[status, backend] = number
                left[backend] -= number
    for backend, number in left.items():
        if number:
            both[most, backend] = number
    return both


def _counted(
    session: Session, statement: str, parameters: Mapping[str, object] | None = None
) -> Counts:
    rows = session.rows(statement, parameters)
    return Counter({tuple(labels): number for *labels, number in rows})
