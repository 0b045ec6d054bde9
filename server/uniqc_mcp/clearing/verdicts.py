"""The verdicts on the answer to a question for consent, and what is said after each of them."""

from typing import Final, Literal

from uniqc_mcp.clearing.models import ClearState

Verdict = Literal[
    "not needed",
    "confirmed",
    "no plan",
    "cannot ask",
    "declined",
    "cancelled",
    "not answered",
    "wrong number",
    "no number",
    "malformed answer",
    "client error",
]

CONSENTED: Final[frozenset[Verdict]] = frozenset({"not needed", "confirmed"})
"""The verdicts after which a plan may be committed."""

NOTHING_REMOVED: Final = "Nothing was removed."
PLAN_AGAIN: Final = "Call clear_tasks without plan_id for a new plan."

BY_PLAN_ALONE: Final = "The operator can allow clearing by plan alone: --confirm plan."
_MAYBE_NO_USER: Final = (
    "It came from the user, or from a client that runs without one and answers by itself. If no "
    "user is there, the operator can allow clearing by plan alone: --confirm plan."
)

REFUSALS: Final[dict[Verdict, tuple[ClearState, str]]] = {
    "no plan": (
        "expired",
        f"{NOTHING_REMOVED} There was no such plan when the user was to be asked. {PLAN_AGAIN}",
    ),
    "cannot ask": (
        "refused",
        (
            f"{NOTHING_REMOVED} The operator wants a person to confirm, and this client has no way "
            f"to ask (no elicitation). {BY_PLAN_ALONE}"
        ),
    ),
    "declined": (
        "declined",
        (
            f"{NOTHING_REMOVED} The answer to the question was no (decline). {_MAYBE_NO_USER} Do "
            "not ask a user again unless they want to."
        ),
    ),
    "cancelled": (
        "declined",
        (
            f"{NOTHING_REMOVED} The question was closed without an answer (cancel). "
            f"{_MAYBE_NO_USER} {PLAN_AGAIN}"
        ),
    ),
    "not answered": (
        "expired",
        f"{NOTHING_REMOVED} Nobody answered the question in time. {PLAN_AGAIN}",
    ),
    "wrong number": (
        "declined",
        (
            f"{NOTHING_REMOVED} The number in the answer is not the number of tasks in the plan. "
            f"{PLAN_AGAIN}"
        ),
    ),
    "no number": (
        "declined",
        (
            f"{NOTHING_REMOVED} The answer holds no number of tasks, although the form asks for "
            f"one. {PLAN_AGAIN}"
        ),
    ),
    "malformed answer": (
        "refused",
        (
            f"{NOTHING_REMOVED} The client's answer to the question is malformed: neither a "
            "filled-in form, nor decline, nor cancel. Clear with a client that can show a form. "
            f"{BY_PLAN_ALONE}"
        ),
    ),
    "client error": (
        "refused",
        (
            f"{NOTHING_REMOVED} The client announced that it can ask its user, but returned an "
            "error to the question: {detail}. Clear with a client that can show a form. "
            f"{BY_PLAN_ALONE}"
        ),
    ),
}
"""State and message of the answer after every other verdict; ``{detail}`` is the outcome's."""
