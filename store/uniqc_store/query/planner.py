"""The choice of an index.

SQLite's own planner needs statistics to tell a rare status from a common one. They would be stored
in the file, which belongs to uniqc. A bounded count in each index takes their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from uniqc_store.filters import Column
from uniqc_store.query import agreement, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store.database.connection import Session
    from uniqc_store.query.conditions import FilterSql
    from uniqc_store.query.where import Index, Where

FEW_TASKS = 12_000
"""Tasks from which an index counts as unselective. Looking up so many takes about 50 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexChoice:
    """An index, and the number of tasks that it finds.

    Attributes:
        index: The index; ``rowid`` where the filter lists ids, which are unique.
        where: The part of the filter that this index answers alone.
        tasks: Number of tasks that this part matches.
        total: Exact number of matching tasks when this part is the whole filter; otherwise None.
    """

    index: Index
    where: Where
    tasks: int
    total: int | None


def choose_index(session: Session, sql: FilterSql) -> IndexChoice | None:
    """Return the index that finds the fewest tasks; None if each finds ``FEW_TASKS`` or more."""
    return session.cache.get_or_compute(
        ("index choice", sql.task_filter), lambda: _choose(session, sql)
    )


def count_at_most(session: Session, where: Where, bound: int) -> int:
    """Return the number of tasks, or the bound if there are more."""
    return session.number(statements.count_at_most(where), {**where.parameters, "bound": bound})


def index_conditions(sql: FilterSql) -> Iterator[tuple[Index, Where]]:
    """Yield each index with the part of the filter that it answers alone.

    For a filter that matches every task, this is the index on the submit time without conditions.
    """
    if sql.ids.conditions:
        yield "rowid", sql.ids
    found = False
    for column in get_args(Column):
        where = sql.label(column)
        if where.conditions:
            found = True
            yield column, where
    if sql.task_filter.by_time or not found:
        yield "time", sql.time_range()


def _choose(session: Session, sql: FilterSql) -> IndexChoice | None:
    agreement.check_indexes(session, sql.task_filter)
    best = None
    fewest = FEW_TASKS
    for index, where in index_conditions(sql):
        tasks = count_at_most(session, where, fewest)
        if tasks < fewest:
            fewest = tasks
            total = tasks if sql.task_filter.is_simple else None
            best = IndexChoice(index=index, where=where, tasks=tasks, total=total)
    return best
