"""The table of tools. Registration and read-only mode follow from it; a test holds docs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from mcp_types import ToolAnnotations

Effect = Literal["reads", "writes", "destroys"]

BOARD: Final = "ui://uniqc/board"
RESULT: Final = "ui://uniqc/result"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """One tool.

    Attributes:
        name: The name of the tool and of the method that it calls.
        title: The name that people see.
        effect: What a call does to the user's file. Read-only mode offers tools that read.
        waits: Whether a call waits, for as long as its arguments say.
        reads_copies: Whether it reads the copies of cleared tasks instead of the store.
        compares: Whether it compares tasks.
        view: The address of the view in which hosts with MCP Apps show its answer; empty if none.
    """

    name: str
    title: str
    effect: Effect
    waits: bool = False
    reads_copies: bool = False
    compares: bool = False
    view: str = ""

    @property
    def writes(self) -> bool:
        """True if the tool changes the user's file."""
        return self.effect != "reads"

    @property
    def annotations(self) -> ToolAnnotations:
        """The hints for clients. The title stands beside them.

        ``idempotentHint`` is left out: it means something for tools that write only, and is false
        where it is absent (``ToolAnnotations`` in MCP's schema).
        """
        return ToolAnnotations(
            read_only_hint=not self.writes,
            destructive_hint=self.effect == "destroys",
            open_world_hint=False,
        )

    @property
    def meta(self) -> dict[str, Any] | None:
        """The metadata for hosts."""
        return {"ui": {"resourceUri": self.view}} if self.view else None


TOOLS = (
    ToolSpec(name="list_tasks", title="List quantum tasks", effect="reads", view=BOARD),
    ToolSpec(name="get_task", title="Get a quantum task", effect="reads", view=RESULT),
    ToolSpec(name="count_tasks", title="Count quantum tasks", effect="reads"),
    ToolSpec(name="summarize_tasks", title="Summarize quantum tasks", effect="reads"),
    ToolSpec(
        name="compare_tasks",
        title="Compare quantum tasks",
        effect="reads",
        compares=True,
        view=RESULT,
    ),
    ToolSpec(
        name="wait_for_tasks",
        title="Wait for quantum tasks",
        effect="reads",
        waits=True,
        view=BOARD,
    ),
    ToolSpec(name="list_cleared", title="List cleared tasks", effect="reads", reads_copies=True),
    ToolSpec(name="clear_tasks", title="Clear finished quantum tasks", effect="destroys"),
    ToolSpec(name="undo_clear", title="Undo a clear", effect="writes"),
)

READ_TOOLS = tuple(spec for spec in TOOLS if not spec.writes)
"""The tools of a server that only reads."""
