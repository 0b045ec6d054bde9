"""The tools that answer questions. Each is a method that can be called by itself."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from uniqc_mcp.detail import TaskAnswer, TaskDetail, hidden_shards
from uniqc_mcp.errors import InvalidArgumentError, nearest, quoted
from uniqc_mcp.lookup import FoundTask
from uniqc_mcp.models import StoreView, TaskCounts, TaskList, TaskView, fitting, largest_groups
from uniqc_mcp.result_views import ResultView
from uniqc_mcp.screen import Screen
from uniqc_mcp.times import requested_time, utc_now, wire_time
from uniqc_store import Column, Snapshot, TaskFilter, TaskStore

Status = Literal[
    "any", "active", "finished", "pending", "running", "success", "failed", "cancelled"
]
GroupBy = Literal["none", "status", "backend", "status_backend"]

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

_GROUPS: dict[GroupBy, tuple[Column, ...]] = {
    "status": ("status",),
    "backend": ("backend",),
    "status_backend": ("status", "backend"),
}


class ReadTools:
    """What can be asked of the store."""

    def __init__(self, store: TaskStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock

    def list_tasks(
        self,
        *,
        status: StatusFilter = "active",
        backend: BackendFilter = "",
        submitted_after: SubmittedAfter = "",
        submitted_before: SubmittedBefore = "",
        name_contains: NameContains = "",
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        cursor: Annotated[str, Field(description="next_cursor of the page before.")] = "",
    ) -> TaskList:
        """List tasks, newest first: what is running, what failed, what was submitted when.

        Shows active tasks unless told otherwise. Statuses are what uniqc last heard from the
        platform, not the platform's word; heard_ago_seconds says how old that is.
        """
        now = self._clock()
        task_filter = requested_filter(
            now,
            status=status,
            backend=backend,
            submitted_after=submitted_after,
            submitted_before=submitted_before,
            name_contains=name_contains,
        )

        def answer(snapshot: Snapshot) -> TaskList:
            screen = Screen()
            page = snapshot.search(task_filter, limit=limit, cursor=cursor)
            tasks = [TaskView.in_list(record, now, screen) for record in page.records]
            notes = _filter_notes(snapshot, task_filter, found=page.total > 0 or page.cut_short)
            if page.cut_short:
                notes.append("Some of the tasks were searched for it; next_cursor searches on.")
            if (room := fitting(tasks)) < len(tasks):
                # Again, as only the store can say where the next page begins.
                page, tasks = snapshot.search(task_filter, limit=room, cursor=cursor), tasks[:room]
                notes.append(f"There is room for {room} of the {limit} tasks asked for.")
            return TaskList(
                matching=in_words(task_filter),
                tasks=tasks,
                total=page.total,
                total_is_exact=page.exact,
                shown=len(tasks),
                next_cursor=page.next_cursor,
                store=StoreView.of(snapshot.state, now, notes),
            )

        return self._store.read(answer)

    def count_tasks(
        self,
        *,
        status: StatusFilter = "any",
        backend: BackendFilter = "",
        submitted_after: SubmittedAfter = "",
        submitted_before: SubmittedBefore = "",
        name_contains: NameContains = "",
        group_by: GroupBy = "status",
    ) -> TaskCounts:
        """Count tasks, by status unless told otherwise. Cheaper than listing them."""
        now = self._clock()
        task_filter = requested_filter(
            now,
            status=status,
            backend=backend,
            submitted_after=submitted_after,
            submitted_before=submitted_before,
            name_contains=name_contains,
        )

        def answer(snapshot: Snapshot) -> TaskCounts:
            by = _GROUPS.get(group_by)
            groups = snapshot.tally(task_filter, by=by) if by else ()
            total = sum(group.count for group in groups) if by else snapshot.count(task_filter)
            shown, notes = largest_groups(groups, Screen())
            notes += _filter_notes(snapshot, task_filter, found=total > 0)
            return TaskCounts(
                matching=in_words(task_filter),
                total=total,
                groups=shown,
                store=StoreView.of(snapshot.state, now, notes),
            )

        return self._store.read(answer)

    def get_task(
        self,
        *,
        task_id: Annotated[
            str,
            Field(description="uniqc's id, a platform's id, or 6 or more first characters."),
        ],
        outcomes: Annotated[int, Field(ge=0, le=50, description="Most frequent first.")] = 8,
    ) -> TaskAnswer:
        """Get one task whole: why it failed, its most frequent outcomes, its platform jobs.

        Archived tasks are found too. The whole result and the circuit are resources, named in
        the answer.
        """
        now, screen = self._clock(), Screen()
        # A large result takes a while to read; the file is not kept open for that.
        task = self._store.read(partial(FoundTask.find, reference=task_id))
        result = ResultView.read(task, outcomes=outcomes, screen=screen)
        detail = TaskDetail.build(task, result, now=now, screen=screen)
        notes = hidden_shards(task, shown=len(detail.shards))
        return TaskAnswer(task=detail, store=StoreView.of(task.state, now, notes))


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


def _filter_notes(snapshot: Snapshot, task_filter: TaskFilter, *, found: bool) -> list[str]:
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
