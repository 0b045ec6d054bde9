"""What is held of one task.

Its key is of a match that was found before, but the viewer may have changed since.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.store import lookup
from uniqc_mcp.lab.store.records import (
    COLUMNS,
    JOB_COLUMNS,
    JOIN_BODY,
    JOIN_STORE,
    REASON,
    SOURCE,
    LabMatch,
    key_is,
    task_record,
    task_shard,
)
from uniqc_mcp.lab.store.state import STORE_COLUMNS
from uniqc_mcp.records.progress import has_outcomes
from uniqc_store import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.lab.store.records import LabTaskRecord
    from uniqc_mcp.lab.store.session import Row, Session
    from uniqc_store import Match, TaskShard

_IS_HELD: Final = "job.result IS NOT NULL AS is_held"


def record(session: Session, match: Match) -> LabTaskRecord:
    """Return a task without its result, whose size is that of its jobs' where all these stayed."""
    row = _row(
        session,
        match,
        f"""
            SELECT {COLUMNS}, {SOURCE}, body.metadata, body.result IS NOT NULL AS has_result
            FROM task {JOIN_BODY} {JOIN_STORE}
            WHERE {key_is("task")} AND task.gone_at IS NULL
        """,
        "task",
    )
    task = task_record(row, with_size=True)
    return task if task.result_bytes else _with_results_of_jobs(session, match, task)


def _with_results_of_jobs(session: Session, match: Match, task: LabTaskRecord) -> LabTaskRecord:
    """Return a task without a result of its own, with what is known of those of its jobs."""
    rows = _job_rows(session, match, f"{JOB_COLUMNS}, {REASON}, {_IS_HELD}")
    with_outcomes = [row for row in rows if row["result_bytes"] and has_outcomes(task_shard(row))]
    elsewhere = [row["result_bytes"] for row in with_outcomes if not row["is_held"]]
    if not elsewhere:
        return task
    size = sum(elsewhere) if len(elsewhere) == len(with_outcomes) else task.result_bytes
    return replace(task, result_elsewhere=True, result_bytes=size)


def store_of(session: Session, match: Match) -> Sequence[Any]:
    """Return the values of ``STORE_COLUMNS`` of the file that a task is in."""
    statement = f"SELECT {STORE_COLUMNS} FROM task {JOIN_STORE} WHERE {key_is('task')}"
    return [*_row(session, match, statement, "task").values()]


def result_text(session: Session, match: Match) -> str:
    """Return the result of a task; empty if there is none, or if it stayed on its machine."""
    statement = f"SELECT body.result FROM body WHERE {key_is('body')}"
    return _row(session, match, statement, "body")["result"] or ""


def archived_twin(session: Session, match: Match) -> LabTaskRecord | None:
    """Return the archived task of the same file that has the id of a live one."""
    if match.archived:
        return None
    own = _own(match)
    found = lookup.find_archived(session, match.task_id).found
    for twin in found:
        other = _own(twin)
        if (other.owner, other.store_id) == (own.owner, own.store_id):
            return record(session, twin)
    return None


def shards(session: Session, match: Match) -> tuple[TaskShard, ...]:
    """Return the platform jobs of a task in order."""
    return tuple(task_shard(row) for row in _job_rows(session, match, f"{JOB_COLUMNS}, {REASON}"))


def shard_result_starts(session: Session, match: Match) -> dict[int, str]:
    """Return the first character of the result of each platform job, by the job's index."""
    start = r"substr(ltrim(job.result, E' \t\n\r'), 1, 1) AS first"
    rows = _job_rows(session, match, f"job.shard_index, {start}")
    return {row["shard_index"]: row["first"] for row in rows if row["first"] is not None}


def shard_results(session: Session, match: Match, *, most_bytes: int) -> tuple[str, ...]:
    """Return the results of a task's jobs that are held; none if they are larger together."""
    sizes = _job_rows(session, match, f"job.result_bytes, {_IS_HELD}")
    if sum(row["result_bytes"] or 0 for row in sizes if row["is_held"]) > most_bytes:
        return ()
    return tuple(row["result"] or "" for row in _job_rows(session, match, "job.result"))


def _job_rows(session: Session, match: Match, columns: str) -> list[Row]:
    where = session.scope.conditions("job")
    statement = f"""
        SELECT {columns} FROM job WHERE {where.sql} AND {key_is("job")} ORDER BY job.shard_index
    """
    return session.rows(statement, {**where.parameters, **_own(match).key})


def _row(session: Session, match: Match, statement: str, table: str) -> Row:
    where = session.scope.conditions(table)
    parameters = {**where.parameters, **_own(match).key}
    found = session.row(f"{statement} AND {where.sql}", parameters)
    if found is None:
        raise InvalidValueError("task_id", "its task is gone; look it up again")
    return found


def _own(match: Match) -> LabMatch:
    if not isinstance(match, LabMatch):
        raise TypeError("this match is of another store")
    return match
