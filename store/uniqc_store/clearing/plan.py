"""The plan of a clear: the rows that it would remove, as they are when it is made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from uniqc_store.clearing.policy_conditions import moment_ago, policy_steps
from uniqc_store.query import time_conditions
from uniqc_store.query.conditions import FilterSql
from uniqc_store.query.lookup import Match
from uniqc_store.query.where import all_of
from uniqc_store.rows import readable
from uniqc_store.snapshot import Group

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from uniqc_store.clearing.policy import ClearPolicy
    from uniqc_store.filters import TaskFilter
    from uniqc_store.query.where import Where
    from uniqc_store.snapshot import Snapshot
    from uniqc_store.tasks import TaskRecord

_MAX_EXAMPLES = 5

BEYOND_MOST_ROWS = "beyond the most rows per clear"


class PlannedRow(NamedTuple):
    """A row as it was when it was planned: its rowid, its id, its digest, its size.

    The id is the stored bytes. The digest is of every column of the row and of its platform jobs.
    The size is that of the result and the metadata, in bytes.
    """

    row: int
    task_id: bytes
    digest: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """The number of tasks that are not cleared for one reason."""

    text: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearPlan:
    """The rows that a clear would remove, as they were when it was planned.

    Attributes:
        rows: The rows, oldest first.
        policy: The limits that it was made within.
        planned_at: The time at which it was made.
        groups: Number of tasks by status and backend; most first.
        examples: The oldest few tasks.
        oldest: Submit time of the first row, as recorded; empty if there is none.
        newest: Submit time of the last row.
        excluded: Tasks that the filter matches and the policy does not allow, by reason.
    """

    rows: tuple[PlannedRow, ...]
    policy: ClearPolicy
    planned_at: datetime
    groups: tuple[Group, ...]
    examples: tuple[TaskRecord, ...]
    oldest: str
    newest: str
    excluded: tuple[Reason, ...]

    @property
    def bytes(self) -> int:
        """Size of the results and the metadata of all rows."""
        return sum(row.size for row in self.rows)


def plan(
    snapshot: Snapshot,
    task_filter: TaskFilter,
    *,
    older_than: timedelta,
    policy: ClearPolicy,
    now: datetime,
) -> ClearPlan:
    """Return a plan to clear the tasks that a filter matches and a policy allows.

    Args:
        snapshot: The state of the file.
        task_filter: The tasks that the caller wants to clear.
        older_than: Least time since their last update; zero for any.
        policy: The operator's limits.
        now: The moment that ages are counted from.
    """
    requested = FilterSql(task_filter).where()
    if older_than:
        aged = time_conditions.where_touched_before(moment_ago(now, older_than), name="asked_age")
        requested = all_of(requested, aged)
    steps = policy_steps(policy, now=now, with_shards=snapshot.has_shards)
    allowed, excluded, remaining = _apply(steps, requested, snapshot)
    found = snapshot.planned_rows(allowed, limit=policy.max_rows)
    excluded.append(Reason(text=BEYOND_MOST_ROWS, count=remaining - len(found)))
    planned = tuple(PlannedRow(*row[:4]) for row in found)
    return ClearPlan(
        rows=planned,
        policy=policy,
        planned_at=now,
        groups=_groups(found),
        examples=_examples(planned, snapshot),
        oldest=readable(found[0]["submit_time"])[0] if found else "",
        newest=readable(found[-1]["submit_time"])[0] if found else "",
        excluded=tuple(reason for reason in excluded if reason.count),
    )


def _apply(
    steps: Iterable[tuple[str, Where]], requested: Where, snapshot: Snapshot
) -> tuple[Where, list[Reason], int]:
    """Return all conditions together, the tasks that each step excludes, and how many remain."""
    where, total = requested, snapshot.count_where(requested)
    excluded: list[Reason] = []
    for text, condition in steps:
        where = all_of(where, condition)
        remaining = snapshot.count_where(where)
        excluded.append(Reason(text=text, count=total - remaining))
        total = remaining
    return where, excluded, total


def _groups(found: Iterable[sqlite3.Row]) -> tuple[Group, ...]:
    counts = Counter((readable(row["status"])[0], readable(row["backend"])[0]) for row in found)
    return tuple(
        Group(status=status, backend=backend, count=count)
        for (status, backend), count in counts.most_common()
    )


def _examples(planned: tuple[PlannedRow, ...], snapshot: Snapshot) -> tuple[TaskRecord, ...]:
    return tuple(
        snapshot.record(Match(task_id="", archived=False, row=row.row))
        for row in planned[:_MAX_EXAMPLES]
    )
