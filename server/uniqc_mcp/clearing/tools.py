"""The tool clear_tasks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Unpack

from mcp.server.mcpserver import Context, ElicitationResult
from pydantic import Field

from uniqc_mcp.clearing.consent import Confirmation, Consent, can_ask, refusal_of, verdict_of
from uniqc_mcp.clearing.messages import (
    commit_message,
    dropped_message,
    no_plan_message,
    plan_message,
)
from uniqc_mcp.clearing.models import ClearAnswer, ClearState
from uniqc_mcp.clearing.verdicts import CONSENTED, NOTHING_REMOVED
from uniqc_mcp.context import ServerContext
from uniqc_mcp.errors import InvalidArgumentError, explain_store_error
from uniqc_mcp.protocol.progress import report_progress
from uniqc_mcp.protocol.threads import call_is_cancelled
from uniqc_mcp.responses.times import exact_duration, requested_duration, utc_now
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.settings import ClearSettings
from uniqc_mcp.tasks.filter_arguments import SelectionArguments, StatusFilter, spell_out_filters
from uniqc_mcp.tasks.filters import describe_filter, notes_on_filter, requested_filter
from uniqc_mcp.tasks.policy_model import PolicyView
from uniqc_store import (
    CLEARED_FILENAME,
    PendingPlans,
    StoreBusyError,
    StoreFileError,
    StoreNewerError,
    StoreState,
    StoreUnsafeError,
    StoreUnwritableError,
    TaskFilter,
    TaskStore,
)

_DEFAULT_FILTER = TaskFilter(status="finished")


class ClearTools:
    """The tool that clears, within the operator's limits.

    Args:
        store: The store to plan with, read-only. One that can write is opened for each commit.
        settings: The operator's limits.
        pending_plans: The plans that wait for their commit.
        clock: The current time.
    """

    def __init__(
        self,
        store: TaskStore,
        settings: ClearSettings,
        pending_plans: PendingPlans,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Create the tools of one server."""
        self._store = store
        self._settings = settings
        self._pending_plans = pending_plans
        self._clock = clock

    @spell_out_filters
    def clear_tasks(
        self,
        *,
        status: StatusFilter = ("finished",),
        older_than: Annotated[str, Field(description="Untouched this long: 30d.")] = "",
        plan_id: Annotated[str, Field(description="Commits this plan; leave out all else.")] = "",
        drop: Annotated[bool, Field(description="Drop plan_id instead.")] = False,
        consent: Consent,
        context: Context[ServerContext, Any],
        **filters: Unpack[SelectionArguments],
    ) -> ClearAnswer:
        """Clear finished tasks in two calls; with no arguments it plans, and removes nothing.

        It tells what would go, and a plan_id. With plan_id it removes just that.
        A person may have to confirm; a client that can't ask is refused.
        Unfinished tasks never go. undo_clear with the receipt puts back what went.
        """
        task_filter = requested_filter(self._clock(), status=status or ("finished",), **filters)
        if not plan_id:
            if drop:
                raise InvalidArgumentError("drop needs the plan_id of the plan to drop.")
            return self.plan(
                task_filter,
                older_than=_duration_of(older_than),
                client_can_ask=can_ask(context.client_capabilities),
            )
        if older_than or task_filter != _DEFAULT_FILTER:
            raise InvalidArgumentError(
                "plan_id commits the plan as it is: leave out the filters. To make another plan, "
                "leave out plan_id."
            )
        if drop:
            return self.drop(plan_id)
        return self.commit(plan_id, consent, progress=partial(report_progress, context))

    def plan(
        self, task_filter: TaskFilter, *, older_than: timedelta, client_can_ask: bool = True
    ) -> ClearAnswer:
        """Return a plan to clear the tasks that match, and keep it beside the store.

        The store itself is not written. Where it can't be, there is no plan: the user would be
        asked for nothing.
        """
        try:
            self._store.check_clearable()
            return self._plan(task_filter, older_than=older_than, client_can_ask=client_can_ask)
        except StoreFileError as error:
            if not _is_lasting(error):
                raise
            message = f"Nothing can be cleared here. {explain_store_error(error)}"
            return ClearAnswer.nothing("refused", message, self._state(), self._clock())

    def _plan(
        self, task_filter: TaskFilter, *, older_than: timedelta, client_can_ask: bool
    ) -> ClearAnswer:
        now, sanitizer = self._clock(), Sanitizer()
        matching = _in_words(task_filter, older_than)
        in_force = PolicyView.of(self._settings)
        policy = replace(self._settings.policy, max_rows=in_force.max_tasks)
        plan = self._store.plan_clear(task_filter, older_than=older_than, policy=policy)
        found = plan.matched > 0
        state, notes = self._store.read(
            lambda snapshot: (
                snapshot.state,
                notes_on_filter(snapshot, task_filter, found=found),
            )
        )
        if not plan.rows:
            return ClearAnswer.empty(
                plan, state, now, notes, matching=matching, policy=in_force, sanitizer=sanitizer
            )
        asks_user = self._settings.confirm == "human"
        pending = self._pending_plans.add(plan, asks_user=asks_user, matching=matching)
        message = plan_message(asks_user=asks_user, client_can_ask=client_can_ask)
        return ClearAnswer.for_plan(
            pending,
            state,
            now,
            message=message,
            policy=in_force,
            notes=notes,
            sanitizer=sanitizer,
        )

    def commit(
        self,
        plan_id: str,
        consent: ElicitationResult[Confirmation],
        *,
        progress: Callable[[int, int], None],
    ) -> ClearAnswer:
        """Remove the tasks of a plan, if there is consent. The plan can't be used again.

        The limits of this server hold in addition to those that the plan was made within.
        """
        pending = self._pending_plans.take(plan_id)
        verdict = verdict_of(consent, pending)
        # The wait for an answer ends when the plan expires: then the missing answer is the reason.
        if pending is None and verdict != "not answered":
            message = no_plan_message(plan_id)
            return ClearAnswer.nothing("expired", message, self._state(), self._clock())
        if pending is None or verdict not in CONSENTED:
            refusal = refusal_of(consent, verdict)
            return ClearAnswer.nothing(*refusal, self._state(), self._clock(), pending)
        try:
            result = self._writing_store().clear(
                pending.plan,
                policy=self._settings.policy,
                keep=self._settings.keep,
                progress=progress,
                should_stop=call_is_cancelled,
            )
        except StoreUnsafeError as error:
            message = f"{NOTHING_REMOVED} {explain_store_error(error)}"
            return ClearAnswer.nothing("refused", message, self._state(), self._clock(), pending)
        return ClearAnswer.committed(
            pending, result, self._state(), self._clock(), message=commit_message(result)
        )

    def drop(self, plan_id: str) -> ClearAnswer:
        """Delete a plan, so that nobody can commit it."""
        state: ClearState = "dropped"
        message = dropped_message(plan_id)
        pending = self._pending_plans.take(plan_id)
        if pending is None:
            state, message = "expired", no_plan_message(plan_id)
        return ClearAnswer.nothing(state, message, self._state(), self._clock(), pending)

    def _state(self) -> StoreState:
        return self._store.read(lambda snapshot: snapshot.state)

    def _writing_store(self) -> TaskStore:
        return TaskStore(self._store.cache_dir)


def _in_words(task_filter: TaskFilter, older_than: timedelta) -> str:
    if not older_than:
        return describe_filter(task_filter)
    untouched = exact_duration(int(older_than.total_seconds()))
    return f"{describe_filter(task_filter)}, untouched for {untouched}"


def _is_lasting(error: StoreFileError) -> bool:
    """Return True if clearing can't work here, although reading may."""
    if isinstance(error, StoreNewerError | StoreUnwritableError | StoreUnsafeError):
        return True
    return error.path.name == CLEARED_FILENAME and not isinstance(error, StoreBusyError)


def _duration_of(older_than: str) -> timedelta:
    try:
        return requested_duration(older_than)
    except ValueError:
        raise InvalidArgumentError(
            f"older_than must be a duration such as 12h or 30d, not {quoted(older_than)}."
        ) from None
