"""What is held of many tasks, by their ids.

Nothing is asked where there are none, as on most pages.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.store.records import JOB_COLUMNS, JOIN_BODY, JOIN_JOB, REASON, task_shard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.lab.store.session import Row, Session
    from uniqc_store import TaskShard

_MAX_SHORT_RESULT: Final = 2**20


def jobs_of_tasks(session: Session, task_ids: Sequence[str]) -> dict[str, list[TaskShard]]:
    """Return the platform jobs in order of those live tasks that have any, by their ids.

    An id that tasks of several files have is left out: the jobs of one are not the other's.
    """
    rows = _of_live(
        session,
        task_ids,
        f"{JOB_COLUMNS}, {REASON}",
        f"LEFT {JOIN_JOB}",
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
