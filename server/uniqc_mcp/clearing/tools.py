"""The tools that remove finished tasks and put them back."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal

import anyio
import anyio.from_thread
from mcp.server.mcpserver import (
    AcceptedElicitation,
    Context,
    DeclinedElicitation,
    Elicit,
    ElicitationResult,
    Resolve,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, Field

from uniqc_mcp.clearing.consent import Confirmation, can_ask, question
from uniqc_mcp.clearing.models import ClearAnswer, ClearState, UndoAnswer
from uniqc_mcp.context import ServerContext
from uniqc_mcp.errors import InvalidArgumentError
from uniqc_mcp.pending_plans import LIFETIME, PendingPlan, PendingPlans
from uniqc_mcp.protocol.threads import call_is_cancelled
from uniqc_mcp.responses.base import StoreView
from uniqc_mcp.responses.times import duration, requested_duration, utc_now
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.settings import ClearSettings
from uniqc_mcp.tasks.filters import (
    BackendFilter,
    NameContains,
    StatusFilter,
    SubmittedAfter,
    SubmittedBefore,
    requested_filter,
)
from uniqc_store import ClearResult, StoreState, TaskFilter, TaskStore

Verdict = Literal["go", "cannot ask", "declined", "cancelled", "not answered", "other number"]

_NOTHING = "Nothing was removed."
_AGAIN = "Call clear_tasks without plan_id for a new plan."
_MESSAGES: dict[Verdict, str] = {
    "cannot ask": (
        f"{_NOTHING} The operator wants a person to confirm, and this client has no way to ask "
        "(no elicitation). The operator can allow clearing by plan alone: --confirm plan."
    ),
    "declined": f"{_NOTHING} The user declined. Do not ask again unless they want to.",
    "cancelled": f"{_NOTHING} The user closed the question without an answer. {_AGAIN}",
    "not answered": f"{_NOTHING} Nobody answered the question in time. {_AGAIN}",
    "other number": (
        f"{_NOTHING} What the user typed is not the number of tasks in the plan. {_AGAIN}"
    ),
}
_STATES: dict[Verdict, ClearState] = {"cannot ask": "refused", "not answered": "expired"}


class ConsentOutcome(BaseModel):
    """Where a call stands that need not wait for an answer any more."""

    verdict: Verdict


async def ask(
    context: Context[ServerContext, Any], plan_id: str
) -> Elicit[Confirmation] | ConsentOutcome:
    """Have the client ask its user, where the operator wants that and a plan is to be committed.

    Clients of 2026-07-28 are answered with the question and call again. Older ones are asked
    while the call waits, no longer than the plan is good.
    """
    server = context.request_context.lifespan_context
    pending = server.pending_plans.get(plan_id)
    if pending is None or (server.clearing is not None and server.clearing.confirm == "plan"):
        return ConsentOutcome(verdict="go")
    if not can_ask(context.client_capabilities):
        return ConsentOutcome(verdict="cannot ask")
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return Elicit(question(pending.plan), Confirmation)
    with anyio.move_on_after(server.pending_plans.seconds_left(pending)):
        answer = await context.elicit(question(pending.plan), Confirmation)
        return ConsentOutcome(verdict=_verdict(answer, pending))
    return ConsentOutcome(verdict="not answered")


Consent = Annotated[ElicitationResult[Confirmation], Resolve(ask)]


class ClearTools:
    """What may be done to the store, within what the operator allows.

    Args:
        store: To plan with; it can't write. The one that can is opened for a commit only.
        settings: What the operator allows.
        pending_plans: The plans that wait for their commit.
        clock: The present.
    """

    def __init__(
        self,
        store: TaskStore,
        settings: ClearSettings,
        pending_plans: PendingPlans,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._pending_plans = pending_plans
        self._clock = clock
        self._store = store

    def clear_tasks(
        self,
        *,
        status: StatusFilter = "finished",
        backend: BackendFilter = "",
        submitted_after: SubmittedAfter = "",
        submitted_before: SubmittedBefore = "",
        name_contains: NameContains = "",
        older_than: Annotated[
            str, Field(description="Untouched for this long, such as 12h or 30d.")
        ] = "",
        plan_id: Annotated[
            str, Field(description="Commits this plan; leave out all else. Empty: make a plan.")
        ] = "",
        consent: Consent,
        context: Context[ServerContext, Any],
    ) -> ClearAnswer:
        """Clear finished tasks from the cache, in two calls: plan, then commit.

        Without plan_id nothing is removed: it returns what would go and a plan_id. With plan_id
        it removes just that, after the user was asked if the operator wants that. Tasks that are
        not finished never go. What went can be put back with undo_clear and the receipt.
        """
        wanted = requested_filter(
            self._clock(),
            status=status,
            backend=backend,
            submitted_after=submitted_after,
            submitted_before=submitted_before,
            name_contains=name_contains,
        )
        if not plan_id:
            return self.plan(wanted, older_than=_age(older_than))
        if older_than or wanted != _FINISHED:
            raise InvalidArgumentError(
                "plan_id commits the plan as it is: leave out the filters. To make another plan, "
                "leave out plan_id."
            )
        return self.commit(plan_id, consent, progress=partial(_report, context))

    def undo_clear(
        self,
        *,
        receipt: Annotated[str, Field(description="From clear_tasks.")],
        context: Context[ServerContext, Any],
    ) -> UndoAnswer:
        """Put back the tasks that a clear removed, just as they were.

        A task whose id is in the cache again is left as it is there; its copy stays held.
        """
        return self.undo(receipt, progress=partial(_report, context))

    def plan(self, wanted: TaskFilter, *, older_than: timedelta) -> ClearAnswer:
        """What would go. Writes nothing."""
        now, sanitizer = self._clock(), Sanitizer()
        policy = self._settings.policy
        plan = self._store.plan_clear(wanted, older_than=older_than, policy=policy)
        state = self._state()
        if not plan.rows:
            return ClearAnswer.empty(plan, state, now)
        pending = self._pending_plans.add(plan)
        asks = "The user is asked first. " if self._settings.confirm == "human" else ""
        message = (
            f"Nothing was removed yet. To remove these, call clear_tasks with this plan_id within "
            f"{duration(int(LIFETIME.total_seconds()))}. {asks}They can be put back."
        )
        return ClearAnswer.planned(pending, state, now, message=message, sanitizer=sanitizer)

    def commit(
        self,
        plan_id: str,
        consent: ElicitationResult[Confirmation],
        *,
        progress: Callable[[int, int], None],
    ) -> ClearAnswer:
        """Remove what a plan holds, if that was consented to. The plan is spent either way."""
        now = self._clock()
        pending = self._pending_plans.pop(plan_id)
        verdict = _verdict(consent, pending)
        # The wait for an answer ends when the plan does; then that is what there is to say.
        if pending is None and verdict != "not answered":
            message = (
                f"{_NOTHING} There is no plan {quoted(plan_id)}: a plan is good once, for "
                f"{duration(int(LIFETIME.total_seconds()))}, in this server only. {_AGAIN}"
            )
            return ClearAnswer.nothing("expired", message, self._state(), now)
        if pending is None or verdict != "go":
            return ClearAnswer.nothing(
                _STATES.get(verdict, "declined"), _MESSAGES[verdict], self._state(), now
            )
        done = self._writing_store().clear(
            pending.plan,
            keep=self._settings.keep,
            progress=progress,
            should_stop=call_is_cancelled,
        )
        return ClearAnswer.committed(
            pending, done, self._state(), self._clock(), message=_message_of(done)
        )

    def undo(self, receipt: str, *, progress: Callable[[int, int], None]) -> UndoAnswer:
        """Put back what a receipt holds."""
        self._store.check_receipt(receipt)
        done = self._writing_store().undo_clear(
            receipt, progress=progress, should_stop=call_is_cancelled
        )
        message = f"Put back: {done.restored}."
        if done.skipped:
            why = (
                "it was stopped, call undo_clear again"
                if done.stopped
                else "tasks of their ids are in the cache again and were left as they are"
            )
            message += f" Still held: {done.skipped}; {why}."
        return UndoAnswer(
            message=message,
            restored=done.restored,
            skipped=done.skipped,
            store=StoreView.of(self._state(), self._clock()),
        )

    def _state(self) -> StoreState:
        return self._store.read(lambda snapshot: snapshot.state)

    def _writing_store(self) -> TaskStore:
        return TaskStore(self._store.cache_dir)


def _age(text: str) -> timedelta:
    try:
        return requested_duration(text)
    except ValueError:
        raise InvalidArgumentError(
            f"older_than must be a duration such as 12h or 30d, not {quoted(text)}."
        ) from None


_FINISHED = TaskFilter(status="finished")


def _verdict(consent: ElicitationResult[Any], pending: PendingPlan | None) -> Verdict:
    match consent:
        case AcceptedElicitation(data=ConsentOutcome(verdict=verdict)):
            return verdict
        case AcceptedElicitation(data=Confirmation(tasks_to_clear=number)):
            right = pending is not None and number == len(pending.plan.rows)
            return "go" if right else "other number"
        case DeclinedElicitation():
            return "declined"
        case _:
            return "cancelled"


def _message_of(done: ClearResult) -> str:
    if not done.cleared:
        return f"{_NOTHING} No task was as it was planned any more. {_AGAIN}"
    undo = f"undo_clear with receipt {done.receipt_id} puts them back."
    if done.stopped:
        return f"Cleared before it was stopped ({done.stopped}): {done.cleared}. {undo}"
    return f"Cleared: {done.cleared}. {undo}"


def _report(context: Context[Any, Any], through: int, total: int) -> None:
    """Tell the client how far it is. Where it is gone, the next look at the call says so."""
    # Not into a cancelled call: anyio 4.16 can wait there for ever.
    if not call_is_cancelled():
        with suppress(BaseException):  # cancelled just now: what is under way ends in good order
            anyio.from_thread.run(context.report_progress, through, total)
