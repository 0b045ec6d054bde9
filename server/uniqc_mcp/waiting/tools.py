"""The tool wait_for_tasks."""

import time
from collections.abc import Callable, Sequence
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
from uniqc_mcp.records.related_rows import EndedTasks
from uniqc_mcp.responses.times import utc_now
from uniqc_mcp.settings import DEFAULT_WAIT, MAX_WAIT
from uniqc_mcp.subscriptions.watcher import StoreWatcher
from uniqc_mcp.tasks.filter_arguments import (
    BackendFilter,
    NameContains,
    SubmittedAfter,
    SubmittedBefore,
    as_list,
)
from uniqc_mcp.tasks.filters import notes_on_filter
from uniqc_mcp.waiting.answering import answer_of, cursor_at
from uniqc_mcp.waiting.arguments import MAX_IDS, Asked, Beginning
from uniqc_mcp.waiting.models import (
    MAX_ACTIVE,
    MAX_CHANGES,
    WaitAnswer,
)
from uniqc_mcp.waiting.target import WaitTarget
from uniqc_mcp.waiting.wait import Until, Wait, WaitResult
from uniqc_store import TaskFilter

_PROGRESS: Final[dict[Until, str]] = {
    "any": "waiting for a change of status",
    "all": "waiting until none is active",
}
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
                    asked, cursor or cursor_at(place, active, target)
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
        now = self._clock()
        return answer_of(target, result, ended, unmatched, notes, now=now, scope=self._scope)

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
