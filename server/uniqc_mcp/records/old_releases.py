"""Statuses and results that only some releases of uniqc write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uniqc_mcp.records.bit_order import platform_of
from uniqc_mcp.responses.text import plural
from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store import JsonValue, TaskRecord, TaskShard

CANCELLED_BY_OTHERS: Final = (
    "uniqc 0.1.1 has no cancel and stores a job that was cancelled at the platform as failed; an "
    "older release or another program wrote this status."
)

_MAX_CHARACTERS: Final = 8 * 2**20
"""The longest result that is searched for lost ones, if it has an empty object at all."""


def lost_originq_results(
    record: TaskRecord, result_text: str, jobs: Sequence[TaskShard], *, of_jobs: bool
) -> str:
    """Return a note on the results that uniqc lost; empty if it lost none.

    Releases before 0.0.17.post1 stored ``{}`` for some successful jobs of OriginQ.

    Args:
        record: The task.
        result_text: Its result as it is stored, or that of its finished jobs.
        jobs: Its platform jobs.
        of_jobs: Whether it is that of successful jobs, which a task without success may have.
    """
    if platform_of(record.backend) != "originq" or not (of_jobs or record.status == "success"):
        return ""
    results = _results(result_text)
    lost = [place for place, result in enumerate(results) if result == {}]
    if not lost:
        return ""
    if len(results) == 1:
        subject = "The result is"
    else:
        subject = f"{len(lost)} {plural('result', len(lost))} {'is' if len(lost) == 1 else 'are'}"
    return (
        f"{subject} empty: uniqc before 0.0.17.post1 lost results of OriginQ. "
        f"{_remedy(record, results, jobs)}"
    )


def _remedy(record: TaskRecord, results: Sequence[JsonValue], jobs: Sequence[TaskShard]) -> str:
    """Return a sentence on fetching the lost results, as uniqc 0.1.1 does it."""
    if record.archived_at is not None:
        return "No release fetches them for an archived task."
    if any(_is_partly_empty(results, job) for job in jobs):
        return (
            "`uniqc result ID` of a later release fetches those of jobs that have no result at all."
        )
    return "`uniqc result ID` of a later release fetches them from the platform."


def _is_partly_empty(results: Sequence[JsonValue], job: TaskShard) -> bool:
    first = max(job.sub_index_offset, 0)
    empty = [not result for result in results[first : first + max(job.circuit_count, 0)]]
    return any(empty) and not all(empty)


def _results(text: str) -> list[JsonValue]:
    """Return the results of the circuits; none of a text without an empty object."""
    if len(text) > _MAX_CHARACTERS or "{}" not in text:
        return []
    try:
        result: JsonValue = parse_json(text)
    except ValueError:
        return []
    return result if isinstance(result, list) else [result]
