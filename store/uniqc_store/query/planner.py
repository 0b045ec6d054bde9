"""Which index to go by.

Without statistics in the file, which is not ours to write, SQLite's planner takes a status that
nearly all tasks have for as selective as one that few have, and sorts a million tasks for a page
of fifty. So a bounded count in the index tells first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from uniqc_store.filters import Column
from uniqc_store.query import conditions, distinct_values, statements, time_conditions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store.database.connection import Session
    from uniqc_store.filters import TaskFilter
    from uniqc_store.query.where import Index, Where

FEW_TASKS = 12_000
"""Tasks that could be looked up one by one, 1 to 2 microseconds each, if need be."""

FIRST_BOUND = 2_000
"""Up to so many are counted first, lest much of a common label is before a rare one is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexChoice:
    """An index, and how many tasks it leaves.

    Attributes:
        index: That of a column, or of the submit time.
        where: What it is asked for.
        by_ranges: Whether that is about ranges of labels, as there are too many of them.
        tasks: How many there are.
        total: The same where it is how many the filter lets through; None where more decides.
    """

    index: Index
    where: Where
    by_ranges: bool
    tasks: int
    total: int | None


def choose_index(session: Session, task_filter: TaskFilter) -> IndexChoice | None:
    """The index that leaves the fewest tasks; None if each leaves ``FEW_TASKS`` or more."""
    return session.cache.get_or_compute(
        ("narrowest", task_filter), lambda: _choose(session, task_filter)
    )


def count_at_most(session: Session, where: Where, bound: int) -> int:
    """How many tasks there are, or the bound if there are more."""
    return session.number(statements.count_at_most(where), {**where.parameters, "bound": bound})


def asked_of_indices(
    session: Session, task_filter: TaskFilter
) -> Iterator[tuple[Index, Where, bool]]:
    """What each index is asked for, and whether that is about ranges of labels.

    Where a filter says nothing, that of time is asked for everything.
    """
    for column in get_args(Column):
        where = conditions.label_condition(task_filter, column)
        if where.conditions:
            spelled_out = distinct_values.labels_spelled_out(session, task_filter, column)
            yield column, spelled_out or where, spelled_out is None
    if task_filter.by_time or not task_filter.by_label:
        yield "time", time_conditions.time_range(task_filter), False


def _choose(session: Session, task_filter: TaskFilter) -> IndexChoice | None:
    asked = tuple(asked_of_indices(session, task_filter))
    for bound in sorted({min(FIRST_BOUND, FEW_TASKS), FEW_TASKS}):
        if choose_index := _smallest_of(session, task_filter, asked, bound):
            return choose_index
    return None


def _smallest_of(
    session: Session,
    task_filter: TaskFilter,
    asked: tuple[tuple[Index, Where, bool], ...],
    bound: int,
) -> IndexChoice | None:
    choose_index = None
    fewest = bound
    for index, where, by_ranges in asked:
        tasks = count_at_most(session, where, fewest)
        if tasks < fewest:
            fewest = tasks
            choose_index = IndexChoice(
                index=index,
                where=where,
                by_ranges=by_ranges,
                tasks=tasks,
                total=tasks if task_filter.is_simple else None,
            )
    return choose_index
