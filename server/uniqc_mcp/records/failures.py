"""The reason of a failure, wherever a record holds it.

uniqc writes the reason of a task that it could not submit into the row, up to three times. The
reason of a failed job stands on the job, or in the answer of the platform, which uniqc keeps as the
job's result. The task then says "shard 0: failed", or nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_store import JsonValue, TaskRecord, TaskShard

CANCELLED_AT_PLATFORM: Final = "cancelled at the platform, which uniqc stores as failed"

_SUBMISSION_ERRORS: Final = ("failure_error", "submission_error")
"""The metadata in which uniqc keeps the error of a submission."""

_OF_JOBS: Final = re.compile(r"shard \d+: |shard\(s\) failed")
"""The beginning of an error that uniqc makes of its jobs' errors or, without any, of "failed"."""

_SHARD_STATUS: Final = re.compile(
    r"(?:shard \d+: (?:failed|error|none|null)?[;\s]*)+|shard\(s\) failed", re.IGNORECASE
)

_SAYS_NOTHING: Final = frozenset(
    {"", "error", "fail", "failed", "failure", "false", "n/a", "none", "null", "ok", "task failed"}
    | {"true", "unknown", "unknown error", "{}", "[]"}
)

_REASON_KEYS: Final = (
    ("msg", "message", "error", "errormessage", "errormsg", "errmsg", "reason"),
    ("detail", "details", "description", "info", "cause", "traceback"),
)
"""Keys of a payload that name a reason, without underscores; those of the first group win."""

_REASON_KEY: Final = re.compile(
    r"(?:.*(?:msg|message|error|errors|reason|exception|failure))"
    r"|(?:err|fail|exception).*(?:info|details?|text|description|log|cause)"
)
"""Other keys that name a reason. No "error_mitigation" does, nor "failure_stage"."""

_STATUS_KEYS: Final = frozenset({"status", "state", "taskstatus", "jobstatus", "taskstate"})
_CANCELLED: Final = frozenset({"cancelled", "canceled"})
_SUCCESS_CODES: Final = frozenset({0, 200})
_MAX_DEPTH: Final = 6
_MAX_VALUES: Final = 1_000


def says_something(error: str) -> bool:
    """Return whether an error says more than that there is one."""
    text = error.strip().rstrip(".!").casefold()
    return text not in _SAYS_NOTHING and not _SHARD_STATUS.fullmatch(error.strip())


def recorded_reason(record: TaskRecord) -> str:
    """Return the reason that the row of a task holds by itself; empty if it holds none.

    From schema 3 on it is in a column of its own; before, it was in the metadata. An error that
    repeats those of the jobs does not count: the jobs have it with their places.
    """
    errors = [record.error_message, *map(record.metadata.get, _SUBMISSION_ERRORS)]
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
        result_error: The error in the task's own result.
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


def job_reason(job: TaskShard) -> str:
    """Return why a job failed, by its error or by the platform's answer; empty if neither says."""
    error = job.error_message or ""
    error = error if says_something(error) else ""
    if job.status != "failed":
        return error
    answer = payload_reason(job.result)
    # The answer has the status that uniqc drops from its error.
    return answer if not error or answer.startswith(CANCELLED_AT_PLATFORM) else error


def payload_reason(payload: JsonValue) -> str:
    """Return what a platform's answer says of a failure; empty if it says nothing.

    An answer that says "cancelled" has been stored by uniqc as the result of a failed job.
    """
    if isinstance(payload, str):
        payload = _parsed(payload)
    reason = payload if isinstance(payload, str) else _reason_in(payload)
    cancelled = any(status.casefold() in _CANCELLED for status in _statuses_in(payload))
    if not says_something(reason):
        return CANCELLED_AT_PLATFORM if cancelled else ""
    return f"{CANCELLED_AT_PLATFORM}: {reason}" if cancelled else reason


def _parsed(text: str) -> JsonValue:
    """Return the value of a text that is JSON once more, or the text itself."""
    try:
        return parse_json(text)
    except ValueError:
        return text


def _jobs_reason(jobs: Sequence[TaskShard]) -> str:
    """Return the first reason of a job, its place, and the number of other failed jobs."""
    failed = [
        (place, job_reason(job))
        for place, job in enumerate(jobs, 1)
        if job.status == "failed" or job.error_message
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
        if _REASON_KEY.fullmatch(_plain(key)) and isinstance(value, str) and says_something(value):
            return value
    return ""


def _reason_in(payload: JsonValue) -> str:
    """Return the text under the key of a payload that names a reason best."""
    best, best_rank = "", len(_REASON_KEYS) + 1
    for keys, value in _values_in(payload):
        rank, text = _ranked(keys, value)
        if rank < best_rank and says_something(text):
            best, best_rank = text, rank
    if best:
        return best
    codes = (
        f"code {value}"
        for keys, value in _values_in(payload)
        if isinstance(value, int) and not isinstance(value, bool)
        if keys and keys[-1].endswith("code") and value not in _SUCCESS_CODES
    )
    return next(codes, "")


def _ranked(keys: tuple[str, ...], value: JsonValue) -> tuple[int, str]:
    """Return how well its keys name a value as a reason, 0 best, and the value as text."""
    none = len(_REASON_KEYS) + 1
    if not isinstance(value, str):
        return none, ""
    for rank, names in enumerate(_REASON_KEYS):
        if keys and keys[-1] in names:
            return rank, value
    # {"error": {"text": …}}: a key above the text names it as well.
    return (none - 1 if any(map(_REASON_KEY.fullmatch, keys)) else none), value


def _statuses_in(payload: JsonValue) -> Iterator[str]:
    for keys, value in _values_in(payload):
        if isinstance(value, str) and keys and keys[-1] in _STATUS_KEYS:
            yield value


def _values_in(payload: JsonValue) -> Iterator[tuple[tuple[str, ...], JsonValue]]:
    """Yield the texts and numbers of a payload with their keys, level by level, up to a bound."""
    level: list[tuple[tuple[str, ...], JsonValue]] = [((), payload)]
    left = _MAX_VALUES
    for _ in range(_MAX_DEPTH):
        deeper: list[tuple[tuple[str, ...], JsonValue]] = []
        for keys, value in level[:left]:
            if isinstance(value, dict):
                deeper += (((*keys, _plain(key)), entry) for key, entry in value.items())
            elif isinstance(value, list):
                deeper += ((keys, entry) for entry in value)
            else:
                yield keys, value
        left -= len(level)
        if left <= 0:
            return
        level = deeper


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").casefold()
