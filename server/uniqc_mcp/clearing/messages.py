"""The messages of the answers of a commit and of an undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uniqc_mcp.clearing.verdicts import BY_PLAN_ALONE, NOTHING_REMOVED, PLAN_AGAIN
from uniqc_mcp.responses.text import plural
from uniqc_mcp.responses.times import duration
from uniqc_mcp.safety.display import quoted
from uniqc_store import PLAN_LIFETIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store import ClearResult, Receipt, UndoResult

LIFETIME: Final = duration(int(PLAN_LIFETIME.total_seconds()))
"""The time that a plan is good for, in words."""

_MAX_DROPPED_NAMED: Final = 10
_CHANGED_REASONS: Final = {"changed since", "gone already"}


def no_plan_message(plan_id: str) -> str:
    """Return the message on a plan that there is not, or not any more."""
    return (
        f"{NOTHING_REMOVED} There is no plan {quoted(plan_id)}: a plan is good once, for "
        f"{LIFETIME}. {PLAN_AGAIN}"
    )


def plan_message(*, asks_user: bool, client_can_ask: bool) -> str:
    """Return the message on a plan: how to commit it, and who has to agree.

    Args:
        asks_user: Whether the operator wants a person to confirm.
        client_can_ask: Whether this client can ask one.
    """
    if asks_user and not client_can_ask:
        return (
            "Nothing was removed yet. The operator wants a person to confirm, and this client has "
            f"no way to ask (no elicitation), so a commit from here is refused. {BY_PLAN_ALONE}"
        )
    asks = "The user is asked first. " if asks_user else ""
    return (
        "Nothing was removed yet. To remove these, call clear_tasks with this plan_id within "
        f"{LIFETIME}. {asks}They can be put back, and list_cleared names each of them then."
    )


def commit_message(result: ClearResult) -> str:
    """Return the message on a commit that was carried out."""
    dropped = _dropped_message(result.dropped) if result.dropped else ""
    if not result.cleared:
        changed = {reason.text for reason in result.skipped} <= _CHANGED_REASONS
        why = (
            "No task was as it was planned any more."
            if changed
            else "No task of the plan is as it was planned and within the limits of this server."
        )
        message = f"{NOTHING_REMOVED} {why} {PLAN_AGAIN}"
        return message + dropped
    undo = (
        f"undo_clear with receipt {result.receipt_id} puts them back; list_cleared with it names "
        "them."
    )
    if result.stopped:
        stopped = f"Cleared before it was stopped ({result.stopped}): {result.cleared}. {undo}"
        return stopped + dropped
    return f"Cleared: {result.cleared}. {undo}{dropped}"


def _dropped_message(dropped: Sequence[Receipt]) -> str:
    tasks = sum(receipt.held for receipt in dropped)
    named = ", ".join(receipt.receipt_id for receipt in dropped[:_MAX_DROPPED_NAMED])
    more = len(dropped) - _MAX_DROPPED_NAMED
    return (
        f" Receipts dropped because of their age, which can't be undone any more: {len(dropped)} "
        f"with {tasks} {plural('task', tasks)} ({named}{f' and {more} more' if more > 0 else ''})."
    )


def dropped_message(plan_id: str) -> str:
    """Return the message on a plan that was dropped."""
    return f"The plan {quoted(plan_id)} was dropped. {NOTHING_REMOVED}"


def undo_message(result: UndoResult) -> str:
    """Return the message on tasks that were put back."""
    sentences = [f"Put back: {result.restored}."]
    if result.stopped:
        sentences.append("It was stopped; call undo_clear again for the rest.")
    elif not (result.restored or result.reasons):
        sentences.append("No task of the receipt matches; list_cleared with it names them.")
    sentences += [f"Not put back, {reason.text}: {reason.count}." for reason in result.reasons]
    if result.held:
        sentences.append(f"Still held under the receipt: {result.held}.")
    return " ".join(sentences)
