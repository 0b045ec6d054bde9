"""The note on the platform job by whose id a task was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uniqc_mcp.safety.display import quoted

if TYPE_CHECKING:
    from uniqc_mcp.tasks.lookup import FoundTask
    from uniqc_mcp.tasks.task_detail import TaskDetail

_MAX_NAMED: Final = 5
"""Jobs that are named: dummies give each job of equal circuits the same id."""


def with_job_of_id(detail: TaskDetail, task: FoundTask, reference: str) -> TaskDetail:
    """Return the view of a task, with a note if it was found by the id of one of its jobs."""
    if reference == task.record.task_id:
        return detail
    jobs = [
        f"{place} ({quoted(shard.status)})"
        for place, shard in enumerate(task.shards, 1)
        if shard.platform_task_id == reference
    ]
    if not jobs:
        return detail
    named = " and ".join(jobs[:_MAX_NAMED])
    more = f" and {len(jobs) - _MAX_NAMED} more" if len(jobs) > _MAX_NAMED else ""
    note = f"{quoted(reference)} is the platform's id of job {named}{more} of {len(task.shards)}."
    return detail.model_copy(update={"notes": [note, *detail.notes]})
