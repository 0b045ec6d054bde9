"""The tasks that an id stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.store.records import JOIN_JOB, LabMatch
from uniqc_mcp.lab.store.session import checked_text
from uniqc_store import MAX_MATCHES, SHORTEST_PREFIX, UNIQC_ID, Match, Matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from uniqc_mcp.lab.store.session import Session

_END: Final = "\U0010ffff"
"""The highest code point, which ends the range of all texts that begin alike."""


def find(session: Session, reference: str) -> Matches:
    """Return the tasks that a whole id, or the beginning of one, stands for."""
    checked_text("task_id", reference)
    if "\0" in reference:
        return Matches()
    return session.cached(("find", reference), lambda: _find(session, reference))


def find_archived(session: Session, task_id: str) -> Matches:
    """Return the archived task with this whole id."""
    checked_text("task_id", task_id)
    if "\0" in task_id:
        return Matches()
    condition = "task.archived AND task.task_id = %(reference)s"
    found = _by_task(session, condition, {"reference": task_id})
    return _matches("id", found) if found else Matches()


def _find(session: Session, reference: str) -> Matches:
    asked = {"reference": reference, "reference_end": reference + _END}
    if found := _by_task(session, "task.task_id = %(reference)s", asked):
        return _matches("id", found)
    if found := _by_job(session, "job.platform_task_id = %(reference)s", asked):
        return _matches("platform id", found)
    if not reference.startswith(UNIQC_ID) and (
        found := _by_task(session, "task.legacy_id = %(reference)s", asked)
    ):
        return _matches("legacy id", found)
    if len(reference) < SHORTEST_PREFIX:
        return Matches()
    begins = "{0} >= %(reference)s AND {0} < %(reference_end)s"
    found = _by_task(session, begins.format("task.task_id"), asked)
    found += _by_job(session, begins.format("job.platform_task_id"), asked)
    return _matches("prefix", found) if found else Matches()


def _matches(by: Any, found: Iterable[LabMatch]) -> Matches:
    """Return each task once, live ones first; a live one hides the archived one of its file."""
    distinct: dict[tuple[str, str, str], Match] = {}
    for match in sorted(found, key=lambda match: match.archived):
        distinct.setdefault((match.owner, match.store_id, match.task_id), match)
    every = tuple(distinct.values())
    return Matches(by=by, found=every[:MAX_MATCHES], more=len(every) > MAX_MATCHES)


def _by_task(session: Session, condition: str, parameters: Mapping[str, Any]) -> list[LabMatch]:
    return _select(session, "task", condition, parameters)


def _by_job(session: Session, condition: str, parameters: Mapping[str, Any]) -> list[LabMatch]:
    return _select(session, f"task {JOIN_JOB}", condition, parameters)


def _select(
    session: Session, tables: str, condition: str, parameters: Mapping[str, Any]
) -> list[LabMatch]:
    where = session.scope.conditions("task")
    statement = f"""
        SELECT DISTINCT task.archived, task.task_id, task.owner, task.store_id, task.place
        FROM {tables} WHERE {where.sql} AND task.gone_at IS NULL AND {condition}
        ORDER BY task.archived, task.task_id, task.owner, task.store_id
        LIMIT {2 * (MAX_MATCHES + 1)}
    """
    rows = session.rows(statement, {**where.parameters, **parameters})
    return [LabMatch.of(row) for row in rows]
