"""The progress of a task's jobs: what was submitted, what has results, what contradicts the task.

A task gets its status from the jobs that exist. A batch whose process was killed while it submitted
is "success" once the jobs before that are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.records.failures import SUBMISSION_ERRORS
from uniqc_mcp.responses.text import plural
from uniqc_store import TERMINAL_STATUSES, UNIQC_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_store import TaskRecord, TaskShard

NO_PLATFORM_JOB: Final = "no platform job"
"""The mark of a task that never reached a platform."""

WITHOUT_JOB: Final = (
    "No platform job: its submission did not get through, or is under way; `uniqc result` has "
    "nothing to ask about"
)

LEGACY_ID: Final = "legacy_platform_id"
"""The metadata in which an upgrade to schema 5 keeps the older id of a task."""

_TOLD_KEYS: Final = frozenset({"circuits", *SUBMISSION_ERRORS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress of a task.

    Attributes:
        requested: Circuits asked for, in a batch that records them; otherwise None.
        submitted: Circuits that platform jobs have; None where that is not known.
        jobs: The number of platform jobs.
        with_results: The number of jobs that have a result of measurements.
        statuses: The number of jobs by status; ``active`` for those that are not finished.
        status: The status of the task.
        never_submitted: True if the task waits for a platform that does not know of it.
    """

    requested: int | None
    submitted: int | None
    jobs: int
    with_results: int
    statuses: Counter[str]
    status: str
    never_submitted: bool

    @classmethod
    def of(cls, record: TaskRecord, jobs: Sequence[TaskShard], *, has_job_table: bool) -> Self:
        """Return the progress of a task.

        Args:
            record: The task.
            jobs: Its platform jobs.
            has_job_table: Whether the file has a table of jobs.
        """
        requested = requested_circuits(record)
        # An upgrade gave each older task one job of one circuit, whatever had been submitted.
        known = has_job_table and _had_jobs_from_the_beginning(record)
        # The archive of 0.1.1 drops the jobs. A live finished task without one is a failed
        # submission, or another program saved it.
        without_job = record.archived_at is None and (
            not record.finished or record.status == "failed"
        )
        known = known and (bool(jobs) or without_job)
        return cls(
            requested=requested,
            submitted=sum(job.circuit_count for job in jobs) if known else None,
            jobs=len(jobs),
            with_results=sum(map(has_outcomes, jobs)),
            statuses=Counter(_kind(job.status) for job in jobs),
            status=_kind(record.status),
            never_submitted=known and not jobs and not record.finished,
        )

    @property
    def is_cut_short(self) -> bool:
        """True if some of the circuits asked for have no platform job."""
        return (
            self.requested is not None
            and self.submitted is not None
            and self.submitted < self.requested
        )

    @property
    def marks(self) -> str:
        """The progress in a few words, for lists; empty where there is nothing to tell."""
        return "; ".join(self._marks())

    def sentences(self) -> Iterator[str]:
        """Yield the progress in sentences, for one task."""
        if self.never_submitted:
            yield f"{WITHOUT_JOB}."
        elif self.is_cut_short:
            missing = (self.requested or 0) - (self.submitted or 0)
            verb = "has" if missing == 1 else "have"
            were = "was" if self.submitted == 1 else "were"
            yield f"{self._submitted} {were} submitted; {missing} {verb} no platform job."
        for contradiction in self._contradictions():
            yield f"{contradiction[0].upper()}{contradiction[1:]}, but the task is {self._state()}."

    def _marks(self) -> Iterator[str]:
        if self.never_submitted:
            yield NO_PLATFORM_JOB
        elif self.is_cut_short:
            yield f"{self._submitted} submitted"
        if self.jobs > 1 and self.with_results and self.status != "success":
            yield f"results of {self.with_results} of {self.jobs} jobs"
        yield from self._contradictions()

    @property
    def _submitted(self) -> str:
        return f"{self.submitted} of {self.requested} {plural('circuit', self.requested or 0)}"

    def _contradictions(self) -> Iterator[str]:
        """Yield the statuses of jobs that do not go with the status of the task."""
        active, failed = self.statuses["active"], self.statuses["failed"]
        cancelled, jobs = self.statuses["cancelled"], self.jobs
        if self.status == "active":
            if jobs and not active:
                yield f"{_jobs_are(jobs, jobs)} finished"
            return
        if active:
            yield f"{_jobs_are(active, jobs)} not finished"
        if self.status == "failed" and jobs and self.statuses["success"] == jobs:
            yield f"{_jobs_are(jobs, jobs)} successful"
        if self.status != "failed" and failed:
            yield f"{_jobs(failed, jobs)} failed"
        if self.status == "success" and cancelled:
            yield f"{_jobs_are(cancelled, jobs)} cancelled"

    def _state(self) -> str:
        return "not finished" if self.status == "active" else self.status


def requested_circuits(record: TaskRecord) -> int | None:
    """Return the number of circuits that a batch was to have; None if no list of them is recorded.

    ``batch_size`` is not used: in rows of 0.0.8 to 0.0.11 it is the size of a batch of which each
    row has one circuit.
    """
    circuits = record.metadata.get("circuits")
    return len(circuits) if isinstance(circuits, list) and circuits else None


def is_plain(record: TaskRecord) -> bool:
    """Return whether nothing is to be told of a task, as of nearly all successful single ones.

    Without this test, 50 of them took 1.5 times the processor time in a list.
    """
    return (
        record.status == "success"
        and not record.error_message
        and record.metadata.keys().isdisjoint(_TOLD_KEYS)
    )


def needs_jobs(record: TaskRecord) -> bool:
    """Return whether a line about a task needs its jobs, as a successful single one does not.

    The jobs of a failed task may contradict it, even where it has a reason of its own.
    """
    return record.status != "success" or requested_circuits(record) is not None


def has_outcomes(job: TaskShard) -> bool:
    """Return whether a job has a result; that of a failed job is the platform's error."""
    return job.has_result and job.status not in {"failed", "cancelled"}


def _had_jobs_from_the_beginning(record: TaskRecord) -> bool:
    return (
        record.task_id.startswith(UNIQC_ID)
        and "task_id" not in record.damaged
        # Also where the metadata can't be read, as in the query that counts tasks without a job.
        and LEGACY_ID not in record.metadata
    )


def _kind(status: str) -> str:
    return status if status in TERMINAL_STATUSES else "active"


def _jobs(some: int, total: int) -> str:
    if some < total:
        return f"{some} of {total} jobs"
    return "its job" if total == 1 else f"all {total} jobs"


def _jobs_are(some: int, total: int) -> str:
    return f"{_jobs(some, total)} {'is' if some == 1 else 'are'}"
