"""The number of tasks, whole and by groups, with the groups that are shown."""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator

from uniqc_mcp.questions.snapshot import StoreSnapshot
from uniqc_mcp.records.related_rows import notes_on_active
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.count_models import GroupView, largest_groups
from uniqc_mcp.tasks.filters import notes_on_filter
from uniqc_mcp.tasks.shown_page import READ_ALL
from uniqc_store import TERMINAL_STATUSES, Archived, Column, TaskFilter


def _total_for_none(given: object) -> object:
    """Return "total" for "none", which some frameworks turn into null on the way."""
    return "total" if given == "none" else given


GroupBy = Annotated[
    Literal["total", "status", "backend", "status_backend"], BeforeValidator(_total_for_none)
]

_COLUMNS: Final[dict[GroupBy, tuple[Column, ...]]] = {
    "status": ("status",),
    "backend": ("backend",),
    "status_backend": ("status", "backend"),
}


def count_groups(
    snapshot: StoreSnapshot, task_filter: TaskFilter, group_by: GroupBy, archived: Archived
) -> tuple[int, list[GroupView], list[str]]:
    """Return the total, the groups that are shown, and the notes."""
    columns = _COLUMNS.get(group_by, ())
    if columns or archived != "exclude":
        groups = snapshot.tally(task_filter, by=columns, archived=archived)
        total = sum(group.count for group in groups)
        groups = groups if columns else ()
    else:
        groups, total = (), snapshot.count(task_filter)
    shown, notes = largest_groups(groups, Sanitizer())
    notes += notes_on_filter(snapshot, task_filter, found=total > 0, archived=archived)
    if archived != "exclude":
        return total, shown, notes
    if task_filter.by_update and snapshot.reads_all(task_filter):
        notes.append(READ_ALL)
    if "status" in columns:
        active = sum(group.count for group in groups if group.status not in TERMINAL_STATUSES)
    else:
        finished = {"any", "finished", *TERMINAL_STATUSES}
        active = 0 if finished.intersection(task_filter.statuses) else total
    return total, shown, [*notes, *notes_on_active(snapshot, task_filter, active=active)]


def digest_of(snapshot: StoreSnapshot, task_filter: TaskFilter) -> str:
    """Return a digest of the tasks that match, computed once for a state of the file."""
    return snapshot.cached(("digest", task_filter), lambda: snapshot.digest(task_filter))
