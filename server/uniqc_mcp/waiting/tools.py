"""The tool that waits."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import anyio.to_thread
from mcp.server.mcpserver import Context
from pydantic import Field

from uniqc_mcp.context import Running
from uniqc_mcp.errors import InvalidArgumentError
from uniqc_mcp.responses.times import utc_now
from uniqc_mcp.safety.sanitizer import Screen
from uniqc_mcp.subscriptions.watcher import Live
from uniqc_mcp.tasks.filters import BackendFilter, NameContains, in_words
from uniqc_mcp.tasks.lookup import find_task
from uniqc_mcp.tasks.models import StoreView, TaskView
from uniqc_mcp.waiting import text  # noqa: F401 - registers their texts  # pyright: ignore[reportUnusedImport]
from uniqc_mcp.waiting.models import (
    MOST_ACTIVE,
    MOST_CHANGES,
    ROOM,
    ChangeView,
    WaitAnswer,
    WaitState,
    taken,
    with_room,
)
from uniqc_mcp.waiting.wait import Awaited, Outcome, Until, Wait
from uniqc_store import InvalidValueError, Snapshot, TaskFilter, TaskStore

MOST_IDS = 50

_MOVES_ONLY = (
    "The cache moves only while some uniqc process polls the platform: the program that submitted "
    "a task, or `uniqc result TASK_ID`."
)
_BAD_CURSOR = (
    "The cursor is not one that wait_for_tasks of this server gave, or more has changed since than "
    "it remembers. Leave cursor out to wait from now on; list_tasks and get_task tell what has "
    "become of the tasks meanwhile."
)


class WaitTools:
    """What can be waited for."""

    def __init__(self, store: TaskStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock

    async def wait_for_tasks(
        self,
        *,
        task_ids: Annotated[
            Sequence[str],
            # Refused below, in words; pydantic's can't be put into a sentence.
            Field(
                json_schema_extra={"maxItems": MOST_IDS},
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
        context: Context[Running, Any],
    ) -> WaitAnswer:
        """Wait for tasks instead of asking again and again.

        In vain, unless some uniqc process polls the platform meanwhile: the program that
        submitted a task, or `uniqc result TASK_ID`.
        """
        live = context.request_context.lifespan_context.live

        async def report(seconds: float) -> None:
            await context.report_progress(
                int(seconds), timeout_seconds, f"waiting for {until} of them"
            )

        try:
            told = await _told(live, cursor)
            awaited = await anyio.to_thread.run_sync(
                lambda: self._store.read(
                    lambda snapshot: _awaited(snapshot, task_ids, backend, name_contains, told)
                )
            )
            wait = Wait(
                awaited=awaited,
                until=until,
                timeout=timeout_seconds,
                cursor=cursor,
                most=MOST_ACTIVE,
                report=report,
            )
            return self._answer(awaited, await wait.outcome(self._store, live))
        except InvalidValueError as error:
            if error.field != "cursor":
                raise
            raise InvalidArgumentError(_BAD_CURSOR) from error

    def _answer(self, awaited: Awaited, outcome: Outcome) -> WaitAnswer:
        now, screen, standing = self._clock(), Screen(), outcome.standing
        state = _state(outcome)
        notes = [_MOVES_ONLY] if state == "timeout" else []
        moved = outcome.moved[:MOST_CHANGES]
        changes = with_room((ChangeView.of(change, screen) for change in moved), ROOM // 2)
        told = _ids(outcome)
        before = [record for record in standing.finished if record.task_id not in told]
        left = ROOM - taken(changes)
        finished = with_room((ChangeView.finished(r, screen) for r in before), left // 2)
        if missing := len(before) - len(finished):
            notes.append(f"Tasks that had finished before and that there is no room for: {missing}")
        active = (TaskView.in_list(record, now, screen) for record in standing.active)
        return WaitAnswer(
            matching=_in_words(awaited),
            state=state,
            changes=changes,
            changes_total=len(outcome.moved),
            active=with_room(active, left - taken(finished)),
            active_total=standing.total,
            finished=finished,
            waited_seconds=int(outcome.seconds),
            cursor=outcome.cursor,
            store=StoreView.of(standing.state, now, notes),
        )


async def _told(live: Live, cursor: str) -> frozenset[str]:
    """Tasks that there will be something to tell of, be they there or not."""
    if not cursor:
        return frozenset()
    await live.look()
    return live.watch.since(cursor).task_ids


def _awaited(
    snapshot: Snapshot,
    task_ids: Sequence[str],
    backend: str,
    name_contains: str,
    told: frozenset[str],
) -> Awaited:
    """The tasks that the arguments of the tool mean.

    Args:
        told: Ids of tasks that need not be there any more.

    Raises:
        InvalidArgumentError: Both ids and a filter, or too many ids.
        UnknownTaskError: There is no such task.
    """
    if task_ids and (backend or name_contains):
        raise InvalidArgumentError(
            "Give task_ids, or backend and name_contains to wait for the active tasks that match."
        )
    if len(task_ids) > MOST_IDS:
        raise InvalidArgumentError(
            f"task_ids must be at most {MOST_IDS} ids, not {len(task_ids)}. Without task_ids, "
            "all active tasks that match backend and name_contains are waited for."
        )
    found = (
        task_id if task_id in told else find_task(snapshot, task_id).task_id for task_id in task_ids
    )
    return Awaited(
        task_ids=frozenset(found),
        task_filter=TaskFilter(status="active", backend=backend, name_contains=name_contains),
    )


def _in_words(awaited: Awaited) -> str:
    if awaited.task_ids:
        return "tasks asked for"
    return in_words(replace(awaited.task_filter, status="any"))


def _ids(outcome: Outcome) -> frozenset[str]:
    return frozenset(moved.state.task_id for moved in outcome.moved)


def _state(outcome: Outcome) -> WaitState:
    if not outcome.standing.total:
        return "finished"
    return "changed" if outcome.in_time else "timeout"
