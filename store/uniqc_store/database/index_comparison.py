"""The comparison of the indexes of a large file with each other.

It reads the pages of indexes alone, so its time depends on the number of tasks and not on the size
of their results: 2.5 s for a million tasks with a job each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store.database.connection import Session
    from uniqc_store.filters import Label

_TABLES: Final = ("tasks", "task_shards")
_LABELS: Final = {"status": "tasks_status_idx", "backend": "tasks_backend_idx"}
_TIMES: Final = "tasks_submit_time_idx"
_MAX_LABELS: Final = 200
"""Labels, the rarest first, that are compared with a row of the table."""

# Names of an index are text of the file: only names like uniqc's own are put into a statement.
# A partial index has fewer entries than its table has rows.
_INDEXES: Final = """
    SELECT name FROM pragma_index_list(:table)
    WHERE NOT partial AND name NOT GLOB '*[^a-z0-9_]*' AND length(name) < 64
"""
# The sum shows an entry that leads to another row. The prime keeps it from an overflow, and no
# power of two is a multiple of it, so that each single bit counts.
_ROWS: Final = """
    SELECT COUNT(*), COALESCE(sum(rowid % 2147483647), 0) FROM {table} INDEXED BY {index}
"""
_GROUPS: Final = """
    SELECT {column}, COUNT(*), rowid FROM tasks INDEXED BY {index} GROUP BY {column}
"""
_IN_ORDER: Final = "SELECT submit_time FROM tasks INDEXED BY {index} ORDER BY submit_time"
_LABEL_OF: Final = "SELECT {column} FROM tasks NOT INDEXED WHERE rowid = :row"
_BESIDE: Final = 3
_BEFORE: Final = """
    SELECT submit_time, rowid FROM tasks INDEXED BY {index}
    WHERE submit_time < :time ORDER BY submit_time DESC LIMIT :limit
"""
_FROM: Final = """
    SELECT submit_time, rowid FROM tasks INDEXED BY {index}
    WHERE submit_time >= :time ORDER BY submit_time LIMIT :limit
"""
_COUNT: Final = "SELECT COUNT(*) FROM tasks INDEXED BY {index}"


def disagreement_of(session: Session) -> str:
    """Return the first way in which the indexes disagree, in words; empty if they agree.

    Raises:
        sqlite3.DatabaseError: SQLite can't read one of them.
    """
    return next(_disagreements(session), "")


def _disagreements(session: Session) -> Iterator[str]:
    for table in _TABLES:
        if session.layout.has(table):
            indexes = [name for (name,) in session.rows(_INDEXES, {"table": table})]
            yield from _different_rows(session, table, indexes)
    yield from filter(None, (label_problem(session, column) for column in _LABELS))
    if problem := time_problem(session):
        yield problem


def label_problem(session: Session, column: str) -> str:
    """Return what is wrong with the index on a column of labels, in words; empty if nothing is.

    It counts as many tasks as the index on the submit time, has each label at one place, and has
    the labels that the table has.
    """
    index, groups = _LABELS[column], _groups(session, column)
    if not groups or not _has_index(session, _TIMES):
        return ""
    total = session.number(_COUNT.format(index=_TIMES))
    if sum(count for _, count, _ in groups) != total:
        return f"its indexes {index} and {_TIMES} lead to different rows of tasks"
    if len({label for label, *_ in groups}) < len(groups):
        return f"its index {index} is out of order"
    for label, _, row in sorted(groups, key=lambda group: group[1])[:_MAX_LABELS]:
        found = session.rows(_LABEL_OF.format(column=column), {"row": row})
        if [tuple(values) for values in found] != [(label,)]:
            return f"its index {index} differs from its table"
    return ""


def time_problem(session: Session) -> str:
    """Return what is wrong with the order of submit times, in words; empty if nothing is."""
    before = ""
    times = session.stream(_IN_ORDER.format(index=_TIMES)) if _has_index(session, _TIMES) else ()
    for (time,) in times:
        if isinstance(time, str):
            if time < before:
                return f"its index {_TIMES} is out of order"
            before = time
    return ""


def time_problem_near(session: Session, time: str) -> str:
    """Return what is wrong with the entries beside a submit time, in words; empty if nothing is.

    A wrong text that keeps the order can move a task across a time only if its entry is the next.
    """
    if not _has_index(session, _TIMES):
        return ""
    for statement in (_BEFORE, _FROM):
        near = session.rows(statement.format(index=_TIMES), {"time": time, "limit": _BESIDE})
        for found, row in near:
            stored = session.rows(_LABEL_OF.format(column="submit_time"), {"row": row})
            if [tuple(values) for values in stored] != [(found,)]:
                return f"its index {_TIMES} differs from its table"
    return ""


def labels_of(session: Session, column: str) -> frozenset[Label]:
    """Return the labels that the index on a column has; none where there is no such index."""
    return frozenset(label for label, *_ in _groups(session, column))


def _groups(session: Session, column: str) -> list[tuple[Label, int, int]]:
    """Return each label of an index in order, its number of tasks, and the row of one of them."""
    index = _LABELS[column]
    if not _has_index(session, index):
        return []
    statement = _GROUPS.format(column=column, index=index)
    return session.cache.get_or_compute(
        ("labels of the index", column),
        lambda: [(label, count, row) for label, count, row in session.rows(statement)],
    )


def _has_index(session: Session, index: str) -> bool:
    return index in session.cache.get_or_compute(
        "indexes of tasks",
        lambda: [name for (name,) in session.rows(_INDEXES, {"table": "tasks"})],
    )


def _different_rows(session: Session, table: str, indexes: list[str]) -> Iterator[str]:
    first = None
    for index in indexes:
        statement = _ROWS.format(table=table, index=index)
        ((count, rows),) = session.rows(statement)
        if first is None:
            first = index, count, rows
        elif (count, rows) != first[1:]:
            yield f"its indexes {first[0]} and {index} lead to different rows of {table}"
