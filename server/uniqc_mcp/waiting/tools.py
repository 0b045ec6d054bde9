"""The tool wait_for_tasks."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context
from pydantic import BeforeValidator, Field

from uniqc_mcp.context import ServerContext
from uniqc_mcp.questions.snapshot import StoreSnapshot
from uniqc_mcp.questions.store import ReadableStore
from uniqc_mcp.records.progress import WITHOUT_JOB
from uniqc_mcp.records.related_rows import EndedTasks
from uniqc_mcp.responses.base import StoreView
from uniqc_mcp.responses.times import utc_now, zone_notes
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.settings import DEFAULT_WAIT, MAX_WAIT
from uniqc_mcp.subscriptions.watcher import StoreWatcher
from uniqc_mcp.tasks.filter_arguments import (
    BackendFilter,
    NameContains,
    SubmittedAfter,
    SubmittedBefore,
    as_list,
)
from uniqc_mcp.tasks.filters import describe_filter, notes_on_filter
from uniqc_mcp.tasks.models import TaskView
from uniqc_mcp.waiting.arguments import MAX_IDS, Asked, Beginning
from uniqc_mcp.waiting.cursor import ActiveTasks, WaitCursor
from uniqc_mcp.waiting.models import (
    MAX_ACTIVE,
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
from uniqc_mcp.waiting.target import WaitTarget
from uniqc_mcp.waiting.wait import Until, Wait, WaitResult
from uniqc_store import TaskFilter, TaskState

_PROGRESS: Final[dict[Until, str]] = {
    "any": "waiting for a change of status",
    "all": "waiting until none is active",
}
_NEEDS_POLLING = (
    "Statuses change only while some uniqc process polls the platform: the program that submitted "
    "a task, or `uniqc result TASK_ID`."
)
_STILL_CHANGING = (
    "Tasks changed while they were read: one may be shown as it was before the last change of it."
)
_NOTHING_MATCHES = "The cache has no task at all."


def wait_fields(max_wait: int) -> dict[str, Any]:
    """Return the arguments of wait_for_tasks that follow from the longest wait allowed."""
    default = min(DEFAULT_WAIT, max_wait)
    described = Field(ge=1, le=max_wait, description="Seconds to wait at most.")
    return {"timeout_seconds": (Annotated[int, described], default)}


class WaitTools:
    """The tools that wait for tasks.

    Args:
        store: The store to read.
        clock: Returns the current time, by which answers say how old a task is.
        watcher: The watcher of the store, if it isn't the one of the connection.
        scope: Words for whose tasks the store has, for the answers.
    """

    def __init__(
        self,
        store: ReadableStore,
        clock: Callable[[], datetime] = utc_now,
        *,
        watcher: StoreWatcher | None = None,
        scope: str = "",
    ) -> None:
        """Make the tools of a store."""
        self._store = store
        self._clock = clock
        self._watcher = watcher
        self._scope = scope

    async def wait_for_tasks(
        self,
        *,
        task_ids: Annotated[
            Sequence[str],
            BeforeValidator(as_list),
            # Refused below: pydantic's own refusal would not be a sentence.
            Field(
                json_schema_extra={"maxItems": MAX_IDS},
                description="Empty: all active ones that match.",
            ),
        ] = (),
        backend: BackendFilter = "",
        name_contains: NameContains = "",
        submitted_after: SubmittedAfter = "",
        submitted_before: SubmittedBefore = "",
        until: Annotated[
            Until, Field(description="any changes status, or all are finished.")
        ] = "any",
        timeout_seconds: Annotated[
            int, Field(ge=1, le=MAX_WAIT, description="Seconds to wait at most.")
        ] = DEFAULT_WAIT,
        cursor: Annotated[str, Field(description="Of the call before, to miss nothing.")] = "",
        context: Context[ServerContext, Any],
    ) -> WaitAnswer:
        """Wait until a task changes status; with no arguments any active one.

        In vain unless a uniqc process polls the platform: the program that
        submitted a task, or `uniqc result TASK_ID`.
        """
        began, running = time.monotonic(), context.request_context.lifespan_context
        asked = Asked.of(
            self._clock(),
            task_ids,
            backend=backend,
            name_contains=name_contains,
            submitted_after=submitted_after,
            submitted_before=submitted_before,
        )
        connection = running.connections.state_of(context.session)
        waits, watcher = connection.cancelled_waits, self._watcher or connection.watcher
        cursor = cursor or waits.cursor_of(asked)
        timeout = min(timeout_seconds, waits.limit.seconds if waits.limit else MAX_WAIT)

        async def report(seconds: float) -> None:
            await context.report_progress(int(seconds), timeout, _PROGRESS[until])

        try:
            beginning = await Beginning.find(asked, cursor, self._store, watcher)
            target = beginning.target
            wait = Wait(
                target=target,
                until=until,
                timeout=timeout,
                cursor=beginning.place,
                resumption=beginning.resumption,
                max_active=MAX_ACTIVE,
                report=report,
                cancelled=lambda place, active: waits.remember(
                    asked, cursor or _cursor_at(place, active, target)
                ),
            )
            result = await wait.run(self._store, watcher)
            ended, unmatched = await self._read_ended(target, result)
        except anyio.get_cancelled_exc_class():
            waits.learn(time.monotonic() - began)
            raise
        waits.forget(asked)
        notes = list(beginning.notes)
        if waits.limit and timeout < timeout_seconds:
            notes.append(waits.limit.note)
        return self._answer(target, result, ended, unmatched, notes)

    async def _read_ended(
        self, target: WaitTarget, result: WaitResult
    ) -> tuple[EndedTasks, list[str]]:
        """Return the tasks that ended, as they are now, and notes if no task matches at all."""
        changes = result.status_changes[:MAX_CHANGES]
        ended_ids = [change.state.task_id for change in changes if not change.state.active]
        return await anyio.to_thread.run_sync(
            lambda: self._store.read(
                lambda snapshot: (
                    EndedTasks.read(snapshot, ended_ids),
                    _notes_if_unmatched(snapshot, target, result),
                )
            )
        )

    def _answer(
        self,
        target: WaitTarget,
        result: WaitResult,
        ended: EndedTasks,
        unmatched: list[str],
        notes: list[str],
    ) -> WaitAnswer:
        now, sanitizer, tasks = self._clock(), Sanitizer(), result.tasks
        state = "none_match" if unmatched else _state(result)
        notes = [*notes, *unmatched, *([_NEEDS_POLLING] if state == "timeout" else [])]
        if state == "not_submitted":
            notes.append(f"{WITHOUT_JOB}.")
        elif tasks.without_job:
            notes.append(f"{tasks.without_job} of the active tasks can't finish. {WITHOUT_JOB}.")
        if not result.consistent:
            notes.append(_STILL_CHANGING)
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
        if missing := len(records) - len(finished):
            notes.append(f"Tasks that had finished before and that there is no room for: {missing}")
        views = (TaskView.in_list(record, now, sanitizer, tasks.related) for record in tasks.active)
        active = first_that_fit(views, tokens - total_size(finished))
        notes += hidden_notes(
            changes=len(result.status_changes) - len(changes),
            active=tasks.active_total - len(active),
        )
        times = [change.updated_at for change in (*changes, *finished)]
        notes += zone_notes([*times, *(time for task in active for time in task.times)])
        return WaitAnswer(
            matching=f"{_in_words(target)}{self._scope}",
            state=state,
            changes=changes,
            changes_total=len(result.status_changes),
            active=active,
            active_total=tasks.active_total,
            finished=finished,
            waited_seconds=int(result.seconds),
            cursor=_cursor_at(result.cursor, result.active, target),
            more=more_after(state),
            store=StoreView.of(tasks.state, now, notes),
        )


def _cursor_at(place: str, active: Iterable[TaskState], target: WaitTarget) -> str:
    """Return the cursor for a place in the change log, where these tasks were active."""
    tasks = ActiveTasks.of(filter(target.includes, active))
    return WaitCursor(place=place, at=time.time(), active=tasks).encode()


def _notes_if_unmatched(
    snapshot: StoreSnapshot, target: WaitTarget, result: WaitResult
) -> list[str]:
    """Return notes on a filter that no task matches, active or not; none if one does."""
    is_filtered = target.task_filter != TaskFilter(status="active")
    if not is_filtered or target.task_ids or result.tasks.active_total or result.status_changes:
        return []
    any_status = replace(target.task_filter, status="any")
    if snapshot.count(any_status):
        return []
    return notes_on_filter(snapshot, any_status, found=False) or [_NOTHING_MATCHES]


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
