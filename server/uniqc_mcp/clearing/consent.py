"""The user's consent to a commit: the question, the answer to it, and what is said without one."""

from typing import Annotated, Any, Final

import anyio
import anyio.to_thread
from mcp.server.mcpserver import (
    AcceptedElicitation,
    Context,
    DeclinedElicitation,
    Elicit,
    ElicitationResult,
    Resolve,
)
from mcp.shared.exceptions import MCPError
from mcp_types import ClientCapabilities, ElicitResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ConfigDict, Field, model_validator

from uniqc_mcp.clearing.models import ClearState
from uniqc_mcp.clearing.verdicts import REFUSALS, Verdict
from uniqc_mcp.context import ServerContext
from uniqc_mcp.responses.text import plural
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_store import ClearPlan, PendingPlan

_MAX_GROUPS = 6

_NO_NUMBER: Final = -1
_MAX_DIGITS: Final = 18
"""Digits of a typed number: more than any plan has, and few enough for ``int``."""


class Confirmation(BaseModel):
    """The form in which the user types how many tasks to clear.

    A number instead of yes or no: a form that is submitted unchanged clears nothing.
    """

    model_config = ConfigDict(title="Clear tasks")

    tasks_to_clear: int = Field(title="Tasks to clear", description="Type how many tasks to clear.")

    @model_validator(mode="before")
    @classmethod
    def _parse_any_form(cls, content: dict[str, object]) -> dict[str, object]:
        """Accept "5" and 5.0, which some forms send; anything else becomes `_NO_NUMBER`."""
        return {"tasks_to_clear": _typed_number(content.get("tasks_to_clear"))}


def _typed_number(typed: object) -> int:
    """Return the whole number that a form holds; `_NO_NUMBER` for anything else."""
    if isinstance(typed, float) and typed.is_integer():
        typed = int(typed)
    if isinstance(typed, int) and not isinstance(typed, bool):
        return max(typed, _NO_NUMBER)
    digits = typed.strip().removesuffix(".0") if isinstance(typed, str) else ""
    return int(digits) if digits.isdecimal() and len(digits) <= _MAX_DIGITS else _NO_NUMBER


class ConsentOutcome(BaseModel):
    """The verdict on a call that has no question to wait for, or not any more.

    Attributes:
        verdict: The verdict.
        detail: Text of the client, safe to show; see `REFUSALS`.
    """

    verdict: Verdict
    detail: str = ""


async def ask(
    context: Context[ServerContext, Any],
    plan_id: str,
    drop: bool,  # noqa: FBT001 - an argument of the tool, which the SDK passes by name
) -> Elicit[Confirmation] | ConsentOutcome:
    """Have the client ask its user, if a plan is to be committed and the operator requires it.

    The plan may come from another server on the same store. If that one requires a user to
    confirm, this one does so too.

    A client of protocol version 2026-07-28 gets the question as the result of its call, and calls
    again with the answer. An older one is asked during the call, until the plan expires. The SDK
    turns a malformed answer into an error of the tool, so it is recognized here before.
    """
    server = context.request_context.lifespan_context
    # Dropping a plan removes no task, so nobody is asked.
    pending = None if drop else await _plan_of(server, plan_id)
    if pending is None:
        return ConsentOutcome(verdict="no plan")
    if verdict := _verdict_without_asking(server, context.client_capabilities, pending):
        return ConsentOutcome(verdict=verdict)
    message = question(pending.plan)
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        if any(map(_is_malformed, (context.input_responses or {}).values())):
            return ConsentOutcome(verdict="malformed answer")
        return Elicit(message, Confirmation)
    with anyio.move_on_after(_seconds_left(server, pending)):
        return await _ask_during_the_call(context, message, pending)
    return ConsentOutcome(verdict="not answered")


async def _plan_of(server: ServerContext, plan_id: str) -> PendingPlan | None:
    if not plan_id or server.pending_plans is None:
        return None
    # On a thread: the plan is read from a file.
    return await anyio.to_thread.run_sync(server.pending_plans.get, plan_id)


def _seconds_left(server: ServerContext, pending: PendingPlan) -> float:
    return 0 if server.pending_plans is None else server.pending_plans.seconds_left(pending)


def _verdict_without_asking(
    server: ServerContext, capabilities: ClientCapabilities | None, pending: PendingPlan
) -> Verdict | None:
    plan_suffices = server.clearing is not None and server.clearing.confirm == "plan"
    if plan_suffices and not pending.asks_user:
        return "not needed"
    return None if can_ask(capabilities) else "cannot ask"


async def _ask_during_the_call(
    context: Context[ServerContext, Any], message: str, pending: PendingPlan
) -> ConsentOutcome:
    try:
        answer = await context.elicit(message, Confirmation)
    except ValueError:  # the SDK's, and pydantic's, for an answer of another form
        return ConsentOutcome(verdict="malformed answer")
    except MCPError as error:
        return ConsentOutcome(
            verdict="client error", detail=f"code {error.code}, {quoted(error.message)}"
        )
    return ConsentOutcome(verdict=verdict_of(answer, pending))


def _is_malformed(response: object) -> bool:
    """Return whether a response is no answer to a form, or an accepted form without content."""
    if not isinstance(response, ElicitResult):
        return True
    return response.action == "accept" and response.content is None


Consent = Annotated[ElicitationResult[Confirmation], Resolve(ask)]
"""A tool's parameter that :func:`ask` fills in; the model can't."""


def verdict_of(consent: ElicitationResult[Any], pending: PendingPlan | None) -> Verdict:
    """Return the verdict that an answer means for a plan, or for one that has expired."""
    match consent:
        case AcceptedElicitation(data=ConsentOutcome(verdict=verdict)):
            return verdict
        case AcceptedElicitation(data=Confirmation(tasks_to_clear=number)):
            if number == _NO_NUMBER:
                return "no number"
            is_right = pending is not None and number == len(pending.plan.rows)
            return "confirmed" if is_right else "wrong number"
        case DeclinedElicitation():
            return "declined"
        case _:
            return "cancelled"


def refusal_of(consent: ElicitationResult[Any], verdict: Verdict) -> tuple[ClearState, str]:
    """Return the state and the message for a verdict after which nothing is removed.

    Raises:
        KeyError: The verdict has no refusal, so nothing may be removed without one.
    """
    state, message = REFUSALS[verdict]
    outcome = consent.data if isinstance(consent, AcceptedElicitation) else None
    detail = outcome.detail if isinstance(outcome, ConsentOutcome) else ""
    return state, message.format(detail=detail)


def can_ask(capabilities: ClientCapabilities | None) -> bool:
    """Return True if a client can show its user a form.

    By the MCP specification, elicitation without a mode means forms.
    """
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None:
        return False
    return elicitation.form is not None or elicitation.url is None


def question(plan: ClearPlan) -> str:
    """Return the question to the user, with the number of tasks and the largest groups."""
    sanitizer, count = Sanitizer(), len(plan.rows)
    groups = [
        f"{group.count} {group.status} on "
        f"{quoted(sanitizer.one_line('backend', group.backend, limit=60))}"
        for group in plan.groups[:_MAX_GROUPS]
    ]
    if (more := len(plan.groups) - _MAX_GROUPS) > 0:
        groups.append(f"{more} more {plural('group', more)}")
    they, them = ("It", "it") if count == 1 else ("They", "them")
    return (
        f"Clear {count} finished quantum {plural('task', count)} from uniqc's cache: "
        f"{', '.join(groups)}? {they} can be put back later. Type {count} to clear {them}; "
        f"anything else keeps {them}."
    )
