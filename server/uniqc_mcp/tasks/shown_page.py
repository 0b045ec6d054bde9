"""A page of tasks as it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.records.progress import NO_PLATFORM_JOB, WITHOUT_JOB
from uniqc_mcp.records.related_rows import RelatedRows
from uniqc_mcp.responses.times import age_in_seconds, zone_notes
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.filters import notes_on_filter
from uniqc_mcp.tasks.models import TaskView, how_many_tasks_fit
from uniqc_mcp.tasks.silence import note_on_silence, silent_since
from uniqc_store import parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_store import Archived, Order, Page, TaskFilter, TaskRecord

READ_ALL: Final = "Every task was read for this: no index has the time of the last touch."
RECENT_ONLY: Final = (
    "Only recent tasks are in this order. Older ones that uniqc touched since come by next_cursor, "
    "after the recent ones; that reads every task."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPage:
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
        """Read a page, of as many of the tasks as there is room for."""
        sanitizer = Sanitizer()
        search = partial(
            snapshot.search, task_filter, order=order, archived=archived, cursor=cursor
        )
        page = search(limit=limit)
        related = RelatedRows.of(snapshot, page.records)
        tasks = [TaskView.in_list(record, now, sanitizer, related) for record in page.records]
        found = page.total > 0 or page.cut_short or page.recent_only
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
