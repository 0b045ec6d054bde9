"""The tools that list, count and get tasks, as methods that tests can call directly."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar, Unpack

from pydantic import BeforeValidator, Field

from uniqc_mcp.questions.snapshot import StoreSnapshot
from uniqc_mcp.questions.store import ReadableStore
from uniqc_mcp.responses.base import StoreView
from uniqc_mcp.responses.times import seconds_since, utc_now, zone_notes
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.cleared_lookup import (
    as_cleared,
    notes_on_cleared,
    read_task,
    with_cleared_twin,
)
from uniqc_mcp.tasks.count_models import TaskCounts
from uniqc_mcp.tasks.counting import GroupBy, count_groups, digest_of
from uniqc_mcp.tasks.filter_arguments import (
    ArchivedFilter,
    FilterArguments,
    OrderBy,
    StatusFilter,
    as_list,
    spell_out_filters,
)
from uniqc_mcp.tasks.filters import describe_filter, requested_filter
from uniqc_mcp.tasks.including import PLOTTED_OUTCOMES, including, text_parts
from uniqc_mcp.tasks.job_models import hidden_shards_note
from uniqc_mcp.tasks.job_of_id import with_job_of_id
from uniqc_mcp.tasks.lookup import FoundTask
from uniqc_mcp.tasks.models import MORE, TaskList
from uniqc_mcp.tasks.result_models import ResultView
from uniqc_mcp.tasks.shown_page import ShownPage
from uniqc_mcp.tasks.summary import GroupKey
from uniqc_mcp.tasks.summary_models import FIGURES, TaskSummary, summary_of
from uniqc_mcp.tasks.task_detail import TaskAnswer, TaskDetail, times_of
from uniqc_mcp.tasks.whole_parts import Include, LastWhole
from uniqc_store import Match, TaskFilter

if TYPE_CHECKING:
    # At run time it would load clearing, which no read needs.
    from uniqc_store import ClearedMatch

SummaryKeys = Annotated[
    Sequence[GroupKey],
    BeforeValidator(as_list),
    Field(max_length=2, description="Any of these."),
]

MAX_CACHED_BYTES: Final = 64 * 1024
"""The largest result whose summary is cached for one state of the file."""

_ManyTasks = TypeVar("_ManyTasks", TaskList, TaskCounts, TaskSummary)


class ReadTools:
    """The tools that read the store."""

    def __init__(
        self,
        store: ReadableStore,
        clock: Callable[[], datetime] = utc_now,
        *,
        clears: bool = False,
        scope: str = "",
    ) -> None:
        """Make the tools of a store.

        Args:
            store: The store, opened for reading at least.
            clock: The source of the current time.
            clears: Whether the server may clear tasks and put them back.
            scope: Words for whose tasks the store has, for the answers.
        """
        self._store = store
        self._clock = clock
        self._clears = clears
        self._scope = scope
        self._last_whole = LastWhole()

    @spell_out_filters
    def list_tasks(
        self,
        *,
        status: StatusFilter = ("active",),
        archived: ArchivedFilter = "exclude",
        order: OrderBy = "newest",
        limit: Annotated[int, Field(ge=1, le=100, description="Most on a page.")] = 20,
        cursor: Annotated[str, Field(description="next_cursor of the page before.")] = "",
        **filters: Unpack[FilterArguments],
    ) -> TaskList:
        """List tasks, newest first; with no arguments the newest active ones.

        Statuses are what uniqc last heard, not the platform's word;
        seconds_since_update tells how long ago.
        """
        now = self._clock()
        task_filter = requested_filter(now, status=status or ("active",), **filters)

        def answer(snapshot: StoreSnapshot) -> TaskList:
            page = snapshot.cached(
                ("list_tasks", task_filter, order, archived, limit, cursor),
                lambda: ShownPage.read(
                    snapshot,
                    task_filter,
                    order=order,
                    archived=archived,
                    limit=limit,
                    cursor=cursor,
                    now=now,
                ),
            )
            return TaskList(
                matching=f"{describe_filter(task_filter, archived)}{self._scope}",
                tasks=page.tasks_at(now),
                total=page.total if page.exact else None,
                total_at_least=None if page.exact else page.total,
                shown=len(page.tasks),
                order=order,
                shows_touch=order == "updated" or task_filter.by_update,
                next_cursor=page.next_cursor,
                more=MORE if page.next_cursor else "",
                store=StoreView.of(snapshot.state, now, page.notes_at(now)),
            )

        return self._told_of_cleared(self._store.read(answer), task_filter)

    @spell_out_filters
    def count_tasks(
        self,
        *,
        status: StatusFilter = ("any",),
        archived: ArchivedFilter = "exclude",
        group_by: GroupBy = "status",
        digest: Annotated[
            bool, Field(description="Add a digest, to tell if any task changed. Slow.")
        ] = False,
        **filters: Unpack[FilterArguments],
    ) -> TaskCounts:
        """Count tasks; with no arguments all, by status. Cheaper than listing them."""
        now = self._clock()
        task_filter = requested_filter(now, status=status or ("any",), **filters)

        def answer(snapshot: StoreSnapshot) -> TaskCounts:
            total, groups, notes = snapshot.cached(
                ("count_tasks", task_filter, group_by, archived),
                lambda: count_groups(snapshot, task_filter, group_by, archived),
            )
            return TaskCounts(
                matching=f"{describe_filter(task_filter, archived)}{self._scope}",
                total=total,
                groups=groups,
                digest=digest_of(snapshot, task_filter) if digest else "",
                store=StoreView.of(snapshot.state, now, notes),
            )

        return self._told_of_cleared(self._store.read(answer), task_filter)

    @spell_out_filters
    def summarize_tasks(
        self,
        *,
        status: StatusFilter = ("any",),
        group_by: SummaryKeys = ("backend",),
        **filters: Unpack[FilterArguments],
    ) -> TaskSummary:
        """Summarize groups of tasks; with no arguments all tasks, by backend.

        Of each: finished, succeeded, shots of all circuits, seconds from submission to the last
        touch, oldest, newest. By error it tells why tasks fail. Days are local.
        """
        now = self._clock()
        task_filter = requested_filter(now, status=status or ("any",), **filters)
        keys = tuple(dict.fromkeys(group_by or ("backend",)))

        def answer(snapshot: StoreSnapshot) -> TaskSummary:
            total, rows, notes = snapshot.cached(
                ("summarize_tasks", task_filter, keys),
                lambda: summary_of(snapshot, task_filter, keys),
            )
            return TaskSummary(
                matching=f"{describe_filter(task_filter)}{self._scope}",
                total=total,
                columns=[*keys, *FIGURES],
                rows=rows,
                store=StoreView.of(snapshot.state, now, notes),
            )

        return self._told_of_cleared(self._store.read(answer), task_filter)

    def get_task(
        self,
        *,
        task_id: Annotated[
            str,
            Field(description="uniqc's or a platform's id, 6 or more first characters, or a name."),
        ],
        outcomes: Annotated[
            int, Field(ge=0, le=50, description="Most frequent outcomes to show.")
        ] = 8,
        include: Annotated[
            Sequence[Include], BeforeValidator(as_list), Field(description="Add these.")
        ] = (),
        cursor: Annotated[str, Field(description="next_cursor of the page before.")] = "",
    ) -> TaskAnswer:
        """Get one task: why it failed, its most frequent outcomes, its platform jobs.

        Archived and cleared tasks are found too.
        """
        parts, with_image = text_parts(include, cursor)
        outcomes = max(outcomes, PLOTTED_OUTCOMES) if with_image else outcomes
        now = self._clock()

        def find(snapshot: StoreSnapshot, match: Match) -> tuple[FoundTask, _DetailAndNotes | None]:
            task = FoundTask.of(snapshot, match)
            # Summarising a large result takes long; the file is not kept open for that.
            if len(task.result_text) > MAX_CACHED_BYTES:
                return task, None
            return task, snapshot.cached(
                # The argument, not the id found: ids that are not UTF-8 may look alike.
                ("get_task", task_id, outcomes),
                lambda: _detail_and_notes(task, outcomes=outcomes, now=now),
            )

        (task, cached), cleared = read_task(self._store, task_id, find)
        detail, notes = cached or _detail_and_notes(task, outcomes=outcomes, now=now)
        detail = self._with_clears(with_job_of_id(detail, task, task_id), task, cleared)
        answer = TaskAnswer(
            task=detail.at(now, seconds_since_update=seconds_since(task.record.update_time, now)),
            store=StoreView.of(task.state, now, notes),
        )
        if with_image:
            from uniqc_mcp.tasks.plotted import with_plot  # noqa: PLC0415 - 0.02 s of every start

            answer = with_plot(answer, task)
        if not parts:
            return answer
        return including(answer, self._last_whole.of(task, parts), cursor=cursor)

    def _with_clears(
        self, detail: TaskDetail, task: FoundTask, cleared: "ClearedMatch | None"
    ) -> TaskDetail:
        """Return a detail that says where the task, or another one of its id, was cleared."""
        if cleared is not None:
            return as_cleared(detail, cleared, clears=self._clears)
        archived = task.match.archived
        return with_cleared_twin(
            self._store, detail, task.record, archived=archived, clears=self._clears
        )

    def _told_of_cleared(self, found: _ManyTasks, task_filter: TaskFilter) -> _ManyTasks:
        """Return an answer, with a note on cleared tasks if it found none."""
        if found.total != 0:
            return found
        notes = [*found.store.notes, *notes_on_cleared(self._store, task_filter)]
        store = found.store.model_copy(update={"notes": notes})
        return found.model_copy(update={"store": store})


_DetailAndNotes: TypeAlias = tuple[TaskDetail, list[str]]


def _detail_and_notes(task: FoundTask, *, outcomes: int, now: datetime) -> _DetailAndNotes:
    sanitizer = Sanitizer()
    result = ResultView.read(task, outcomes=outcomes, sanitizer=sanitizer)
    detail = TaskDetail.build(task, result, now=now, sanitizer=sanitizer)
    notes = hidden_shards_note(task.shards, shown=len(detail.shards))
    return detail, [*notes, *zone_notes(times_of(detail))]
