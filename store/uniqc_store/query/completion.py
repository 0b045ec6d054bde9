"""Completions of an id or a backend, found in a time that does not grow with the store.

A client asks again at each keystroke. So each statement reads a bounded number of rows along an
index: the newest tasks, whose names are searched too, and ids that begin with the text. The newest
tasks stay cached until somebody writes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from uniqc_store.errors import WouldBlockError
from uniqc_store.query import lookup_statements, pagination, statements
from uniqc_store.rows import raw_text, readable
from uniqc_store.tasks import UNIQC_ID

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.filters import TaskFilter
    from uniqc_store.query.statements import TaskTable
    from uniqc_store.query.where import Parameters

MAX_RECENT: Final = 2_000
"""Newest tasks whose ids come first and whose names are searched."""

MAX_BEGINNING: Final = 300
"""Ids with the same beginning that are looked up in one index."""

MAX_BACKENDS: Final = 1_000
"""Backends that are searched for a part of their label."""

_NAMES_SECONDS: Final = 0.1
"""Time for reading names. SQLite reads all of a large result to reach the name behind it."""

_NAMES_PER_CLOCK_READING: Final = 8

_NEWEST_WITH_NAMES = f"""
    SELECT task_id, metadata_text({raw_text("metadata_json")}, 'task_name') FROM tasks
    ORDER BY submit_time DESC, rowid DESC LIMIT :limit
"""

# One seek for each distinct value, as in statements.BACKENDS.
_BACKENDS_BEGINNING = """
    WITH RECURSIVE labels(label) AS (
        SELECT MIN(backend) FROM tasks WHERE backend >= :text AND backend < :text_end
        UNION ALL
        SELECT (SELECT MIN(backend) FROM tasks WHERE backend > label AND backend < :text_end)
        FROM labels WHERE label IS NOT NULL
    )
    SELECT label FROM labels WHERE label IS NOT NULL LIMIT :limit
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """The values that a text may be completed to.

    Attributes:
        values: The likeliest first, each once.
        whole: Whether these are certainly all.
    """

    values: tuple[str, ...]
    whole: bool

    @classmethod
    def first(cls, found: Iterable[str], limit: int, *, whole: bool) -> Self:
        """Return the first distinct values. Empty ones, which could not be read, are left out."""
        once = tuple(dict.fromkeys(filter(None, found)))
        return cls(values=once[:limit], whole=whole and len(once) <= limit)


def complete_id(
    session: Session, text: str, *, among: TaskFilter, limit: int, tables: Sequence[TaskTable]
) -> Completions:
    """Return completions of an id. See ``Snapshot.complete_id``.

    Args:
        session: The connection to read by.
        text: The text to complete.
        among: Status and backend of the tasks.
        limit: The most completions.
        tables: The tables of tasks that the file has, ``tasks`` first.

    Raises:
        WouldBlockError: The session is nonblocking and the newest tasks are not cached.
    """
    recent = _recent(session, text, among=among, limit=limit)
    found = [task_id for task_id in recent.ids if task_id.startswith(text)]
    whole = recent.all_read
    if text and len(found) <= limit:
        for statement in _statements_by_beginning(session, tables):
            rows = session.rows(statement, _beginning(text, limit=MAX_BEGINNING + 1))
            whole = whole and len(rows) <= MAX_BEGINNING
            found += [
                _text(task_id)
                for task_id, status, backend in rows
                if among.matches_status(status) and among.matches_backend(backend)
            ]
        found += recent.with_name(text)
    return Completions.first(found, limit, whole=whole)


def complete_backend(session: Session, text: str, *, limit: int) -> Completions:
    """Return completions of a backend. See ``Snapshot.complete_backend``."""
    labels = session.rows(_BACKENDS_BEGINNING, _beginning(text, limit=limit + 1))
    beginning = [label for label in _with_platforms(labels) if label.startswith(text)]
    every = session.cache.get_or_compute(
        complete_backend,
        lambda: _with_platforms(session.rows(statements.BACKENDS, {"limit": MAX_BACKENDS})),
    )
    part = text.casefold()
    containing = [label for label in every if part in label.casefold()]
    return Completions.first(beginning + containing, limit, whole=len(every) < MAX_BACKENDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recent:
    """The newest tasks.

    Attributes:
        ids: Their ids; empty in place of one that cannot be read.
        names: Their names, of the first tasks only where time ran out.
        all_read: Whether every wanted name and every matching task was read.
    """

    ids: Sequence[str]
    names: Sequence[str | None] = ()
    all_read: bool = True

    def with_name(self, text: str) -> list[str]:
        """Return the ids of the tasks with this text in their name, in any case."""
        part = text.casefold()
        named = zip(self.ids, self.names, strict=False)
        return [task_id for task_id, name in named if name and part in name.casefold()]


def _recent(session: Session, text: str, *, among: TaskFilter, limit: int) -> _Recent:
    if among.by_label:
        return _matching(session, among, limit=limit)
    if not text:
        return _Recent(ids=_newest_ids(session, limit + 1))
    read = _newest if text.startswith(UNIQC_ID) else _newest_with_names
    # Reading 2,000 tasks takes longer than a nonblocking call may.
    if session.nonblocking and read not in session.cache:
        raise WouldBlockError
    return session.cache.get_or_compute(read, lambda: read(session))


def _newest(session: Session) -> _Recent:
    return _Recent(ids=_newest_ids(session, MAX_RECENT))


def _newest_with_names(session: Session) -> _Recent:
    ids: list[str] = []
    names: list[str | None] = []
    deadline = time.monotonic() + _NAMES_SECONDS
    for task_id, name in session.connection.execute(_NEWEST_WITH_NAMES, {"limit": MAX_RECENT + 1}):
        ids.append(_text(task_id))
        names.append(name)
        if len(names) % _NAMES_PER_CLOCK_READING == 0 and time.monotonic() > deadline:
            return _Recent(ids=_newest_ids(session, MAX_RECENT), names=names, all_read=False)
    return _Recent(ids=ids, names=names, all_read=len(ids) <= MAX_RECENT)


def _newest_ids(session: Session, limit: int) -> list[str]:
    return [_text(row[0]) for row in session.rows(statements.NEWEST_IDS, {"limit": limit})]


def _matching(session: Session, among: TaskFilter, *, limit: int) -> _Recent:
    page = pagination.page(session, among, order="newest", limit=limit, start=None)
    return _Recent(
        ids=["" if "task_id" in task.damaged else task.task_id for task in page.records],
        names=[task.name for task in page.records],
        all_read=not page.next_cursor,
    )


def _statements_by_beginning(session: Session, tables: Sequence[TaskTable]) -> Iterator[str]:
    for table in tables:
        yield _ids_beginning(table)
    for table in tables:
        if session.layout.has(lookup_statements.shard_table(table)):
            yield _platform_ids_beginning(table)


def _ids_beginning(table: TaskTable) -> str:
    """Return the statement for ids with a beginning and the labels of their tasks, newest first."""
    return f"""
        SELECT task_id, status, backend FROM (
            SELECT rowid AS place, task_id, status, backend, submit_time FROM {table}
            WHERE task_id >= :text AND task_id < :text_end ORDER BY task_id LIMIT :limit
        ) ORDER BY submit_time DESC, place DESC
    """


def _platform_ids_beginning(table: TaskTable) -> str:
    """Return the statement for platform ids with a beginning, and the labels of their tasks.

    A platform id that several tasks share is replaced by the ids of these tasks.
    """
    shards = lookup_statements.shard_table(table)
    return f"""
        SELECT CASE WHEN shared THEN task_id ELSE platform_task_id END, status, backend FROM (
            SELECT platform_task_id, uniqc_task_id, EXISTS (
                SELECT 1 FROM {shards} AS other
                WHERE other.platform_task_id = shard.platform_task_id
                    AND other.uniqc_task_id <> shard.uniqc_task_id
            ) AS shared
            FROM {shards} AS shard
            WHERE platform_task_id >= :text AND platform_task_id < :text_end
            ORDER BY platform_task_id LIMIT :limit
        ) JOIN {table} ON task_id = uniqc_task_id
        ORDER BY {table}.submit_time DESC, {table}.rowid DESC
    """


def _beginning(text: str, *, limit: int) -> Parameters:
    # The highest code point ends the range of all texts that begin with this one.
    return {"text": text, "text_end": text + "\U0010ffff", "limit": limit}


def _with_platforms(rows: Iterable[sqlite3.Row]) -> list[str]:
    labels = [_text(row[0]) for row in rows]
    return sorted({part for label in labels for part in (label, label.partition(":")[0])})


def _text(stored: object) -> str:
    """Return a stored text; empty for a value that a caller could not ask for."""
    text, intact = readable(stored)
    return text if intact else ""
