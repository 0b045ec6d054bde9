"""The reason of a failure, wherever a record holds it.

uniqc writes the reason of a task that it could not submit into the row, up to three times. The
reason of a failed job stands on the job, or in the answer of the platform, which uniqc keeps as the
job's result. The task then says "shard 0: failed", or nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from uniqc_mcp.records.platform_answer import (
    CANCELLED_AT_PLATFORM,
    is_reason_key,
    payload_reason,
    says_something,
    states_failure,
)
from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store import JsonValue, TaskRecord, TaskShard

SUBMISSION_ERRORS: Final = ("failure_error", "submission_error")
"""The metadata in which uniqc keeps the error of a submission."""

_OF_JOBS: Final = re.compile(r"shard \d+: |shard\(s\) failed")
"""The beginning of an error that uniqc makes of its jobs' errors or, without any, of "failed"."""

_WITHOUT_SUCCESS: Final = frozenset({"failed", "cancelled"})
_MAX_CHARACTERS: Final = 2**20


def recorded_reason(record: TaskRecord) -> str:
    """Return the reason that the row of a task holds by itself; empty if it holds none.

    From schema 3 on it is in a column of its own; before, it was in the metadata. An error that
    repeats those of the jobs does not count: the jobs have it with their places.
    """
    errors = [record.error_message, *map(record.metadata.get, SUBMISSION_ERRORS)]
    return next(
        (
            error
            for error in errors
            if isinstance(error, str) and says_something(error) and not _OF_JOBS.match(error)
        ),
        "",
    )


def failure_reason(record: TaskRecord, jobs: Sequence[TaskShard], *, result_error: str = "") -> str:
    """Return the first reason of a failure that says something, with its place.

    Without any, this is the error of the row, which says that there was one. Empty if there is
    none either.

    Args:
        record: The task.
        jobs: Its platform jobs, in order; the failed ones with their short results.
        result_error: The reason in the task's own result; see :func:`result_reason`.
    """
    error_message = record.error_message or ""
    return (
        recorded_reason(record)
        or _jobs_reason(jobs)
        or (error_message if says_something(error_message) else "")
        or (result_error if says_something(result_error) else "")
        or _other_metadata_reason(record)
        or _cancelled_jobs(jobs)
        or error_message
        or result_error
    )


def may_hold_reason(record: TaskRecord, jobs: Sequence[TaskShard]) -> bool:
    """Return whether the reason may stand in the task's own result: no other place says any."""
    if record.status not in _WITHOUT_SUCCESS:
        return False
    return not says_something(failure_reason(record, jobs))


def result_reason(record: TaskRecord, stored: str) -> str:
    """Return what the result of a task says of its failure; empty if it says nothing.

    Args:
        record: The task.
        stored: Its own result as it is stored.
    """
    if record.status not in _WITHOUT_SUCCESS or not 0 < len(stored) <= _MAX_CHARACTERS:
        return ""
    try:
        return _reason_by_status(record.status, parse_json(stored))
    except ValueError:
        return ""  # damaged, which is told elsewhere


def job_reason(job: TaskShard) -> str:
    """Return why a job failed, by its error or by the platform's answer; empty if neither says."""
    error = job.error_message or ""
    error = error if says_something(error) else ""
    if job.status not in _WITHOUT_SUCCESS:
        return error
    answer = _reason_by_status(job.status, job.result)
    # The answer has the status that uniqc drops from its error.
    return answer if not error or answer.startswith(CANCELLED_AT_PLATFORM) else error


def _reason_by_status(status: str, payload: JsonValue) -> str:
    reason = payload_reason(payload)
    if status == "failed":
        return reason
    # Stored as cancelled, so not "as failed".
    return reason.removeprefix(CANCELLED_AT_PLATFORM).removeprefix(": ")


def _jobs_reason(jobs: Sequence[TaskShard]) -> str:
    """Return the first reason of a job, its place, and the number of other failed jobs."""
    reasons = [(place, job, job_reason(job)) for place, job in enumerate(jobs, 1)]
    failed = [
        (place, reason)
        for place, job, reason in reasons
        if job.status == "failed" or job.error_message or reason
    ]
    first = next(((place, reason) for place, reason in failed if reason), None)
    if first is None:
        return ""
    place, reason = first
    if len(jobs) == 1:
        return reason
    others = [other for at, other in failed if at != place]
    different = sum(other != reason for other in others)
    more = f"{len(others)} more failed" if others else ""
    if different:
        more += f", {different} for another reason or none"
    return f"job {place} of {len(jobs)}{f' ({more})' if more else ''}: {reason}"


def _cancelled_jobs(jobs: Sequence[TaskShard]) -> str:
    """Return that some jobs were cancelled, where that is all that is known."""
    places = [place for place, job in enumerate(jobs, 1) if job.status == "cancelled"]
    if not places or len(places) == len(jobs):
        return ""
    return f"job {places[0]} of {len(jobs)}: cancelled"


def _other_metadata_reason(record: TaskRecord) -> str:
    if record.status != "failed":
        return ""
    for key, value in record.metadata.items():
        if is_reason_key(key):
            reason = value if isinstance(value, str) else payload_reason({key: value})
        elif states_failure(value):
            reason = payload_reason(value)  # an answer of a platform
        else:
            continue
        if says_something(reason):
            return reason
    return ""
