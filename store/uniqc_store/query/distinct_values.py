"""The distinct statuses and backends of a file.

A filter such as ``active`` stands for several statuses. SQLite answers a list of values faster than
the ranges between others: it seeks each value in the index, and finds its rows in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.query import conditions, statements

if TYPE_CHECKING:
    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Column, Label
    from uniqc_store.query.conditions import FilterSql
    from uniqc_store.query.where import Where

MAX_LABELS = 50
"""Distinct values beyond which they are not listed: a seek for each takes longer than a range."""

_DISTINCT = {"status": statements.STATUSES, "backend": statements.BACKENDS}
_COUNT = {"status": statements.COUNT_STATUS, "backend": statements.COUNT_BACKEND}


def of_column(session: Session, column: Column) -> list[Label]:
    """Return the distinct values of a column, NULL first if it occurs.

    The list is empty where there are more than ``MAX_LABELS``, or where one of them cannot be the
    value of a parameter.
    """
    return session.cache.get_or_compute(("labels", column), lambda: _find(session, column))


def labels_in_filter(session: Session, sql: FilterSql, column: Column) -> Where | None:
    """Return the filter's condition on a column as a list of values; None if that is not possible.

    The list holds values that occur in the file, and matches the same tasks as the filter.
    """
    task_filter = sql.task_filter
    if task_filter.names_one(column):
        return sql.label(column)
    every = of_column(session, column)
    matches = task_filter.lets_status if column == "status" else task_filter.is_on
    matching = [label for label in every if label is not None and matches(label)]
    return conditions.label_in(column, matching) if every else None


def _find(session: Session, column: Column) -> list[Label]:
    rows = session.rows(_DISTINCT[column], {"limit": MAX_LABELS + 1})
    labels: list[Label] = [row[0] for row in rows]
    if len(labels) > MAX_LABELS or not all(map(_can_be_bound, labels)):
        return []
    if session.number(_COUNT[column], {column: None}):
        labels.insert(0, None)
    return labels


def _can_be_bound(label: Label) -> bool:
    """Return whether a value can be bound to a parameter, which text that is not UTF-8 cannot."""
    try:
        str(label).encode()
    except UnicodeEncodeError:
        return False
    return True
