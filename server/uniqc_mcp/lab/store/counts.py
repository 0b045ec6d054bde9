"""Counts: by the tally that the writers keep, where status and backend decide alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, get_args

from uniqc_mcp.lab.store import conditions
from uniqc_mcp.lab.store.conditions import LIVE, Conditions
from uniqc_mcp.lab.store.scope import FEW_OWNERS, MANY_OWNERS
from uniqc_store import Column, Group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.lab.store.conditions import Parameters
    from uniqc_mcp.lab.store.session import Session
    from uniqc_store import Archived, TaskFilter

Counts = Counter[tuple[str, str]]
"""Numbers of tasks by status and backend."""

MAX_COUNTED: Final = 1_000
"""Most tasks that are counted for the total of a page."""

FEW_TASKS: Final = 10_000
"""Most tasks of many owners that are all read for a page."""

MAX_SUMMED_OWNERS: Final = 50
"""Most owners whose tally is summed up for the total of a page: 1 ms, and 6 ms for 500."""

_IN_TALLY: Final[dict[Archived, str]] = {
    "exclude": "NOT tally.archived",
    "only": "tally.archived",
    "include": "TRUE",
}

NEWEST_FIRST: Final = "submit_time DESC, place DESC, owner DESC, store_id DESC"
"""The order of a page, newest first."""

COLUMNS: Final[tuple[Column, ...]] = get_args(Column)


def tally(
    session: Session, task_filter: TaskFilter, by: Sequence[Column], archived: Archived
) -> tuple[Group, ...]:
    """Return the number of tasks in each group, largest group first."""
    counts: Counter[tuple[str, ...]] = Counter()
    for labels, number in _by_both(session, task_filter, archived).items():
        label_of = dict(zip(COLUMNS, labels, strict=True))
        counts[tuple(label_of[column] for column in by)] += number
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Group(**dict(zip(by, labels, strict=True)), count=number) for labels, number in ordered
    )


def count(session: Session, task_filter: TaskFilter, archived: Archived = "exclude") -> int:
    """Return the number of tasks that match."""
    if task_filter.only_by_label:
        return _by_both(session, task_filter, archived).total()
    return count_where(session, conditions.matching(task_filter), archived)


def count_where(session: Session, matching: Conditions, archived: Archived = "exclude") -> int:
    """Return the number of tasks that meet conditions."""
    where = _where(session, matching, archived)
    return session.number(f"SELECT count(*) FROM task WHERE {where.sql}", where.parameters)


def total_of(session: Session, task_filter: TaskFilter, archived: Archived) -> tuple[int, bool]:
    """Return the number of tasks that match, and whether there are no more than that."""
    if task_filter.only_by_label and len(session.scope.owners) <= MAX_SUMMED_OWNERS:
        return count(session, task_filter, archived), True
    where = _where(session, conditions.matching(task_filter), archived)
    counted, parameters = _counted(session, task_filter, where)
    found = session.number(f"SELECT count(*) FROM ({counted}) AS counted", parameters)
    return found, found <= MAX_COUNTED


def _counted(
    session: Session, task_filter: TaskFilter, where: Conditions
) -> tuple[str, Parameters]:
    """Return a statement of up to ``MAX_COUNTED + 1`` matching tasks, and its parameters."""
    most, scope = MAX_COUNTED + 1, session.scope
    if has_few_tasks(session):
        few, parameters = scope.of_few_tasks(where)
        return f"{few} LIMIT {most}", parameters
    if scope.merges(task_filter):
        merged, parameters = scope.of_each_owner(where, most)
        return f"{merged} LIMIT {most}", parameters
    plain = f"SELECT 1 FROM task WHERE {where.sql}"
    # A few owners' tasks by a backend lie far apart in its index, and those of hundreds are
    # everywhere in the table.
    if len(scope.owners) == 1 or FEW_OWNERS < len(scope.owners) <= MANY_OWNERS:
        return _along_an_index(plain, most), {**where.parameters}
    return f"{plain} LIMIT {most}", {**where.parameters}


def _along_an_index(statement: str, most: int) -> str:
    """Return a statement of the newest tasks, which are found along an index by time.

    The planner would look for a common label of a busy owner in the whole table, with two more
    processes. In order it would rather sort all matches, of which it expects too few, as the
    policies of the tables hide how many there are: of a limit that it doesn't know it expects a
    tenth of them. A page of a backend's older tasks, among 10^7, takes 11 ms of processor time for
    the busiest owner, and took 17 besides that of the two processes.
    """
    return f"{statement} ORDER BY {NEWEST_FIRST} LIMIT (SELECT {most})"


def has_few_tasks(session: Session) -> bool:
    """Return whether all tasks of many owners are so few that they are read rather than looked for.

    By time, a page of them would be looked for among all tasks of the laboratory: among 10^7,
    for more than 30 seconds, in place of 3 ms. To ask takes 0.7 ms.
    """
    if len(session.scope.owners) <= FEW_OWNERS:
        return False
    where = session.scope.conditions("store")
    statement = f"SELECT CAST(sum(task_count) AS bigint) FROM store WHERE {where.sql}"
    tasks = session.cached("tasks", lambda: session.number(statement, where.parameters))
    return tasks <= FEW_TASKS


def backends(session: Session) -> list[str]:
    """Return the backend labels of all live tasks, sorted."""
    where = session.scope.conditions("tally")
    statement = f"""
        SELECT DISTINCT backend FROM tally
        WHERE {where.sql} AND NOT tally.archived AND tally.tasks > 0
    """
    return sorted(row["backend"] for row in session.rows(statement, where.parameters))


def _by_both(session: Session, task_filter: TaskFilter, archived: Archived) -> Counts:
    key = ("counts", task_filter, archived)
    return session.cached(key, lambda: _count_by_both(session, task_filter, archived))


def _count_by_both(session: Session, task_filter: TaskFilter, archived: Archived) -> Counts:
    if not task_filter.only_by_label:
        where = _where(session, conditions.matching(task_filter), archived)
        statement = f"""
            SELECT status, backend, count(*) AS tasks FROM task WHERE {where.sql}
            GROUP BY status, backend
        """
    else:
        where = session.scope.conditions("tally") + conditions.of_status(task_filter)
        statement = f"""
            SELECT status, backend, CAST(sum(tasks) AS bigint) AS tasks FROM tally
            WHERE {where.sql} AND {_IN_TALLY[archived]} AND tally.tasks > 0
            GROUP BY status, backend
        """
    rows = session.rows(statement, where.parameters)
    return Counter(
        {
            (row["status"], row["backend"]): row["tasks"]
            for row in rows
            if task_filter.matches_backend(row["backend"])
        }
    )


def _where(session: Session, matching: Conditions, archived: Archived) -> Conditions:
    where = session.scope.conditions("task")
    where.add(LIVE[archived])
    return where + matching
