"""Model of a comparison: the tasks, what differs between their records, and their outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import WithJsonSchema

from uniqc_mcp.comparing.circuits import NAMES, ComparedCircuit, compare_circuits
from uniqc_mcp.comparing.differences import LABELS, Differences
from uniqc_mcp.records.failures import failure_reason, result_reason
from uniqc_mcp.records.related_rows import ARCHIVED
from uniqc_mcp.responses.base import OMIT_EMPTY, Answer, StoreField, StoreView
from uniqc_mcp.responses.times import zone_notes
from uniqc_mcp.safety.display import in_quotes, word
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.cleared_lookup import told_clear
from uniqc_mcp.tasks.models import ENVELOPE_TOKENS, TaskView
from uniqc_mcp.token_budget import ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from uniqc_mcp.tasks.lookup import FoundTask

_ARRAY: Final = WithJsonSchema({"type": "array"})
_MAX_DIFFERENCES: Final = 3_000
"""Tokens of the differences in one channel."""

MAX_OUTCOMES: Final = 6_000
"""Tokens of all circuits in both channels."""


class TaskComparison(Answer):
    """Some tasks compared."""

    matching: str
    tasks: Annotated[list[TaskView], _ARRAY]
    differences: Annotated[list[list[str | int]], _ARRAY, OMIT_EMPTY]
    same: Annotated[list[str], _ARRAY, OMIT_EMPTY]
    circuits: Annotated[list[ComparedCircuit], _ARRAY, OMIT_EMPTY]
    notes: Annotated[list[str], _ARRAY, OMIT_EMPTY]
    store: StoreField

    @classmethod
    def of(cls, tasks: Sequence[FoundTask], now: datetime, *, matching: str) -> Self:
        """Return the comparison of some tasks, within the tokens of an answer.

        Args:
            tasks: The tasks, two to six.
            now: The time that the answer is made.
            matching: What was asked for, in words.
        """
        sanitizer = Sanitizer()
        errors = [_error(task) for task in tasks]
        views = [
            _view(task, error, now, sanitizer) for task, error in zip(tasks, errors, strict=True)
        ]
        room = ANSWER - ENVELOPE_TOKENS - sum(view.size for view in views)
        differences = Differences.of(
            [task.record for task in tasks],
            views,
            sanitizer,
            errors=errors,
            tokens=min(_MAX_DIFFERENCES, room // 5),
        )
        circuits, notes = compare_circuits(tasks, tokens=min(MAX_OUTCOMES, room // 2))
        if differences.hidden:
            notes.insert(0, f"Fields that differ and are not shown: {differences.hidden}.")
        if sanitizer.redacted_fields:
            notes.append(f"Redacted in: {', '.join(sanitizer.redacted_fields)}.")
        notes += _notes_on_cleared(tasks)
        # The file of the cleared tasks is not the one that the others are in.
        state = next((task.state for task in tasks if task.cleared is None), tasks[0].state)
        times = (time for view in views for time in view.times)
        return cls(
            matching=matching,
            tasks=views,
            differences=differences.rows,
            same=differences.same,
            circuits=circuits,
            notes=notes,
            store=StoreView.of(state, now, zone_notes(times)),
        )

    def text(self) -> str:
        """Return a line for each task, then the differences and the outcomes side by side."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Compared: {self.matching}. {self.store.source}"
        for name, task in zip(NAMES, self.tasks, strict=False):
            yield f"{name}: {task.line}"
            if task.error:
                yield f"  error: {in_quotes(task.error)}"
        yield from self._record_lines()
        yield from outcome_lines(self.circuits, self.notes)
        yield from self.store.notes

    def _record_lines(self) -> Iterator[str]:
        for name, *values in self.differences:
            is_label = name in LABELS
            shown = (word(str(value)) if is_label else str(value) for value in values)
            yield f"{word(str(name))}: {' | '.join(shown)}"
        if self.same:
            yield f"same: {', '.join(self.same)}"


def outcome_lines(circuits: Sequence[ComparedCircuit], notes: Sequence[str]) -> Iterator[str]:
    """Yield the outcomes side by side as text, or why they are not."""
    for circuit in circuits:
        yield from circuit.lines()
    yield from notes


def _notes_on_cleared(tasks: Sequence[FoundTask]) -> Iterator[str]:
    """Yield a note on each task that was cleared."""
    sanitizer = Sanitizer()
    for name, task in zip(NAMES, tasks, strict=False):
        if task.cleared is not None:
            yield f"The {name} was {told_clear(task.cleared, sanitizer)}: it is in no list."


def _error(task: FoundTask) -> str:
    own_result = "" if task.assembled is not None else task.result_text
    reason = result_reason(task.record, own_result)
    return failure_reason(task.record, task.shards, result_error=reason)


def _view(task: FoundTask, error: str, now: datetime, sanitizer: Sanitizer) -> TaskView:
    progress = task.progress
    archived = ARCHIVED if task.record.archived_at is not None else ""
    return TaskView.of(
        task.record,
        now,
        sanitizer,
        error=sanitizer.one_line("tasks.error", error),
        never_submitted=progress.never_submitted,
        note="; ".join(filter(None, (archived, progress.marks))) or None,
    )
