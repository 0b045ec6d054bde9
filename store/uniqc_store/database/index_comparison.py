"""The comparison of the indexes of a large file with each other.

It reads the pages of indexes alone, so its time depends on the number of tasks and not on the size
of their results: 2.5 s for a million tasks with a job each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store.database.connection import Session

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
    SELECT {column}, COUNT(*), max(rowid) FROM tasks INDEXED BY {index} GROUP BY {column}
"""
_IN_ORDER: Final = "SELECT submit_time FROM tasks INDEXED BY {index} ORDER BY submit_time"
_SAME_LABEL: Final = (
    "SELECT COUNT(*) FROM tasks NOT INDEXED WHERE rowid = :row AND {column} IS :label"
)


def disagreement_of(session: Session) -> str:
    """Return the first way in which the indexes disagree, in words; empty if they agree.

    Raises:
        sqlite3.DatabaseError: SQLite can't read one of them.
    """
    return next(_disagreements(session), "")


def _disagreements(session: Session) -> Iterator[str]:
    found: set[str] = set()
    for table in _TABLES:
        if session.layout.has(table):
            indexes = [name for (name,) in session.rows(_INDEXES, {"table": table})]
            found.update(indexes)
            yield from _different_rows(session, table, indexes)
    for column, index in _LABELS.items():
        if index in found:
            yield from _wrong_labels(session, column, index)
    if _TIMES in found:
        yield from _out_of_order(session)


def _different_rows(session: Session, table: str, indexes: list[str]) -> Iterator[str]:
    first = None
    for index in indexes:
        statement = _ROWS.format(table=table, index=index)
        ((count, rows),) = session.rows(statement)
        if first is None:
            first = index, count, rows
        elif (count, rows) != first[1:]:
            yield f"its indexes {first[0]} and {index} lead to different rows of {table}"


def _wrong_labels(session: Session, column: str, index: str) -> Iterator[str]:
    """Yield a label that stands at two places of its index, and one that its row does not have."""
    groups = [tuple(row) for row in session.rows(_GROUPS.format(column=column, index=index))]
    if len({label for label, *_ in groups}) < len(groups):
        yield f"its index {index} is out of order"
    for label, _, row in sorted(groups, key=lambda group: group[1])[:_MAX_LABELS]:
        if isinstance(label, str) and not _can_be_bound(label):
            continue
        parameters = {"row": row, "label": label}
        if not session.number(_SAME_LABEL.format(column=column), parameters):
            yield f"its index {index} differs from its table"


def _can_be_bound(label: str) -> bool:
    return label.isascii() or not any("\ud800" <= character <= "\udfff" for character in label)


def _out_of_order(session: Session) -> Iterator[str]:
    before = ""
    for (time,) in session.stream(_IN_ORDER.format(index=_TIMES)):
        if isinstance(time, str):
            if time < before:
                yield f"its index {_TIMES} is out of order"
                return
            before = time
