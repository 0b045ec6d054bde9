"""The answer of a wait: what it found, as far as there is room for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.records.progress import WITHOUT_JOB
from uniqc_mcp.responses.base import StoreView
from uniqc_mcp.responses.times import zone_notes
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.filters import describe_filter
from uniqc_mcp.tasks.models import TaskView
from uniqc_mcp.waiting.cursor import ActiveTasks, WaitCursor
from uniqc_mcp.waiting.models import (
    MAX_CHANGES,
    TASK_TOKENS,
    ChangeView,
    WaitAnswer,
    WaitState,
    first_that_fit,
    hidden_notes,
    more_after,
    total_size,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from uniqc_mcp.records.related_rows import EndedTasks
    from uniqc_mcp.waiting.target import WaitTarget
    from uniqc_mcp.waiting.wait import WaitResult
    from uniqc_store import TaskState

_NEEDS_POLLING: Final = (
    "Statuses change only while some uniqc process polls the platform: the program that submitted "
    "a task, or `uniqc result TASK_ID`."
)
_STILL_CHANGING: Final = (
    "Tasks changed while they were read: one may be shown as it was before the last change of it."
)


def answer_of(
    target: WaitTarget,
    result: WaitResult,
    ended: EndedTasks,
    unmatched: Sequence[str],
    notes: Sequence[str],
    *,
    now: datetime,
    scope: str,
) -> WaitAnswer:
    """Return the answer of a wait.

    Args:
        target: The tasks that were waited for.
        result: What the wait found.
        ended: The tasks that ended, as they are now.
        unmatched: Notes on a filter that no task matches; empty if one does.
        notes: Notes on the arguments.
        now: The time of the answer.
        scope: Words for whose tasks the store has.
    """
    state: WaitState = "none_match" if unmatched else _state(result)
    shown = _ShownTasks.of(result, ended, now)
    notes = [*notes, *unmatched, *_notes_on(state, result), *shown.notes(result)]
    return WaitAnswer(
        matching=f"{_in_words(target)}{scope}",
        state=state,
        changes=shown.changes,
        changes_total=len(result.status_changes),
        active=shown.active,
        active_total=result.tasks.active_total,
        finished=shown.finished,
        waited_seconds=int(result.seconds),
        cursor=cursor_at(result.cursor, result.active, target),
        more=more_after(state),
        store=StoreView.of(result.tasks.state, now, notes),
    )


def cursor_at(place: str, active: Iterable[TaskState], target: WaitTarget) -> str:
    """Return the cursor for a place in the change log, where these tasks were active."""
    tasks = ActiveTasks.of(filter(target.includes, active))
    return WaitCursor(place=place, at=time.time(), active=tasks).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShownTasks:
    """The tasks of an answer: half the room for changes, the rest for what is as it was.

    Attributes:
        changes: The changes of status.
        finished: Tasks that had finished before.
        finished_hidden: How many others had.
        active: Tasks that are still active.
    """

    changes: list[ChangeView]
    finished: list[ChangeView]
    finished_hidden: int
    active: list[TaskView]

    @classmethod
    def of(cls, result: WaitResult, ended: EndedTasks, now: datetime) -> Self:
        """Return the tasks that there is room for."""
        sanitizer, tasks = Sanitizer(), result.tasks
        status_changes = result.status_changes[:MAX_CHANGES]
        changes = first_that_fit(
            (ChangeView.of(change, sanitizer, ended) for change in status_changes), TASK_TOKENS // 2
        )
        changed_ids = {change.state.task_id for change in result.status_changes}
        records = [record for record in tasks.finished if record.task_id not in changed_ids]
        tokens = TASK_TOKENS - total_size(changes)
        finished = first_that_fit(
            (ChangeView.finished(record, sanitizer, tasks.related) for record in records),
            tokens // 2,
        )
        views = (TaskView.in_list(record, now, sanitizer, tasks.related) for record in tasks.active)
        return cls(
            changes=changes,
            finished=finished,
            finished_hidden=len(records) - len(finished),
            active=first_that_fit(views, tokens - total_size(finished)),
        )

    def notes(self, result: WaitResult) -> Iterator[str]:
        """Yield notes on what there was no room for, and on times without a zone."""
        if self.finished_hidden:
            yield (
                "Tasks that had finished before and that there is no room for: "
                f"{self.finished_hidden}"
            )
        yield from hidden_notes(
            changes=len(result.status_changes) - len(self.changes),
            active=result.tasks.active_total - len(self.active),
        )
        times = [change.updated_at for change in (*self.changes, *self.finished)]
        yield from zone_notes([*times, *(time for task in self.active for time in task.times)])


def _notes_on(state: WaitState, result: WaitResult) -> Iterator[str]:
    """Yield notes on how a wait ended."""
    if state == "timeout":
        yield _NEEDS_POLLING
    if state == "not_submitted":
        yield f"{WITHOUT_JOB}."
    elif stuck := result.tasks.without_job:
        yield f"{stuck} of the active tasks can't finish. {WITHOUT_JOB}."
    if not result.consistent:
        yield _STILL_CHANGING


def _in_words(target: WaitTarget) -> str:
    if target.task_ids:
        return "tasks that could be waited for" if target.partial else "tasks asked for"
    return describe_filter(target.task_filter)


def _state(result: WaitResult) -> WaitState:
    if not result.tasks.active_total:
        return "finished"
    if not result.tasks.may_finish:
        return "not_submitted"
    return "changed" if result.condition_met else "timeout"
