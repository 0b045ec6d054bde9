"""Batches of which uniqc kept fewer results than circuits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from uniqc_mcp.records.bit_order import SHARDED_SCHEMA, platform_of
from uniqc_mcp.records.progress import LEGACY_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uniqc_mcp.results.summary import ResultSummary
    from uniqc_store import TaskRecord, TaskShard

MAYBE_COPIED: Final = (
    "The circuits shown have equal numbers: uniqc 0.0.12 to 0.0.16 copied one histogram to each "
    "circuit of an OriginQ batch, and no job is stored that would tell."
)

MAX_PLACES: Final = 100_000
"""The most places of a batch; a damaged row may claim any number of circuits."""

_MAX_JOBS_NAMED: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedHistogram:
    """One histogram that uniqc copied to several circuits.

    Attributes:
        jobs: The indices of the jobs, which are one job at the platform.
        places: The places of its circuits in the batch.
    """

    jobs: tuple[int, ...]
    places: frozenset[int]

    def __str__(self) -> str:
        """Return a sentence about it."""
        many = f"{len(self.places)} circuits and"
        if len(self.jobs) == 1:
            subject = f"Job {self.jobs[0]} covers {many} holds"
        else:
            named = ", ".join(map(str, self.jobs[:_MAX_JOBS_NAMED]))
            more = len(self.jobs) - _MAX_JOBS_NAMED
            named += f" and {more} more" if more > 0 else ""
            subject = f"Jobs {named} are one job at the platform; they cover {many} hold"
        return f"{subject} one histogram: uniqc copied it to each (0.0.12 to 0.0.16)."


def may_hold_copies(record: TaskRecord, shards: Sequence[TaskShard]) -> bool:
    """Return whether :func:`copied_histograms` needs to know the results of the jobs."""
    many = len(shards) > 1 or any(shard.circuit_count > 1 for shard in shards)
    return many and platform_of(record.backend) == "originq"


def copied_histograms(
    shards: Sequence[TaskShard], result_starts: Mapping[int, str]
) -> tuple[CopiedHistogram, ...]:
    """Return the histograms of an OriginQ batch that stand for several circuits each.

    A platform job with several circuits returns a list of histograms. uniqc 0.0.12 to 0.0.16
    stored an object there, and copied it to each circuit.

    Args:
        shards: The jobs of the task.
        result_starts: The first character of the result of each job, by its index.
    """
    by_platform_job: defaultdict[str, list[TaskShard]] = defaultdict(list)
    for shard in shards:
        by_platform_job[shard.platform_task_id or f"job {shard.shard_index}"].append(shard)
    copied: list[CopiedHistogram] = []
    for group in by_platform_job.values():
        places = frozenset(place for shard in group for place in places_of_job(shard))
        objects = all(
            shard.status == "success" and result_starts.get(shard.shard_index) == "{"
            for shard in group
        )
        if objects and len(places) > 1:
            jobs = tuple(shard.shard_index for shard in group)
            copied.append(CopiedHistogram(jobs=jobs, places=places))
    return tuple(copied)


def may_be_copies(
    record: TaskRecord,
    shards: Sequence[TaskShard],
    circuits: Sequence[ResultSummary],
    *,
    schema_version: int,
) -> bool:
    """Return whether results may be copies of one, where no job of an OriginQ batch tells.

    The archive of uniqc drops the jobs of a task.

    Args:
        record: The task.
        shards: Its jobs.
        circuits: The summaries of some of its circuits.
        schema_version: The version of the file.
    """
    of_old_release = _is_before_jobs(record, schema_version)
    if shards or of_old_release or platform_of(record.backend) != "originq":
        return False
    stored = [(one.outcomes, one.distinct, one.total) for one in circuits if one.outcomes]
    return len(stored) > 1 and stored.count(stored[0]) == len(stored)


def kept_first_only(record: TaskRecord, schema_version: int, *, is_list: bool) -> int:
    """Return the number of circuits of an IBM batch whose first result alone was kept, or 0.

    uniqc up to 0.0.11.post1 did that. A later release that upgraded the file marked its tasks.

    Args:
        record: The task.
        schema_version: The version of the file.
        is_list: Whether the stored result is a list.
    """
    size = record.metadata.get("batch_size")
    of_old_release = _is_before_jobs(record, schema_version)
    if is_list or not of_old_release or platform_of(record.backend) != "ibm":
        return 0
    return size if type(size) is int and size > 1 else 0


def _is_before_jobs(record: TaskRecord, schema_version: int) -> bool:
    """Return whether a release before 0.0.12, which had no jobs, made a task."""
    return schema_version < SHARDED_SCHEMA or LEGACY_ID in record.metadata


def places_of_job(shard: TaskShard) -> range:
    """Return the places of a job's circuits in the batch."""
    count = min(max(shard.circuit_count, 0), MAX_PLACES)
    return range(shard.sub_index_offset, shard.sub_index_offset + count)
