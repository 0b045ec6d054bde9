"""The plan of a clear: the rows that it would remove, as they are when it is made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from uniqc_store.clearing.policy_conditions import moment_ago, policy_steps
from uniqc_store.query import time_conditions
from uniqc_store.query.lookup import Match
from uniqc_store.query.where import all_of
from uniqc_store.rows import readable
from uniqc_store.snapshot import Group
from uniqc_store.tasks import assume_local, parse_time

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

    The id is the stored bytes. Digest and size are of every column of the row and of its platform
    jobs; the size is in bytes.
    """

    row: int
    task_id: bytes
    digest: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """The number of tasks that are not cleared for one reason.

    Attributes:
        text: The reason.
        count: The number of tasks.
        status: The status that all of them have; empty if they are not told apart by it.
    """

    text: str
    count: int
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearPlan:
    """The rows that a clear would remove, as they were when it was planned.

    Attributes:
        rows: The rows, oldest first by submit time as text.
        matched: Number of tasks that the filter matches, the excluded ones included.
        policy: The limits that it was made within.
        planned_at: The time at which it was made.
        groups: Number of tasks by status and backend; most first.
        examples: The oldest few tasks.
        oldest: The earliest submit time, as recorded; empty if none is readable.
        newest: The latest submit time.
        excluded: Tasks that the filter matches and the policy does not allow, by reason and
            status.
    """

    rows: tuple[PlannedRow, ...]
    matched: int
    policy: ClearPolicy
    planned_at: datetime
    groups: tuple[Group, ...]
    examples: tuple[TaskRecord, ...]
    oldest: str
    newest: str
    excluded: tuple[Reason, ...]

    @property
    def left_for_later(self) -> int:
        """Number of tasks beyond the policy's most rows, which could be cleared otherwise."""
        return sum(reason.count for reason in self.excluded if reason.text == BEYOND_MOST_ROWS)

    @property
    def bytes(self) -> int:
        """Size of all rows and of their platform jobs."""
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

    Raises:
        StoreUnsafeError: The file is damaged.
    """
    snapshot.check_sound()
    requested = snapshot.where(task_filter)
    if older_than:
        aged = time_conditions.where_touched_before(moment_ago(now, older_than), name="asked_age")
        requested = all_of(requested, aged)
    steps = policy_steps(policy, now=now, with_shards=snapshot.has_shards)
    asked = snapshot.count_by_status(requested)
    allowed, excluded, remaining = _apply(steps, requested, asked, snapshot)
    found = snapshot.planned_rows(allowed, limit=policy.max_rows)
    remaining.subtract(readable(row["status"])[0] for row in found)
    excluded += _reasons(BEYOND_MOST_ROWS, remaining)
    planned = tuple(PlannedRow(*row[:4]) for row in found)
    oldest, newest = _first_and_last(readable(row["submit_time"])[0] for row in found)
    return ClearPlan(
        rows=planned,
        matched=asked.total(),
        policy=policy,
        planned_at=now,
        groups=_groups(found),
        examples=_examples(planned, snapshot),
        oldest=oldest,
        newest=newest,
        excluded=tuple(excluded),
    )


def _apply(
    steps: Iterable[tuple[str, Where]], requested: Where, asked: Counter[str], snapshot: Snapshot
) -> tuple[Where, list[Reason], Counter[str]]:
    """Return all conditions together, what each step excludes, and what remains by status."""
    where, before = requested, asked
    excluded: list[Reason] = []
    for text, condition in steps:
        where = all_of(where, condition)
        remaining = snapshot.count_by_status(where)
        excluded += _reasons(text, before - remaining)
        before = remaining
    return where, excluded, before


def _reasons(text: str, counts: Counter[str]) -> list[Reason]:
    return [
        Reason(text=text, count=count, status=status)
        for status, count in counts.most_common()
        if count
    ]


def _first_and_last(times: Iterable[str]) -> tuple[str, str]:
    """Return the earliest and the latest of some recorded times, by time and not by text."""
    moments = [(assume_local(moment), text) for text in times if (moment := parse_time(text))]
    return (min(moments)[1], max(moments)[1]) if moments else ("", "")


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
