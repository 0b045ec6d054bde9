"""What each tool is, in one table: registration, read-only mode and the README follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mcp_types import ToolAnnotations

Effect = Literal["reads", "writes", "destroys"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """What a tool is.

    Attributes:
        name: Of the tool, and of the method that it calls.
        title: For people.
        effect: On the user's file. Only what reads is there in read-only mode.
        waits: Whether a call takes as long as it is asked to.
    """

    name: str
    title: str
    effect: Effect
    waits: bool = False

    @property
    def writes(self) -> bool:
        return self.effect != "reads"

    @property
    def annotations(self) -> ToolAnnotations:
        return ToolAnnotations(
            title=self.title,
            read_only_hint=not self.writes,
            destructive_hint=self.effect == "destroys",
            idempotent_hint=not self.writes,
            open_world_hint=False,
        )


TOOLS = (
    ToolSpec(name="list_tasks", title="List quantum tasks", effect="reads"),
    ToolSpec(name="get_task", title="Get a quantum task", effect="reads"),
    ToolSpec(name="count_tasks", title="Count quantum tasks", effect="reads"),
    ToolSpec(name="wait_for_tasks", title="Wait for quantum tasks", effect="reads", waits=True),
    ToolSpec(name="clear_tasks", title="Clear finished quantum tasks", effect="destroys"),
    ToolSpec(name="undo_clear", title="Undo a clear", effect="writes"),
)

READ_TOOLS = tuple(spec for spec in TOOLS if not spec.writes)
"""What a server offers that only reads."""
