"""Asking the person whose tasks they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, model_validator

from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer

if TYPE_CHECKING:
    from mcp_types import ClientCapabilities

    from uniqc_store import ClearPlan

_MAX_GROUPS = 6


class Confirmation(BaseModel):
    """What a person types to clear tasks.

    The number, and no yes or no: a form that is sent off as it came clears nothing.
    """

    model_config = ConfigDict(title="Clear tasks")

    tasks_to_clear: int = Field(title="Tasks to clear", description="Type how many tasks to clear.")

    @model_validator(mode="before")
    @classmethod
    def _of_any_form(cls, content: dict[str, object]) -> dict[str, object]:
        """Forms send "5" and 5.0 too. What is no number is a wrong one; true is not 1."""
        typed = str(content.get("tasks_to_clear")).strip().removesuffix(".0")
        return {"tasks_to_clear": int(typed) if typed.isdecimal() else -1}


def can_ask(capabilities: ClientCapabilities | None) -> bool:
    """Whether a client can show its user a form. One that names no kind means forms."""
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None:
        return False
    return elicitation.form is not None or elicitation.url is None


def question(plan: ClearPlan) -> str:
    """What the person is asked, with the figures that matter."""
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
