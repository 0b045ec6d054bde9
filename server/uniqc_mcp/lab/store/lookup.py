"""One task by an id, and what is held of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

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
from uniqc_mcp.lab.store.session import checked_text
from uniqc_mcp.lab.store.state import STORE_COLUMNS
from uniqc_mcp.records.progress import has_outcomes
from uniqc_store import MAX_MATCHES, SHORTEST_PREFIX, UNIQC_ID, InvalidValueError, Match, Matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from uniqc_mcp.lab.store.records import LabTaskRecord
    from uniqc_mcp.lab.store.session import Row, Session
    from uniqc_store import TaskShard

_END: Final = "\U0010ffff"
_IS_HELD: Final = "job.result IS NOT NULL AS is_held"
"""The highest code point, which ends the range of all texts that begin alike."""

_JOIN_JOB: Final = """
    JOIN job ON job.owner = task.owner AND job.store_id = task.store_id
        AND job.task_id = task.task_id AND job.archived = task.archived
"""

_MAX_SHORT_RESULT: Final = 2**20


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
    return _select(session, f"task {_JOIN_JOB}", condition, parameters)


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


# What is held of one task. Its key is of a match, but the viewer may have changed since.


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
    found = find_archived(session, match.task_id).found
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


# Many tasks by their ids. Nothing is asked where there are none, as on most pages.


def jobs_of_tasks(session: Session, task_ids: Sequence[str]) -> dict[str, list[TaskShard]]:
    """Return the platform jobs in order of those live tasks that have any, by their ids.

    An id that tasks of several files have is left out: the jobs of one are not the other's.
    """
    rows = _of_live(
        session,
        task_ids,
        f"{JOB_COLUMNS}, {REASON}",
        f"LEFT {_JOIN_JOB}",
        "ORDER BY job.task_id, job.owner, job.store_id, job.shard_index",
    )
    found: dict[str, list[TaskShard]] = {}
    for row in rows:
        if row["task_id"] is not None:  # else the task has no job
            found.setdefault(row["task_id"], []).append(task_shard(row))
    return found


def short_results(session: Session, task_ids: Sequence[str]) -> dict[str, str]:
    """Return the short ones of the results of live tasks, by their ids.

    An id that tasks of several files have is left out, as in :func:`jobs_of_tasks`.
    """
    short = f"CASE WHEN octet_length(body.result) <= {_MAX_SHORT_RESULT} THEN body.result END"
    rows = _of_live(session, task_ids, f"{short} AS result", JOIN_BODY)
    return {row["of_task"]: row["result"] for row in rows if row["result"] is not None}


def _of_live(
    session: Session, task_ids: Sequence[str], columns: str, join: str, order: str = ""
) -> list[Row]:
    """Return rows of live tasks with these ids, whose ``of_task`` is the id of the task.

    Those of an id that tasks of several files have are left out. uniqc up to 0.0.11 made the id
    of a dummy's task from its circuit. The join has to give each task a row, so that the rows
    tell of how many files an id is: another statement would take as long as this one.
    """
    if not (ids := _askable(task_ids)):
        return []
    where = session.scope.conditions("task")
    statement = f"""
        SELECT task.task_id AS of_task, task.owner AS of_owner, task.store_id AS of_store, {columns}
        FROM task {join} WHERE {where.sql} AND task.live AND task.task_id = ANY(%(ids)s::text[])
        {order}
    """
    rows = session.rows(statement, {**where.parameters, "ids": ids})
    files = {(row["of_task"], row["of_owner"], row["of_store"]) for row in rows}
    number = Counter(task_id for task_id, _, _ in files)
    return [row for row in rows if number[row["of_task"]] == 1]


def among(session: Session, task_ids: Sequence[str], *, archived: bool) -> frozenset[str]:
    """Return those of these ids that live tasks, or archived ones, have."""
    if not (ids := _askable(task_ids)):
        return frozenset()
    where = session.scope.conditions("task")
    statement = f"""
        SELECT DISTINCT task.task_id FROM task
        WHERE {where.sql} AND task.gone_at IS NULL AND task.archived = %(is_archived)s
            AND task.task_id = ANY(%(ids)s::text[])
    """
    asked = {"ids": ids, "is_archived": archived}
    rows = session.rows(statement, {**where.parameters, **asked})
    return frozenset(row["task_id"] for row in rows)


def _askable(task_ids: Sequence[str]) -> list[str]:
    return [one for one in task_ids if "\0" not in one]
