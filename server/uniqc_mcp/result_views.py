"""What goes over the wire about a result: its most frequent outcomes, and where all of it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import quote

from pydantic import Field

from uniqc_mcp import lookup
from uniqc_mcp.errors import quoted
from uniqc_mcp.models import LONGEST_ID, OptionalFloat, OptionalInt, Wire
from uniqc_mcp.redaction import safe_text
from uniqc_mcp.results import summarise
from uniqc_store import parse_json

if TYPE_CHECKING:
    from uniqc_mcp.lookup import FoundTask
    from uniqc_mcp.results import Results, ResultSummary
    from uniqc_mcp.screen import Screen
    from uniqc_store import TaskRecord

MOST_CIRCUITS = 4
"""Circuits of a batch that are summarised; the others are counted."""

_MOST_FIELDS = 8
_SIGNIFICANT_DIGITS = 6


def task_uri(task_id: str, part: str = "") -> str:
    """The resource of a task, or of a part of it. Whatever is in the id, it stays one segment."""
    uri = f"uniqc://task/{quote(task_id, safe='', errors='replace')}"
    return f"{uri}/{part}" if part else uri


def address_of(record: TaskRecord, part: str) -> str:
    """Empty for an id that holds a credential or has no bounds: the address would tell it."""
    shown = safe_text(record.task_id, limit=LONGEST_ID, multiline=True, clean=False)
    return task_uri(record.task_id, part) if shown.text == record.task_id else ""


class OutcomeView(Wire):
    bits: str
    count: OptionalInt = None
    probability: OptionalFloat = None


class CircuitResult(Wire):
    """The most frequent outcomes of one circuit."""

    kind: Annotated[
        str, Field(description="counts, probabilities, error, empty, batch or unknown.")
    ]
    outcomes: list[OutcomeView] = Field(default_factory=list[OutcomeView])
    distinct: int = 0
    shown: int = 0
    remaining_probability: OptionalFloat = None
    error: str = ""
    notes: list[str] = Field(default_factory=list[str])

    @classmethod
    def of(cls, summary: ResultSummary, screen: Screen, **more: Any) -> Self:
        """Of a summary, with what a subclass adds."""
        return cls(
            kind=summary.kind,
            outcomes=[
                OutcomeView(
                    bits=screen.line("result", outcome.bits),
                    count=outcome.count,
                    probability=_rounded(outcome.probability),
                )
                for outcome in summary.outcomes
            ],
            distinct=summary.distinct,
            shown=summary.shown,
            remaining_probability=_rounded(summary.remaining_probability),
            error=screen.line("result.error", summary.error, limit=500),
            notes=[*summary.notes, *_field_notes(summary.fields, screen)],
            **more,
        )


class ResultView(CircuitResult):
    """A result; of a batch, its first circuits one by one."""

    circuits: int = 1
    batch: list[CircuitResult] = Field(default_factory=list[CircuitResult])
    bytes: int
    uri: Annotated[str, Field(description="The whole result.")]
    damaged: Annotated[bool, Field(exclude=True, description="What is stored is not JSON.")] = False

    @classmethod
    def read(cls, task: FoundTask, *, outcomes: int, screen: Screen) -> Self | None:
        """Summarise a stored result, or say why not; None where there is none."""
        record = task.record
        size, uri = record.result_bytes or 0, address_of(record, "result")
        if not size:
            return None
        if size > lookup.LARGEST_SUMMARISED:
            return cls(kind="unknown", notes=["Too large to summarise."], bytes=size, uri=uri)
        try:
            value = parse_json(task.result_text)
        except ValueError:
            notes = ["What is stored is not JSON."]
            return cls(kind="unknown", notes=notes, bytes=size, uri=uri, damaged=True)
        shots = _asked_shots(record)
        results = summarise(value, top=outcomes, shots=shots, max_circuits=MOST_CIRCUITS)
        if not results.batch:
            return cls.of(results.circuits[0], screen, bytes=size, uri=uri)
        return cls(
            kind="batch",
            notes=_batch_notes(results),
            circuits=results.total_circuits,
            batch=[CircuitResult.of(summary, screen) for summary in results.circuits],
            bytes=size,
            uri=uri,
        )


def _asked_shots(record: TaskRecord) -> int | None:
    """Shots that the counts should add up to; 0 is what imports without a number store."""
    return record.shots if record.shots > 0 and "shots" not in record.damaged else None


def _field_notes(fields: tuple[str, ...], screen: Screen) -> list[str]:
    if not fields:
        return []
    names = ", ".join(
        quoted(screen.line("result", name, limit=40)) for name in fields[:_MOST_FIELDS]
    )
    more = f" and {len(fields) - _MOST_FIELDS} more" if len(fields) > _MOST_FIELDS else ""
    return [f"Other fields, in the whole result: {names}{more}."]


def _batch_notes(results: Results) -> list[str]:
    notes: list[str] = []
    if hidden := results.total_circuits - len(results.circuits):
        notes.append(f"{hidden} more circuits are in the whole result.")
    if results.without_outcomes:
        notes.append(f"{results.without_outcomes} circuits have no outcomes.")
    return notes


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.{_SIGNIFICANT_DIGITS}g}")
