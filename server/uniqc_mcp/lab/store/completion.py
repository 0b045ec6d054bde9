"""Completions of an id or a backend, in a time that does not grow with the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.store import conditions, counts
from uniqc_mcp.lab.store.counts import NEWEST_FIRST
from uniqc_mcp.lab.store.session import checked_limit, checked_text
from uniqc_store import UNIQC_ID, Completions, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from uniqc_mcp.lab.store.session import Row, Session

MAX_RECENT: Final = 2_000
"""Newest tasks whose ids come first and whose names are searched."""

MAX_BEGINNING: Final = 300
"""Ids with the same beginning that are looked up in one index."""

_END: Final = "\U0010ffff"

# A platform's id that several tasks share is replaced by the ids of these tasks.
_PLATFORM_ID: Final = """
    CASE WHEN EXISTS (
        SELECT 1 FROM job AS other WHERE {visible} AND other.platform_task_id = job.platform_task_id
            AND other.archived = job.archived
            AND (other.task_id, other.owner, other.store_id)
                <> (job.task_id, job.owner, job.store_id)
    ) THEN task.task_id ELSE job.platform_task_id END
"""


def complete_id(session: Session, text: str, *, among: TaskFilter, limit: int) -> Completions:
    """Return completions of an id; see ``Snapshot.complete_id``."""
    limit = checked_limit(limit)
    checked_text("task_id", text, filled=False)
    if "\0" in text:
        return Completions(values=(), whole=True)
    newest = _newest(session, among, MAX_RECENT + 1 if text else limit + 1)
    found = [row["task_id"] for row in newest if row["task_id"].startswith(text)]
    whole = len(newest) <= (MAX_RECENT if text else limit)
    if text and len(found) <= limit:
        for rows in _beginning(session, text):
            whole = whole and len(rows) <= MAX_BEGINNING
            found += [
                row["value"]
                for row in rows
                if among.matches_status(row["status"]) and among.matches_backend(row["backend"])
            ]
        if not text.startswith(UNIQC_ID):
            part = text.casefold()
            found += [row["task_id"] for row in newest if part in row["name_folded"]]
    return _first(found, limit, whole=whole)


def complete_backend(session: Session, text: str, *, limit: int) -> Completions:
    """Return platforms and whole labels: those that begin with a text, then those with it."""
    limit = checked_limit(limit)
    checked_text("backend", text, filled=False)
    labels = counts.backends(session)
    every = sorted({part for label in labels for part in (label, label.partition(":")[0])})
    part = text.casefold()
    beginning = [label for label in every if label.startswith(text)]
    containing = [label for label in every if part in label.casefold()]
    return _first(beginning + containing, limit, whole=True)


def newest_ids(session: Session, limit: int) -> tuple[str, ...]:
    """Return the ids of the newest tasks."""
    rows = _newest(session, TaskFilter(), checked_limit(limit))
    return tuple(row["task_id"] for row in rows)


def neighbouring_ids(session: Session, task_id: str, limit: int) -> tuple[str, ...]:
    """Return the ids before this one in order, and as many from it on."""
    where = session.scope.conditions("task")
    asked = {"task_id": checked_text("task_id", task_id, filled=False).partition("\0")[0]}
    parameters = {**where.parameters, **asked, "limit": checked_limit(limit)}
    found: list[str] = []
    for sign, direction in (("<", "DESC"), (">=", "ASC")):
        statement = f"""
            SELECT task.task_id FROM task
            WHERE {where.sql} AND task.live AND task.task_id {sign} %(task_id)s
            ORDER BY task.task_id {direction} LIMIT %(limit)s
        """
        found += [row["task_id"] for row in session.rows(statement, parameters)]
    return tuple(found)


def _newest(session: Session, among: TaskFilter, limit: int) -> list[Row]:
    where = session.scope.conditions("task") + conditions.matching(among)
    statement = f"""
        SELECT task.task_id, task.name_folded FROM task WHERE {where.sql} AND task.live
        ORDER BY {NEWEST_FIRST} LIMIT %(limit)s
    """
    return session.rows(statement, {**where.parameters, "limit": limit})


def _beginning(session: Session, text: str) -> Iterator[list[Row]]:
    """Yield the tasks, live and archived ones, then the jobs, with a beginning; newest first."""
    where = session.scope.conditions("task")
    parameters: dict[str, Any] = {
        **where.parameters,
        "text": text,
        "text_end": text + _END,
        "limit": MAX_BEGINNING + 1,
    }
    there = f"{where.sql} AND task.gone_at IS NULL"
    for archived in ("NOT task.archived", "task.archived"):
        yield session.rows(
            f"""
                SELECT task_id AS value, status, backend FROM (
                    SELECT task.* FROM task WHERE {there} AND {archived}
                        AND task.task_id >= %(text)s AND task.task_id < %(text_end)s
                    ORDER BY task.task_id LIMIT %(limit)s
                ) AS task ORDER BY {NEWEST_FIRST}
            """,
            parameters,
        )
    platform_id = _PLATFORM_ID.format(visible=session.scope.conditions("other").sql)
    for archived in ("NOT task.archived", "task.archived"):
        yield session.rows(
            f"""
                SELECT value, status, backend FROM (
                    SELECT {platform_id} AS value, job.platform_task_id, task.*
                    FROM job JOIN task ON task.owner = job.owner AND task.store_id = job.store_id
                        AND task.task_id = job.task_id AND task.archived = job.archived
                    WHERE {there} AND {archived} AND job.platform_task_id >= %(text)s
                        AND job.platform_task_id < %(text_end)s
                    ORDER BY job.platform_task_id LIMIT %(limit)s
                ) AS task ORDER BY {NEWEST_FIRST}
            """,
            parameters,
        )


def _first(found: Iterable[str], limit: int, *, whole: bool) -> Completions:
    """Return the first distinct values."""
    once = tuple(dict.fromkeys(filter(None, found)))
    return Completions(values=once[:limit], whole=whole and len(once) <= limit)
