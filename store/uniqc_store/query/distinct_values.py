"""Which statuses and backends there are.

SQLite goes through an index faster by a list of labels than by ranges of them, and finds the rows
of each in order. So what stands for several labels, as "active" does, is spelled out where it can
be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.query import conditions, statements

if TYPE_CHECKING:
    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Column, Label, TaskFilter
    from uniqc_store.query.where import Where

MAX_LABELS = 50
"""Beyond so many they are not told one by one."""

_LABELS = {"status": statements.STATUSES, "backend": statements.BACKENDS}
_COUNT = {"status": statements.COUNT_STATUS, "backend": statements.COUNT_BACKEND}


def of_column(session: Session, column: Column) -> list[Label]:
    """Every label; none where they are many, or not all of them can be asked for one by one."""
    return session.cache.get_or_compute(("labels", column), lambda: _find(session, column))


def labels_spelled_out(session: Session, task_filter: TaskFilter, column: Column) -> Where | None:
    """The tasks with a label of the column that a filter lets through; None if there are many."""
    if task_filter.names_one(column):
        return conditions.label_condition(task_filter, column)
    every = of_column(session, column)
    lets_through = task_filter.lets_status if column == "status" else task_filter.is_on
    chosen = [label for label in every if label is not None and lets_through(label)]
    return conditions.label_in(column, chosen) if every else None


def _find(session: Session, column: Column) -> list[Label]:
    rows = session.rows(_LABELS[column], {"limit": MAX_LABELS + 1})
    labels: list[Label] = [row[0] for row in rows]
    if len(labels) > MAX_LABELS or not all(map(_can_be_bound, labels)):
        return []
    if session.number(_COUNT[column], {column: None}):
        labels.insert(0, None)
    return labels


def _can_be_bound(label: Label) -> bool:
    """Whether it can be a parameter: text that is no UTF-8 can't."""
    try:
        str(label).encode()
    except UnicodeEncodeError:
        return False
    return True
