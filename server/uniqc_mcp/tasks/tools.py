"""The tools that list, count and get tasks, as methods that tests can call directly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Final, Literal, Self, TypeAlias, TypeVar, Unpack

from pydantic import BeforeValidator, Field

from uniqc_mcp.questions.snapshot import StoreSnapshot
from uniqc_mcp.questions.store import ReadableStore
from uniqc_mcp.records.progress import NO_PLATFORM_JOB, WITHOUT_JOB
from uniqc_mcp.records.related_rows import RelatedRows, notes_on_active
from uniqc_mcp.responses.base import StoreView
from uniqc_mcp.responses.times import age_in_seconds, seconds_since, utc_now, zone_notes
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.cleared_lookup import (
    as_cleared,
    notes_on_cleared,
    read_task,
    with_cleared_twin,
)
from uniqc_mcp.tasks.count_models import GroupView, TaskCounts, largest_groups
from uniqc_mcp.tasks.filter_arguments import (
    ArchivedFilter,
    FilterArguments,
    OrderBy,
    StatusFilter,
    as_list,
    spell_out_filters,
)
from uniqc_mcp.tasks.filters import describe_filter, notes_on_filter, requested_filter
from uniqc_mcp.tasks.including import PLOTTED_OUTCOMES, including, text_parts
from uniqc_mcp.tasks.job_models import hidden_shards_note
from uniqc_mcp.tasks.job_of_id import with_job_of_id
from uniqc_mcp.tasks.lookup import FoundTask
from uniqc_mcp.tasks.models import MORE, TaskList, TaskView, how_many_tasks_fit
from uniqc_mcp.tasks.result_models import ResultView
from uniqc_mcp.tasks.silence import note_on_silence, silent_since
from uniqc_mcp.tasks.summary import GroupKey
from uniqc_mcp.tasks.summary_models import FIGURES, TaskSummary, summary_of
from uniqc_mcp.tasks.task_detail import TaskAnswer, TaskDetail, times_of
from uniqc_mcp.tasks.whole_parts import Include, LastWhole
from uniqc_store import (
    TERMINAL_STATUSES,
    Archived,
    Column,
    Match,
    Order,
    Page,
    TaskFilter,
    TaskRecord,
    parse_time,
)

READ_ALL: Final = "Every task was read for this: no index has the time of the last touch."
RECENT_ONLY: Final = (
    "Only recent tasks are in this order. Older ones that uniqc touched since come by next_cursor, "
    "after the recent ones; that reads every task."
)


def _total_for_none(given: object) -> object:
    """Return "total" for "none", which some frameworks turn into null on the way."""
    return "total" if given == "none" else given


GroupBy = Annotated[
    Literal["total", "status", "backend", "status_backend"], BeforeValidator(_total_for_none)
]

SummaryKeys = Annotated[
    Sequence[GroupKey],
    BeforeValidator(as_list),
    Field(max_length=2, description="Any of these."),
]

MAX_CACHED_BYTES: Final = 64 * 1024
"""The largest result whose summary is cached for one state of the file."""

_GROUP_COLUMNS: Final[dict[GroupBy, tuple[Column, ...]]] = {
    "status": ("status",),
    "backend": ("backend",),
    "status_backend": ("status", "backend"),
}


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
                lambda: _ShownPage.read(
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
                lambda: _count(snapshot, task_filter, group_by, archived),
            )
            return TaskCounts(
                matching=f"{describe_filter(task_filter, archived)}{self._scope}",
                total=total,
                groups=groups,
                digest=_digest(snapshot, task_filter) if digest else "",
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
        detail = with_job_of_id(detail, task, task_id)
        if cleared is not None:
            detail = as_cleared(detail, cleared, clears=self._clears)
        else:
            archived = task.match.archived
            detail = with_cleared_twin(
                self._store, detail, task.record, archived=archived, clears=self._clears
            )
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

    def _told_of_cleared(self, found: _ManyTasks, task_filter: TaskFilter) -> _ManyTasks:
        """Return an answer, with a note on cleared tasks if it found none."""
        if found.total != 0:
            return found
        notes = [*found.store.notes, *notes_on_cleared(self._store, task_filter)]
        store = found.store.model_copy(update={"notes": notes})
        return found.model_copy(update={"store": store})


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShownPage:
    """A page of tasks as it is shown, which is cached for one state of the file.

    Attributes:
        tasks: The tasks, with the seconds since their update as of the first answer.
        updated: The time of the last update of each active task; None if it is unreadable.
        silent_since: The time of the last update of every active task, if all are of one minute.
    """

    tasks: tuple[TaskView, ...]
    updated: tuple[datetime | None, ...]
    total: int
    exact: bool
    next_cursor: str
    notes: tuple[str, ...]
    silent_since: datetime | None

    @classmethod
    def read(
        cls,
        snapshot: StoreSnapshot,
        task_filter: TaskFilter,
        *,
        order: Order,
        archived: Archived,
        limit: int,
        cursor: str,
        now: datetime,
    ) -> Self:
        sanitizer = Sanitizer()
        search = partial(
            snapshot.search, task_filter, order=order, archived=archived, cursor=cursor
        )
        page = search(limit=limit)
        related = RelatedRows.of(snapshot, page.records)
        tasks = [TaskView.in_list(record, now, sanitizer, related) for record in page.records]
        more = page.cut_short or page.recent_only
        found = page.total > 0 or more
        notes = notes_on_filter(snapshot, task_filter, found=found, archived=archived)
        notes += _notes_on_search(page)
        if (room := how_many_tasks_fit(tasks)) < len(tasks):
            # A second search, because only the store can say where the next page begins.
            page, tasks = search(limit=room), tasks[:room]
            notes.append(f"There is room for {room} of the {limit} tasks asked for.")
        if any(task.note == NO_PLATFORM_JOB for task in tasks):
            notes.append(f"{WITHOUT_JOB}.")
        notes += zone_notes(time for task in tasks for time in task.times)
        return cls(
            tasks=tuple(tasks),
            updated=tuple(map(_updated_if_active, page.records)),
            total=page.total,
            exact=page.exact,
            next_cursor=page.next_cursor,
            notes=tuple(notes),
            silent_since=silent_since(tasks),
        )

    def notes_at(self, now: datetime) -> list[str]:
        """Return the notes as of a time."""
        return [*self.notes, *note_on_silence(self.silent_since, now)]

    def tasks_at(self, now: datetime) -> list[TaskView]:
        """Return the tasks with the seconds since their update as of a time."""
        return [
            task.at(now, seconds_since_update=age_in_seconds(updated, now) if updated else None)
            for task, updated in zip(self.tasks, self.updated, strict=True)
        ]


def _notes_on_search(page: Page) -> list[str]:
    """Return a note on the tasks that were read for a page, if others may match."""
    if page.recent_only:
        return [RECENT_ONLY]
    if page.cut_short:
        return ["Some of the tasks were searched for it; next_cursor searches on."]
    return [READ_ALL] if page.read_all else []


def _updated_if_active(record: TaskRecord) -> datetime | None:
    return None if record.finished else parse_time(record.update_time)


def _count(
    snapshot: StoreSnapshot, task_filter: TaskFilter, group_by: GroupBy, archived: Archived
) -> tuple[int, list[GroupView], list[str]]:
    """Return the total, the groups that are shown, and the notes."""
    columns = _GROUP_COLUMNS.get(group_by)
    if columns or archived != "exclude":
        groups = snapshot.tally(task_filter, by=columns or (), archived=archived)
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
    if columns and "status" in columns:
        active = sum(group.count for group in groups if group.status not in TERMINAL_STATUSES)
    else:
        finished = {"any", "finished", *TERMINAL_STATUSES}
        active = 0 if finished.intersection(task_filter.statuses) else total
    return total, shown, [*notes, *notes_on_active(snapshot, task_filter, active=active)]


def _digest(snapshot: StoreSnapshot, task_filter: TaskFilter) -> str:
    return snapshot.cached(("digest", task_filter), lambda: snapshot.digest(task_filter))


_DetailAndNotes: TypeAlias = tuple[TaskDetail, list[str]]


def _detail_and_notes(task: FoundTask, *, outcomes: int, now: datetime) -> _DetailAndNotes:
    sanitizer = Sanitizer()
    result = ResultView.read(task, outcomes=outcomes, sanitizer=sanitizer)
    detail = TaskDetail.build(task, result, now=now, sanitizer=sanitizer)
    notes = hidden_shards_note(task.shards, shown=len(detail.shards))
    return detail, [*notes, *zone_notes(times_of(detail))]
