"""The user's consent to a commit: the question, the answer to it, and what is said without one."""

from typing import Annotated, Any, Final, Literal

import anyio
from mcp.server.mcpserver import (
    AcceptedElicitation,
    Context,
    DeclinedElicitation,
    Elicit,
    ElicitationResult,
    Resolve,
)
from mcp_types import ClientCapabilities
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ConfigDict, Field, model_validator

from uniqc_mcp.clearing.models import ClearState
from uniqc_mcp.context import ServerContext
from uniqc_mcp.pending_plans import PendingPlan
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_store import ClearPlan

Verdict = Literal[
    "not needed",
    "confirmed",
    "cannot ask",
    "declined",
    "cancelled",
    "not answered",
    "wrong number",
]

CONSENTED: Final[frozenset[Verdict]] = frozenset({"not needed", "confirmed"})
"""The verdicts after which a plan may be committed."""

NOTHING_REMOVED: Final = "Nothing was removed."
PLAN_AGAIN: Final = "Call clear_tasks without plan_id for a new plan."

REFUSALS: Final[dict[Verdict, tuple[ClearState, str]]] = {
    "cannot ask": (
        "refused",
        (
            f"{NOTHING_REMOVED} The operator wants a person to confirm, and this client has no way "
            "to ask (no elicitation). The operator can allow clearing by plan alone: "
            "--confirm plan."
        ),
    ),
    "declined": (
        "declined",
        f"{NOTHING_REMOVED} The user declined. Do not ask again unless they want to.",
    ),
    "cancelled": (
        "declined",
        f"{NOTHING_REMOVED} The user closed the question without an answer. {PLAN_AGAIN}",
    ),
    "not answered": (
        "expired",
        f"{NOTHING_REMOVED} Nobody answered the question in time. {PLAN_AGAIN}",
    ),
    "wrong number": (
        "declined",
        (
            f"{NOTHING_REMOVED} What the user typed is not the number of tasks in the plan. "
            f"{PLAN_AGAIN}"
        ),
    ),
}
"""State and message of the answer after every other verdict."""

_MAX_GROUPS = 6


class Confirmation(BaseModel):
    """The form in which the user types how many tasks to clear.

    A number instead of yes or no: a form that is submitted unchanged clears nothing.
    """

    model_config = ConfigDict(title="Clear tasks")

    tasks_to_clear: int = Field(title="Tasks to clear", description="Type how many tasks to clear.")

    @model_validator(mode="before")
    @classmethod
    def _parse_any_form(cls, content: dict[str, object]) -> dict[str, object]:
        """Accept "5" and 5.0, which some forms send; anything else becomes -1, no plan's number."""
        typed = str(content.get("tasks_to_clear")).strip().removesuffix(".0")
        return {"tasks_to_clear": int(typed) if typed.isdecimal() else -1}


class ConsentOutcome(BaseModel):
    """The verdict on a call that has no question to wait for, or not any more."""

    verdict: Verdict


async def ask(
    context: Context[ServerContext, Any], plan_id: str
) -> Elicit[Confirmation] | ConsentOutcome:
    """Have the client ask its user, if a plan is to be committed and the operator requires it.

    A client of protocol version 2026-07-28 gets the question as the result of its call, and calls
    again with the answer. An older one is asked during the call, until the plan expires.
    """
    server = context.request_context.lifespan_context
    pending = server.pending_plans.get(plan_id)
    if pending is None or (server.clearing is not None and server.clearing.confirm == "plan"):
        return ConsentOutcome(verdict="not needed")
    if not can_ask(context.client_capabilities):
        return ConsentOutcome(verdict="cannot ask")
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return Elicit(question(pending.plan), Confirmation)
    with anyio.move_on_after(server.pending_plans.seconds_left(pending)):
        answer = await context.elicit(question(pending.plan), Confirmation)
        return ConsentOutcome(verdict=verdict_of(answer, pending))
    return ConsentOutcome(verdict="not answered")


Consent = Annotated[ElicitationResult[Confirmation], Resolve(ask)]
"""A tool's parameter that :func:`ask` fills in; the model can't."""


def verdict_of(consent: ElicitationResult[Any], pending: PendingPlan | None) -> Verdict:
    """Return the verdict that an answer means for a plan, or for one that has expired."""
    match consent:
        case AcceptedElicitation(data=ConsentOutcome(verdict=verdict)):
            return verdict
        case AcceptedElicitation(data=Confirmation(tasks_to_clear=number)):
            is_right = pending is not None and number == len(pending.plan.rows)
            return "confirmed" if is_right else "wrong number"
        case DeclinedElicitation():
            return "declined"
        case _:
            return "cancelled"


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
        groups.append(f"{more} more groups")
    return (
        f"Clear {count} finished quantum tasks from uniqc's cache: {', '.join(groups)}? They can "
        f"be put back later. Type {count} to clear them; anything else keeps them."
    )
