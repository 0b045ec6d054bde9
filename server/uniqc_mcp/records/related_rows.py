"""The rows of other tables that a line about a task needs, read for a whole page at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.records.failures import failure_reason, may_hold_reason, result_reason
from uniqc_mcp.records.progress import WITHOUT_JOB, Progress, is_plain, needs_jobs
from uniqc_store import UNIQC_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_store import TaskFilter, TaskRecord, TaskShard

ARCHIVED: Final = "archived"

ARCHIVED_TWIN: Final = "archived twin"

MAX_LOOKED_UP: Final = 1_000
"""The most active tasks that are looked up one by one: a few milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """The remarks of a line about a task, beside its status.

    Attributes:
        error: Why it failed, as it is recorded; empty if nothing says.
        note: The progress of its jobs in a few words; empty where there is nothing to tell.
        never_submitted: True if it waits for a platform that does not know of it.
    """

    error: str = ""
    note: str = ""
    never_submitted: bool = False


_NO_REMARKS: Final = Remarks()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedRows:
    """The rows of other tables that belong to the tasks of a page.

    Attributes:
        jobs: Platform jobs by the id of their task, where a line about the task needs them.
        results: Results as stored by the id of their task, where a reason may stand in them only.
        has_job_table: Whether the file has a table of jobs.
        archived_ids: Ids of the page that archived tasks have too.
    """

    jobs: Mapping[str, Sequence[TaskShard]]
    results: Mapping[str, str]
    has_job_table: bool
    archived_ids: frozenset[str]

    @classmethod
    def of(cls, snapshot: StoreSnapshot, records: Sequence[TaskRecord]) -> Self:
        """Return the rows for the live ones of some tasks; archived ones get no remark.

        That takes one query of jobs, which successful single tasks do not need, one of the archive,
        which ids of uniqc's own form do not need, and one of results, where a failed task gives
        no reason elsewhere.
        """
        records = [record for record in records if record.archived_at is None]
        told = [record for record in records if not is_plain(record)]
        need_jobs = [record.task_id for record in told if needs_jobs(record)]
        may_have_twin = [
            # No two tasks have an id of that form; older ids may be a hash of backend and circuit.
            record.task_id
            for record in records
            if not record.task_id.startswith(UNIQC_ID)
        ]
        jobs = snapshot.shards_of_tasks(need_jobs)
        without_reason = [
            record.task_id
            for record in told
            if may_hold_reason(record, jobs.get(record.task_id, ()))
        ]
        return cls(
            jobs=jobs,
            results=snapshot.short_results(without_reason),
            has_job_table=snapshot.has_shards,
            archived_ids=snapshot.archived_among(may_have_twin),
        )

    def remarks(self, record: TaskRecord) -> Remarks:
        """Return what a line about a task says beside its status."""
        if record.archived_at is not None:
            return Remarks(error=failure_reason(record, ()), note=ARCHIVED, never_submitted=False)
        has_twin = record.task_id in self.archived_ids
        if is_plain(record) and not has_twin:
            return _NO_REMARKS
        jobs = self.jobs.get(record.task_id, ())
        progress = Progress.of(record, jobs, has_job_table=self.has_job_table)
        notes = (progress.marks, ARCHIVED_TWIN if has_twin else "")
        result_error = result_reason(record, self.results.get(record.task_id, ""))
        return Remarks(
            error=failure_reason(record, jobs, result_error=result_error),
            note="; ".join(filter(None, notes)),
            never_submitted=progress.never_submitted,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedTasks:
    """Tasks that finished or changed while somebody waited, as they are now.

    Attributes:
        records: The tasks by their ids.
        related: Their platform jobs.
    """

    records: Mapping[str, TaskRecord]
    related: RelatedRows

    @classmethod
    def read(cls, snapshot: StoreSnapshot, task_ids: Iterable[str]) -> Self:
        """Return the tasks of these ids that are still there and not archived."""
        live = [record for record in records_of(snapshot, task_ids) if record.archived_at is None]
        return cls(
            records={record.task_id: record for record in live},
            related=RelatedRows.of(snapshot, live),
        )


def records_of(snapshot: StoreSnapshot, task_ids: Iterable[str]) -> Iterator[TaskRecord]:
    """Yield the tasks that have one of these whole ids, archived ones included."""
    for task_id in task_ids:
        for match in snapshot.find(task_id).found:
            # The id of a task that is gone may be the beginning of another's.
            if match.task_id == task_id:
                yield snapshot.record(match)


def notes_on_active(snapshot: StoreSnapshot, task_filter: TaskFilter, *, active: int) -> list[str]:
    """Return a note on active tasks that never reached a platform, if there are any.

    Args:
        snapshot: The state of the file that was read.
        task_filter: Which tasks the note is about.
        active: The number of active tasks that match. Each is looked up, so there is no note if
            there are more than `MAX_LOOKED_UP`.
    """
    if not 0 < active <= MAX_LOOKED_UP:
        return []
    if not task_filter.by_status:
        task_filter = replace(task_filter, status="active")
    count = snapshot.without_job(task_filter)
    if not count:
        return []
    return [f"Active tasks without a platform job: {count}. {WITHOUT_JOB}."]
