"""The filter arguments of tools, their meaning, and the words for them in an answer."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from uniqc_mcp.errors import InvalidArgumentError, nearest
from uniqc_mcp.responses.text import counted
from uniqc_mcp.responses.times import exact_wire_time, requested_time
from uniqc_mcp.safety.display import quoted
from uniqc_store import Order, Snapshot, TaskFilter

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
SubmittedBefore = Annotated[str, Field(description="As submitted_after, but exclusive.")]
NameContains = Annotated[str, Field(description="Part of the name, in any case.")]
UpdatedAfter = Annotated[
    str,
    Field(description="Last touched by uniqc: saved or polled. Ended last night: 24h."),
]
UpdatedBefore = Annotated[str, Field(description="As updated_after, but exclusive.")]
OrderBy = Annotated[Order, Field(description="updated: last touched first.")]

_MAX_BACKENDS: Final = 10


def requested_filter(
    now: datetime,
    *,
    status: Status,
    backend: str,
    submitted_after: str,
    submitted_before: str,
    name_contains: str,
    updated_after: str,
    updated_before: str,
) -> TaskFilter:
    """Return the filter that the arguments of a tool mean.

    Raises:
        InvalidArgumentError: A time is neither a time nor an age.
    """
    return TaskFilter(
        status=status,
        backend=backend,
        submitted_after=_requested_time("submitted_after", submitted_after, now),
        submitted_before=_requested_time("submitted_before", submitted_before, now),
        name_contains=name_contains,
        updated_after=_requested_time("updated_after", updated_after, now),
        updated_before=_requested_time("updated_before", updated_before, now),
    )


def _requested_time(argument: str, text: str, now: datetime) -> datetime | None:
    try:
        return requested_time(text, now)
    except ValueError:
        raise InvalidArgumentError(
            f"{argument} must be a date or time such as 2026-11-03 or 2026-11-03T18:00:00Z, or "
            f"how long ago such as 36h or 7d, not {quoted(text)}."
        ) from None


def notes_on_filter(snapshot: Snapshot, task_filter: TaskFilter, *, found: bool) -> list[str]:
    """Return notes on the tasks that a filter leaves out and that a reader could miss.

    Args:
        snapshot: The state of the file that was read.
        task_filter: The filter.
        found: Whether any task matches it. If none does, the notes say what else there is.
    """
    notes: list[str] = []
    if not found and (archived := snapshot.archived(task_filter)):
        is_or_are = "is" if archived == 1 else "are"
        notes.append(
            f"{counted(archived, describe_filter(task_filter))} {is_or_are} archived, so in no "
            "list; get_task finds one by its id."
        )
    if task_filter.by_time and (undated := snapshot.without_date(task_filter)):
        notes.append(f"Tasks without a readable submit time, which no time filter finds: {undated}")
    if found or not snapshot.state.exists:
        return notes
    if total := snapshot.count(TaskFilter()):
        notes.append(f"Tasks in the cache that do not match: {total}.")
    backends = snapshot.backends() if task_filter.backend else ()
    platforms = {label.partition(":")[0] for label in backends}
    known = platforms.union(backends)
    if backends and task_filter.backend not in known:
        similar = nearest(task_filter.backend, known, most=3) or sorted(platforms)
        shown = ", ".join(map(quoted, similar[:_MAX_BACKENDS]))
        notes.append(f"None is on backend {quoted(task_filter.backend)}. There are: {shown}.")
    return notes


def describe_filter(task_filter: TaskFilter) -> str:
    """Return the words for what a filter matches: ``active tasks on "originq"``."""
    words = ["tasks"] if task_filter.status == "any" else [task_filter.status, "tasks"]
    if task_filter.backend:
        words.append(f"on {quoted(task_filter.backend)}")
    if task_filter.name_contains:
        words.append(f"with {quoted(task_filter.name_contains)} in the name")
    times = {
        "submitted": _between(task_filter.submitted_after, task_filter.submitted_before),
        "last touched by uniqc": _between(task_filter.updated_after, task_filter.updated_before),
    }
    ranges = ", ".join(f"{verb} {time}" for verb, time in times.items() if time)
    return " ".join([*words, ranges]).rstrip()


def _between(after: datetime | None, before: datetime | None) -> str:
    """Return the words for a range of times that includes its beginning; empty for no range."""
    if after is not None and before is not None:
        return f"between {exact_wire_time(after)} and {exact_wire_time(before)}"
    if after is not None:
        return f"since {exact_wire_time(after)}"
    return "" if before is None else f"before {exact_wire_time(before)}"
