"""The answer of undo_clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from uniqc_mcp.responses.base import OMIT_EMPTY, Answer, StoreField, StoreView, Wire
from uniqc_mcp.responses.json_schema import Unnamed
from uniqc_mcp.safety.display import word
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_store import MAX_LEFTOVERS

if TYPE_CHECKING:
    from datetime import datetime

    from uniqc_store import Leftover, StoreState, UndoResult


class LeftoverView(Wire):
    """A task that was not put back."""

    task_id: str
    reason: str

    @classmethod
    def of(cls, leftover: Leftover, sanitizer: Sanitizer) -> Self:
        """Return the view of a task, with its id safe to show."""
        return cls(task_id=sanitizer.one_line("task_id", leftover.task_id), reason=leftover.reason)


class UndoAnswer(Answer):
    """The result of putting tasks back."""

    message: str
    restored: int
    skipped: int
    held: int
    leftovers: Annotated[
        list[LeftoverView], Unnamed(f"The first {MAX_LEFTOVERS} not put back."), OMIT_EMPTY
    ]
    store: StoreField

    def text(self) -> str:
        """Return the message, a line for each task named, then the file and its notes."""
        named = [f"- {word(left.task_id)}: {left.reason}" for left in self.leftovers]
        return "\n".join([self.message, *named, f"({self.store.source})", *self.store.notes])

    @classmethod
    def of(
        cls,
        result: UndoResult,
        state: StoreState,
        now: datetime,
        *,
        message: str,
    ) -> Self:
        """Return the answer for an undo that was carried out."""
        sanitizer = Sanitizer()
        return cls(
            message=message,
            restored=result.restored,
            skipped=result.skipped,
            held=result.held,
            leftovers=[LeftoverView.of(left, sanitizer) for left in result.leftovers],
            store=StoreView.of(state, now),
        )
