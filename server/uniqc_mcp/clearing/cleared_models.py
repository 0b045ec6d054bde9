"""The answer of list_cleared: the receipts, or the tasks of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Self

from uniqc_mcp.clearing.receipt_states import STATES
from uniqc_mcp.responses.base import OMIT_EMPTY, Answer, OptionalInt, OptionalText, StoreField, Wire
from uniqc_mcp.responses.json_schema import Unnamed
from uniqc_mcp.responses.text import plural, told_time
from uniqc_mcp.responses.times import recorded_time
from uniqc_mcp.safety.display import in_quotes, word
from uniqc_mcp.tasks.cleared_lookup import shown_receipt
from uniqc_mcp.tasks.text import task_label
from uniqc_mcp.token_budget import max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import Receipt, TaskRecord

_RECEIPT_TOKENS: Final = 120
_TASK_TOKENS: Final = 60
"""Tokens of an entry in both channels without its texts: names of fields, times, numbers."""


class ReceiptView(Wire):
    """A clear whose tasks can be put back."""

    receipt: str
    cleared_at: OptionalText
    held: int
    returned: OptionalInt = None
    undoable_until: OptionalText
    state: str

    @classmethod
    def of(cls, receipt: Receipt, sanitizer: Sanitizer, *, undoable_until: str) -> Self:
        """Return the view of a receipt."""
        return cls(
            receipt=shown_receipt(receipt.receipt_id, sanitizer),
            cleared_at=recorded_time(receipt.cleared_at),
            held=receipt.held,
            returned=receipt.returned,
            undoable_until=undoable_until,
            state=STATES[receipt.state],
        )

    @property
    def line(self) -> str:
        """The receipt as text."""
        returned = f", {self.returned} put back" if self.returned else ""
        state = "" if self.state == STATES["done"] else f", {self.state}"
        return (
            f"{word(self.receipt)}, cleared {told_time(self.cleared_at)}: {self.held} "
            f"{plural('task', self.held)} held{returned}, undoable until "
            f"{told_time(self.undoable_until)}{state}"
        )

    @property
    def size(self) -> int:
        """The most tokens that it takes in an answer, in both channels together."""
        return _RECEIPT_TOKENS + 2 * max_tokens_of(self.receipt)


class ClearedTaskView(Wire):
    """A task that can be put back."""

    task_id: str
    name: OptionalText
    backend: OptionalText
    status: OptionalText
    submitted_at: OptionalText

    @classmethod
    def of(cls, record: TaskRecord, sanitizer: Sanitizer) -> Self:
        """Return the view of a record, with its texts safe to show."""
        return cls(
            task_id=sanitizer.one_line("task_id", record.task_id),
            name=sanitizer.one_line("name", record.name),
            backend=sanitizer.one_line("backend", record.backend),
            status=sanitizer.one_line("status", record.status),
            submitted_at=recorded_time(record.submit_time),
        )

    @property
    def line(self) -> str:
        """The task as text."""
        label = task_label(self.task_id, self.name, self.status, self.backend)
        return f"{label}, submitted {told_time(self.submitted_at)}"

    @property
    def size(self) -> int:
        """The most tokens that it takes in an answer, in both channels together."""
        texts = (self.task_id, self.name, self.backend, self.status)
        return _TASK_TOKENS + 2 * sum(map(max_tokens_of, texts))


class ClearedList(Answer):
    """A page of receipts, or of the tasks of one."""

    message: str
    receipts: Annotated[list[ReceiptView], Unnamed(), OMIT_EMPTY]
    tasks: Annotated[list[ClearedTaskView], Unnamed(), OMIT_EMPTY]
    total: int
    next_cursor: OptionalText
    store: StoreField

    @property
    def _source(self) -> str:
        """The file of copies and the time in a sentence."""
        store = self.store
        if store.exists:
            return store.source
        return f"There is no file {store.location} ({store.read_at})."

    def text(self) -> str:
        """Return a line for each receipt and task, and how to get the others."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.message} {self._source}"
        yield from (f"- {receipt.line}" for receipt in self.receipts)
        yield from (f"  - {task.line}" for task in self.tasks)
        if self.next_cursor:
            yield f"More: repeat the call with cursor={in_quotes(self.next_cursor)}."
        yield from self.store.notes
