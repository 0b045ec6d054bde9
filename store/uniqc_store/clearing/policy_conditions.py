"""A policy as SQL conditions on the tasks that may be cleared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from uniqc_store.query.conditions import backend_condition, finished_condition
from uniqc_store.query.time_conditions import where_touched_before
from uniqc_store.query.where import Where
from uniqc_store.tasks import TERMINAL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from uniqc_store.clearing.policy import ClearPolicy

_NO_ACTIVE_JOB = f"""NOT EXISTS (
    SELECT 1 FROM task_shards AS job WHERE job.uniqc_task_id = tasks.task_id
        AND NOT {finished_condition("job.status")}
)"""


def policy_steps(
    policy: ClearPolicy, *, now: datetime, with_shards: bool
) -> list[tuple[str, Where]]:
    """Return the conditions of a policy, each with the reason to give for a task that fails it.

    Args:
        policy: The operator's limits.
        now: The moment that ages are counted from.
        with_shards: True if the file has a table of platform jobs.
    """
    finished = Where()
    finished.add(finished_condition())
    steps = [("not finished", finished)]
    if set(policy.statuses) < set(TERMINAL_STATUSES):
        steps.append(("status not allowed", _where_status_in(policy.statuses)))
    if policy.backends:
        steps.append(("backend not allowed", _where_backend_in(policy.backends)))
    if policy.min_age:
        aged = where_touched_before(moment_ago(now, policy.min_age), name="policy_age")
        steps.append(("touched too recently", aged))
    if with_shards:
        no_active_job = Where()
        no_active_job.add(_NO_ACTIVE_JOB)
        steps.append(("a platform job is not finished", no_active_job))
    return steps


def moment_ago(now: datetime, age: timedelta) -> datetime:
    """Return the moment that long before now, or the first one that a datetime can hold."""
    try:
        return now - age
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _where_status_in(statuses: Sequence[str]) -> Where:
    names = {f"allowed_{index}": status for index, status in enumerate(statuses)}
    where = Where()
    where.add(f"status IN ({', '.join(f':{name}' for name in names)})", **names)
    return where


def _where_backend_in(backends: Sequence[str]) -> Where:
    where = Where()
    alternatives: list[str] = []
    for index, backend in enumerate(backends):
        name = f"allowed_backend_{index}"
        alternatives.append(backend_condition(backend, parameter=name))
        where.parameters[name] = backend
    where.conditions.append(f"({' OR '.join(alternatives)})")
    return where
