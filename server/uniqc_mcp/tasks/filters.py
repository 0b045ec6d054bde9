"""The filters that tools take, what they mean, and how an answer says it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from uniqc_mcp.errors import InvalidArgumentError, nearest
from uniqc_mcp.responses.times import requested_time, wire_time
from uniqc_mcp.safety.display import quoted
from uniqc_store import Snapshot, TaskFilter

Status = Literal[
    "any", "active", "finished", "pending", "running", "success", "failed", "cancelled"
]

StatusFilter = Annotated[
    Status, Field(description="active: not finished; finished: success, failed or cancelled.")
]
BackendFilter = Annotated[
    str, Field(description="Whole label (originq:WK_C180), or platform (originq).")
]
SubmittedAfter = Annotated[
    str, Field(description="ISO 8601 (UTC if no zone), or how long ago: 36h, 7d. Inclusive.")
]
SubmittedBefore = Annotated[str, Field(description="Likewise. Exclusive.")]
NameContains = Annotated[str, Field(description="Part of the name, in any case.")]


def requested_filter(
    now: datetime,
    *,
    status: Status,
    backend: str,
    submitted_after: str,
    submitted_before: str,
    name_contains: str,
) -> TaskFilter:
    """The filter that the arguments of a tool mean.

    Raises:
        InvalidArgumentError: A time that can't be meant.
    """
    return TaskFilter(
        status=status,
        backend=backend,
        submitted_after=_moment("submitted_after", submitted_after, now),
        submitted_before=_moment("submitted_before", submitted_before, now),
        name_contains=name_contains,
    )


def _moment(argument: str, text: str, now: datetime) -> datetime | None:
    try:
        return requested_time(text, now)
    except ValueError:
        raise InvalidArgumentError(
            f"{argument} must be a date or time such as 2026-11-03 or 2026-11-03T18:00:00Z, or "
            f"how long ago such as 36h or 7d, not {quoted(text)}."
        ) from None


def filter_notes(snapshot: Snapshot, task_filter: TaskFilter, *, found: bool) -> list[str]:
    """What a reader should know who sees only what the filter let through."""
    notes: list[str] = []
    if task_filter.by_time and (undated := snapshot.without_date(task_filter)):
        notes.append(f"Tasks without a readable submit time, which no time filter finds: {undated}")
    if found or not snapshot.state.exists:
        return notes
    if everything := snapshot.count(TaskFilter()):
        notes.append(f"Tasks in the cache that do not match: {everything}.")
    backends = snapshot.backends() if task_filter.backend else ()
    platforms = {label.partition(":")[0] for label in backends}
    if backends and task_filter.backend not in platforms.union(backends):
        close = nearest(task_filter.backend, platforms.union(backends), most=3) or sorted(platforms)
        shown = ", ".join(quoted(label) for label in close[:10])
        notes.append(f"None is on backend {quoted(task_filter.backend)}. There are: {shown}.")
    return notes


def in_words(task_filter: TaskFilter) -> str:
    """``active tasks on "originq"``: what a count is a count of."""
    words = ["tasks"] if task_filter.status == "any" else [task_filter.status, "tasks"]
    if task_filter.backend:
        words.append(f"on {quoted(task_filter.backend)}")
    if task_filter.name_contains:
        words.append(f"with {quoted(task_filter.name_contains)} in the name")
    if task_filter.submitted_after is not None:
        words.append(f"submitted from {wire_time(task_filter.submitted_after)}")
    if task_filter.submitted_before is not None:
        words.append(f"submitted before {wire_time(task_filter.submitted_before)}")
    return " ".join(words)
