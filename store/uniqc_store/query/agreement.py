"""The check of the indexes that a filter reads, in files that are not checked whole at each read.

It is made once for each state of a file, and only up to 16 MiB: it takes 1 ms for 10,000 tasks and
a label, and 5 ms for their submit times.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC
from typing import TYPE_CHECKING, Literal

from uniqc_store.database import index_comparison, integrity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Column, Label, TaskFilter

MAX_BYTES = 16 * 2**20
"""The largest file whose indexes are checked before a filter reads them."""


def check_indexes(session: Session, task_filter: TaskFilter) -> None:
    """Check each index that decides which tasks pass a filter.

    Raises:
        sqlite3.DatabaseError: One is damaged, which becomes a ``StoreDamagedError``.
    """
    if not is_checked(session):
        return
    if task_filter.by_status:
        _raise(_label_problem(session, "status"))
    if task_filter.backend or task_filter.except_backends:
        _raise(_label_problem(session, "backend"))
    if task_filter.by_time:
        found = session.cache.get_or_compute(
            "time problem", lambda: index_comparison.time_problem(session)
        )
        _raise(found)
        for moment in (task_filter.submitted_after, task_filter.submitted_before):
            if moment is not None:
                text = moment.astimezone(UTC).isoformat()
                _raise(index_comparison.time_problem_near(session, text))


def check_labels(session: Session, column: Column, found: Iterable[Label]) -> None:
    """Check the index by whose labels tasks were counted, and that it has each label found.

    Raises:
        sqlite3.DatabaseError: It is damaged, which becomes a ``StoreDamagedError``.
    """
    if not is_checked(session):
        return
    _raise(_label_problem(session, column))
    known = index_comparison.labels_of(session, column)
    if known and not known.issuperset(found):
        _raise(f"its table has a {column} that its index lacks")


def is_checked(session: Session) -> bool:
    """Return whether the indexes of this file are checked before a filter reads them."""
    return session.cache.get_or_compute(
        "indexes are checked",
        lambda: integrity.MAX_BYTES_PER_READ < integrity.size_of(session) <= MAX_BYTES,
    )


def _label_problem(session: Session, column: Literal["status", "backend"]) -> str:
    return session.cache.get_or_compute(
        ("label problem", column), lambda: index_comparison.label_problem(session, column)
    )


def _raise(problem: str) -> None:
    if problem:
        raise sqlite3.DatabaseError(problem)
