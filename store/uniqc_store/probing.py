"""Which index to go by.

Without statistics in the file, which is not ours to write, SQLite's planner takes a status that
nearly all tasks have for as selective as one that few have, and sorts a million tasks for a page
of fifty. So a bounded count in the index tells first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from uniqc_store import conditions, queries

if TYPE_CHECKING:
    from uniqc_store.conditions import Index, Where
    from uniqc_store.connection import Session
    from uniqc_store.filters import TaskFilter

FEW_TASKS = 12_000
"""Tasks that are looked up one by one, 1 to 2 microseconds each, sooner than the time index is
walked to find them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """An index, and how many tasks it leaves to be looked up."""

    index: Index
    tasks: int


def narrowest(session: Session, task_filter: TaskFilter) -> Narrowing | None:
    """The index that leaves the fewest tasks; None if each leaves more than a few."""
    return session.facts.recall(
        ("narrowest", task_filter), lambda: _find_narrowest(session, task_filter)
    )


def count_at_most(session: Session, where: Where) -> int:
    """How many tasks there are, or ``FEW_TASKS`` if there are more."""
    return session.number(queries.count_at_most(where), {**where.parameters, "bound": FEW_TASKS})


def _find_narrowest(session: Session, task_filter: TaskFilter) -> Narrowing | None:
    few = [
        Narrowing(index=index, tasks=tasks)
        for index, where in conditions.selective(task_filter)
        if (tasks := count_at_most(session, where)) < FEW_TASKS
    ]
    return min(few, key=lambda narrowing: narrowing.tasks, default=None)
