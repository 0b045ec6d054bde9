"""The tool wait_for_tasks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import anyio.to_thread
from mcp.server.mcpserver import Context
from pydantic import Field

from uniqc_mcp.context import ServerContext
from uniqc_mcp.errors import InvalidArgumentError
from uniqc_mcp.records.progress import WITHOUT_JOB
from uniqc_mcp.records.related_rows import EndedTasks
from uniqc_mcp.responses.base import StoreView
from uniqc_mcp.responses.times import utc_now, zone_notes
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.subscriptions.watcher import StoreWatcher
from uniqc_mcp.tasks.filters import (
    BackendFilter,
    NameContains,
    describe_filter,
    notes_on_filter,
)
from uniqc_mcp.tasks.lookup import find_task
from uniqc_mcp.tasks.models import TaskView
from uniqc_mcp.waiting.models import (
    MAX_ACTIVE,
    MAX_CHANGES,
    TASK_TOKENS,
    ChangeView,
    WaitAnswer,
    WaitState,
    first_that_fit,
    total_size,
)
from uniqc_mcp.waiting.target import WaitTarget
from uniqc_mcp.waiting.wait import Until, Wait, WaitResult
from uniqc_store import InvalidValueError, Snapshot, TaskFilter, TaskStore

MAX_IDS = 50

_NEEDS_POLLING = (
    "The cache moves only while some uniqc process polls the platform: the program that submitted "
    "a task, or `uniqc result TASK_ID`."
)
_NOTHING_MATCHES = "The cache has no task at all."
_BAD_CURSOR = (
    "The cursor is not one that wait_for_tasks of this server gave, or more has changed since than "
    "it remembers. Leave cursor out to wait from now on; list_tasks and get_task tell what has "
    "become of the tasks meanwhile."
)


class WaitTools:
    """The tools that wait for tasks.

    Args:
        store: The store to read.
        clock: Returns the current time, by which answers say how old a task is.
    """

    def __init__(self, store: TaskStore, clock: Callable[[], datetime] = utc_now) -> None:
        """Make the tools of a store."""
        self._store = store
        self._clock = clock

    async def wait_for_tasks(
        self,
        *,
        task_ids: Annotated[
            Sequence[str],
            # Refused below: pydantic's own refusal would not be a sentence.
            Field(
                json_schema_extra={"maxItems": MAX_IDS},
                description="Empty: all active ones that match.",
            ),
        ] = (),
        backend: BackendFilter = "",
        name_contains: NameContains = "",
        until: Annotated[
            Until, Field(description="any changes status, or all are finished.")
        ] = "any",
        timeout_seconds: Annotated[int, Field(ge=1, le=50)] = 30,
        cursor: Annotated[str, Field(description="Of the call before, to miss nothing.")] = "",
        context: Context[ServerContext, Any],
    ) -> WaitAnswer:
        """Wait for tasks instead of asking again and again.

        In vain, unless some uniqc process polls the platform meanwhile: the program that
        submitted a task, or `uniqc result TASK_ID`.
        """
        watcher = context.request_context.lifespan_context.watcher

        async def report(seconds: float) -> None:
            await context.report_progress(
                int(seconds), timeout_seconds, f"waiting for {until} of them"
            )

        try:
            changed_ids = await _changed_ids(watcher, cursor)
            target = await anyio.to_thread.run_sync(
                lambda: self._store.read(
                    lambda snapshot: _target(
                        snapshot, task_ids, backend, name_contains, changed_ids
                    )
                )
            )
            wait = Wait(
                target=target,
                until=until,
                timeout=timeout_seconds,
                cursor=cursor,
                max_active=MAX_ACTIVE,
                report=report,
            )
            result = await wait.run(self._store, watcher)
            changes = result.status_changes[:MAX_CHANGES]
            ended_ids = [change.state.task_id for change in changes if not change.state.active]
            ended, unmatched = await anyio.to_thread.run_sync(
                lambda: self._store.read(
                    lambda snapshot: (
                        EndedTasks.read(snapshot, ended_ids),
                        _notes_if_unmatched(snapshot, target, result),
                    )
                )
            )
            return self._answer(target, result, ended, unmatched)
        except InvalidValueError as error:
            if error.field != "cursor":
                raise
            raise InvalidArgumentError(_BAD_CURSOR) from error

    def _answer(
        self, target: WaitTarget, result: WaitResult, ended: EndedTasks, unmatched: list[str]
    ) -> WaitAnswer:
        now, sanitizer, tasks = self._clock(), Sanitizer(), result.tasks
        state = "none_match" if unmatched else _state(result)
        notes = [*unmatched, *([_NEEDS_POLLING] if state == "timeout" else [])]
        if state == "not_submitted":
            notes.append(f"{WITHOUT_JOB}.")
        elif tasks.without_job:
            notes.append(f"{tasks.without_job} of the active tasks can't finish. {WITHOUT_JOB}.")
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
        times = [change.updated_at for change in (*changes, *finished)]
        notes += zone_notes([*times, *(time for task in active for time in task.times)])
        return WaitAnswer(
            matching=_in_words(target),
            state=state,
            changes=changes,
            changes_total=len(result.status_changes),
            active=active,
            active_total=tasks.active_total,
            finished=finished,
            waited_seconds=int(result.seconds),
            cursor=result.cursor,
            store=StoreView.of(tasks.state, now, notes),
        )


async def _changed_ids(watcher: StoreWatcher, cursor: str) -> frozenset[str]:
    """Return the ids of tasks that changed since a cursor, removed ones included."""
    if not cursor:
        return frozenset()
    await watcher.refresh()
    return watcher.watch.since(cursor).task_ids


def _target(
    snapshot: Snapshot,
    task_ids: Sequence[str],
    backend: str,
    name_contains: str,
    changed_ids: frozenset[str],
) -> WaitTarget:
    """Return the tasks that the arguments of the tool mean.

    Args:
        snapshot: The store in which ids are looked up.
        task_ids: uniqc's or the platform's ids, or beginnings of them.
        backend: As the tool takes it.
        name_contains: As the tool takes it.
        changed_ids: Ids of tasks that may be gone; they are not looked up.

    Raises:
        InvalidArgumentError: There are both ids and a filter, or too many ids.
        UnknownTaskError: No task has one of the ids.
    """
    if task_ids and (backend or name_contains):
        raise InvalidArgumentError(
            "Give task_ids, or backend and name_contains to wait for the active tasks that match."
        )
    if len(task_ids) > MAX_IDS:
        raise InvalidArgumentError(
            f"task_ids must be at most {MAX_IDS} ids, not {len(task_ids)}. Without task_ids, "
            "all active tasks that match backend and name_contains are waited for."
        )
    found = (
        task_id if task_id in changed_ids else find_task(snapshot, task_id).task_id
        for task_id in task_ids
    )
    return WaitTarget(
        task_ids=frozenset(found),
        task_filter=TaskFilter(status="active", backend=backend, name_contains=name_contains),
    )


def _notes_if_unmatched(snapshot: Snapshot, target: WaitTarget, result: WaitResult) -> list[str]:
    """Return notes on a filter that no task matches, active or not; none if one does."""
    filters = target.task_filter.backend or target.task_filter.name_contains
    if not filters or target.task_ids or result.tasks.active_total or result.status_changes:
        return []
    any_status = replace(target.task_filter, status="any")
    if snapshot.count(any_status):
        return []
    return notes_on_filter(snapshot, any_status, found=False) or [_NOTHING_MATCHES]


def _in_words(target: WaitTarget) -> str:
    if target.task_ids:
        return "tasks asked for"
    return describe_filter(replace(target.task_filter, status="any"))


def _state(result: WaitResult) -> WaitState:
    if not result.tasks.active_total:
        return "finished"
    if not result.tasks.may_finish:
        return "not_submitted"
    return "changed" if result.condition_met else "timeout"
