"""The tools that answer questions. Each is a method that can be called by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field

from uniqc_mcp.responses.base import StoreView
from uniqc_mcp.responses.times import utc_now
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.filters import (
    BackendFilter,
    NameContains,
    StatusFilter,
    SubmittedAfter,
    SubmittedBefore,
    filter_notes,
    in_words,
    requested_filter,
)
from uniqc_mcp.tasks.lookup import FoundTask
from uniqc_mcp.tasks.models import (
    GroupView,
    TaskCounts,
    TaskList,
    TaskView,
    how_many_tasks_fit,
    largest_groups,
)
from uniqc_mcp.tasks.result_models import ResultView
from uniqc_mcp.tasks.task_detail import TaskAnswer, TaskDetail, hidden_shards
from uniqc_store import Column, Snapshot, TaskFilter, TaskStore

GroupBy = Literal["none", "status", "backend", "status_backend"]

MAX_REMEMBERED = 64 * 1024
"""Bytes of a result whose summary is remembered for as long as nobody writes."""

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
        platform, not the platform's word; seconds_since_update says how old that is.
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
            shown = snapshot.cached(
                ("list_tasks", task_filter, limit, cursor),
                lambda: _Shown.of(snapshot, task_filter, limit=limit, cursor=cursor, now=now),
            )
            return TaskList(
                matching=in_words(task_filter),
                tasks=shown.at(now),
                total=shown.total,
                total_is_exact=shown.exact,
                shown=len(shown.tasks),
                next_cursor=shown.next_cursor,
                store=StoreView.of(snapshot.state, now, shown.notes),
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
            total, groups, notes = snapshot.cached(
                ("count_tasks", task_filter, group_by),
                lambda: _counted(snapshot, task_filter, group_by),
            )
            return TaskCounts(
                matching=in_words(task_filter),
                total=total,
                groups=groups,
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
        now = self._clock()

        def answer(snapshot: Snapshot) -> tuple[FoundTask, _Whole | None]:
            task = FoundTask.find(snapshot, reference=task_id)
            # A large result takes a while to read; the file is not kept open for that.
            if len(task.result_text) > MAX_REMEMBERED:
                return task, None
            return task, snapshot.cached(
                # By what was asked for: ids that are no UTF-8 may look alike.
                ("get_task", task_id, outcomes),
                lambda: _whole(task, outcomes=outcomes, now=now),
            )

        task, whole = self._store.read(answer)
        detail, notes = whole or _whole(task, outcomes=outcomes, now=now)
        return TaskAnswer(
            task=detail.heard(task.record.update_time, now),
            store=StoreView.of(task.state, now, notes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A list of tasks as it is shown, but for how long ago what was.

    Attributes:
        touched: When each of the tasks was, as it is recorded.
    """

    tasks: tuple[TaskView, ...]
    touched: tuple[str, ...]
    total: int
    exact: bool
    next_cursor: str
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        task_filter: TaskFilter,
        *,
        limit: int,
        cursor: str,
        now: datetime,
    ) -> Self:
        sanitizer = Sanitizer()
        page = snapshot.search(task_filter, limit=limit, cursor=cursor)
        tasks = [TaskView.in_list(record, now, sanitizer) for record in page.records]
        notes = filter_notes(snapshot, task_filter, found=page.total > 0 or page.cut_short)
        if page.cut_short:
            notes.append("Some of the tasks were searched for it; next_cursor searches on.")
        if (room := how_many_tasks_fit(tasks)) < len(tasks):
            # Again, as only the store can say where the next page begins.
            page, tasks = snapshot.search(task_filter, limit=room, cursor=cursor), tasks[:room]
            notes.append(f"There is room for {room} of the {limit} tasks asked for.")
        return cls(
            tasks=tuple(tasks),
            touched=tuple(record.update_time for record in page.records),
            total=page.total,
            exact=page.exact,
            next_cursor=page.next_cursor,
            notes=tuple(notes),
        )

    def at(self, now: datetime) -> list[TaskView]:
        """The tasks, with how long ago uniqc heard of each."""
        return [task.heard(time, now) for task, time in zip(self.tasks, self.touched, strict=True)]


def _counted(
    snapshot: Snapshot, task_filter: TaskFilter, group_by: GroupBy
) -> tuple[int, list[GroupView], list[str]]:
    """How many in all, the groups as they are shown, and what else is to be said."""
    by = _GROUPS.get(group_by)
    groups = snapshot.tally(task_filter, by=by) if by else ()
    total = sum(group.count for group in groups) if by else snapshot.count(task_filter)
    shown, notes = largest_groups(groups, Sanitizer())
    return total, shown, [*notes, *filter_notes(snapshot, task_filter, found=total > 0)]


_Whole: TypeAlias = tuple[TaskDetail, list[str]]
"""A task as it is shown, and what else is to be said."""


def _whole(task: FoundTask, *, outcomes: int, now: datetime) -> _Whole:
    sanitizer = Sanitizer()
    result = ResultView.read(task, outcomes=outcomes, sanitizer=sanitizer)
    detail = TaskDetail.build(task, result, now=now, sanitizer=sanitizer)
    return detail, hidden_shards(task, shown=len(detail.shards))
