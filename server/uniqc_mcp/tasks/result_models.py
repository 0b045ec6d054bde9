"""Models of a task's result: its most frequent outcomes, and the resource that has all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import Field, WithJsonSchema

from uniqc_mcp.responses.base import Absent, OptionalFloat, Wire
from uniqc_mcp.responses.json_schema import Named
from uniqc_mcp.safety.display import in_quotes, quoted, word
from uniqc_mcp.safety.sanitizer import FIELD_LIMITS
from uniqc_mcp.tasks import lookup
from uniqc_mcp.tasks.uris import shown_uri, uri_text
from uniqc_mcp.token_budget import how_many_fit, max_tokens_of
from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.results.summary import Results, ResultSummary
    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_mcp.tasks.lookup import FoundTask
    from uniqc_store import TaskRecord

MAX_CIRCUITS: Final = 4
"""Circuits of a batch that are summarised; the others are counted."""

_MAX_FIELDS: Final = 8
_MAX_FIELD_NAME: Final = 40

_OUTCOMES_TOKENS: Final = 5_000
"""Tokens of all outcomes of a result, as text and as structured content together."""

_OUTCOME_TOKENS: Final = 50
"""Tokens of one outcome without its bits."""

_SIGNIFICANT_DIGITS: Final = 6


class OutcomeView(Wire):
    """One outcome of a measurement."""

    bits: str
    count: int | float | Absent = None
    probability: OptionalFloat = None


class CircuitResult(Wire):
    """The most frequent outcomes of one circuit."""

    kind: Annotated[
        str,
        Field(description="counts, probabilities, error, empty, batch, registers or unknown."),
    ]
    outcomes: Annotated[list[OutcomeView], Named("most frequent first;")] = Field(
        default_factory=list[OutcomeView]
    )
    distinct: int = 0
    shown: int = 0
    remaining_probability: OptionalFloat = None
    error: str = ""
    notes: list[str] = Field(default_factory=list[str])

    @classmethod
    def of(
        cls, summary: ResultSummary, sanitizer: Sanitizer, *, among: int = 1, **more: Any
    ) -> Self:
        """Return the view of a summary.

        Args:
            summary: The summary of one circuit.
            sanitizer: The sanitizer of the answer.
            among: The number of circuits that share the room for outcomes, fields and errors.
            **more: The fields that a subclass adds.
        """
        outcomes = [
            OutcomeView(
                bits=sanitizer.one_line("result", outcome.bits),
                count=_count(outcome.count),
                probability=_rounded(outcome.probability),
            )
            for outcome in summary.outcomes
        ]
        sizes = (_OUTCOME_TOKENS + 2 * max_tokens_of(outcome.bits) for outcome in outcomes)
        shown = how_many_fit(sizes, _OUTCOMES_TOKENS // among)
        notes = [*_register_note(summary.register, sanitizer), *summary.notes]
        notes += _field_notes(summary.fields, sanitizer, _MAX_FIELDS // among)
        if shown < len(outcomes):
            notes.append(f"Outcomes asked for that there is no room for: {len(outcomes) - shown}.")
        return cls(
            kind=summary.kind,
            outcomes=outcomes[:shown],
            distinct=summary.distinct,
            shown=shown,
            remaining_probability=_rounded(summary.remaining_after(shown)),
            error=sanitizer.one_line(
                "result.error", summary.error, limit=FIELD_LIMITS["result.error"] // among
            ),
            notes=notes,
            **more,
        )


class ResultView(CircuitResult):
    """The result of a task; of a batch, each of its first circuits."""

    circuits: int = 1
    batch: Annotated[
        list[CircuitResult],
        WithJsonSchema({"type": "array", "description": "of each circuit, likewise"}),
    ] = Field(default_factory=list[CircuitResult])
    bytes: int
    uri: Annotated[str, Field(description="The whole result.")]
    damaged: Annotated[bool, Field(exclude=True, description="What is stored is not JSON.")] = False

    def lines(self) -> Iterator[str]:
        """Yield the result as text, a line for each circuit of a batch."""
        if not self.batch:
            yield f"result: {_circuit_result(self)}"
        elif self.kind == "registers":
            yield "result: one circuit, the outcomes of each classical register by itself"
            yield from (f"  {_circuit_result(register)}" for register in self.batch)
        else:
            yield f"result: a batch of {self.circuits} circuits"
            for index, circuit in enumerate(self.batch):
                yield f"  circuit {index}: {_circuit_result(circuit)}"
        if self.batch:
            yield from (f"  {note}" for note in self.notes)
        yield f"  whole result: {uri_text(self.uri)} ({self.bytes} bytes)"

    @classmethod
    def read(cls, task: FoundTask, *, outcomes: int, sanitizer: Sanitizer) -> Self | None:
        """Return the view of a stored result, or of the reason why there is none to show.

        None if no result is stored.
        """
        record = task.record
        size, uri = record.result_bytes or 0, shown_uri(record, "result")
        if not size:
            return None
        if size > lookup.MAX_SUMMARISED:
            return cls(kind="unknown", notes=["Too large to summarise."], bytes=size, uri=uri)
        try:
            results = _summarise(task.result_text, top=outcomes, shots=_requested_shots(record))
        except ValueError:
            notes = ["What is stored is not JSON."]
            return cls(kind="unknown", notes=notes, bytes=size, uri=uri, damaged=True)
        if not results.batch and not results.by_register:
            return cls.of(results.circuits[0], sanitizer, bytes=size, uri=uri)
        return cls(
            kind="registers" if results.by_register else "batch",
            notes=_batch_notes(results),
            circuits=1 if results.by_register else results.total_circuits,
            batch=[
                CircuitResult.of(summary, sanitizer, among=len(results.circuits))
                for summary in results.circuits
            ],
            bytes=size,
            uri=uri,
        )


def _summarise(text: str, *, top: int, shots: int | None) -> Results:
    from uniqc_mcp.results.streaming import LARGE_CHARACTERS, summarise_text  # noqa: PLC0415 - 0.017 s
    from uniqc_mcp.results.summary import summarise  # noqa: PLC0415 - of every start, both

    if len(text) > LARGE_CHARACTERS:
        streamed = summarise_text(text, top=top, shots=shots, max_circuits=MAX_CIRCUITS)
        if streamed is not None:
            return streamed
    return summarise(parse_json(text), top=top, shots=shots, max_circuits=MAX_CIRCUITS)


def _requested_shots(record: TaskRecord) -> int | None:
    """Return the shots that the counts should add up to; None if they are unknown."""
    # Imports without a number of shots store 0.
    return record.shots if record.shots > 0 and "shots" not in record.damaged else None


def _register_note(register: str, sanitizer: Sanitizer) -> list[str]:
    name = sanitizer.one_line("result", register, limit=_MAX_FIELD_NAME)
    return [f"Outcomes of the classical register {quoted(name)}."] if register else []


def _field_notes(fields: tuple[str, ...], sanitizer: Sanitizer, most: int) -> list[str]:
    if not fields:
        return []
    names = ", ".join(
        quoted(sanitizer.one_line("result", name, limit=_MAX_FIELD_NAME)) for name in fields[:most]
    )
    more = f" and {len(fields) - most} more" if len(fields) > most else ""
    return [f"Other fields, in the whole result: {names}{more}."]


def _batch_notes(results: Results) -> list[str]:
    notes: list[str] = []
    if hidden := results.total_circuits - len(results.circuits):
        parts = "registers" if results.by_register else "circuits"
        notes.append(f"{hidden} more {parts} are in the whole result.")
    if results.without_outcomes:
        notes.append(f"{results.without_outcomes} circuits have no outcomes.")
    return notes


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.{_SIGNIFICANT_DIGITS}g}")


def _circuit_result(result: CircuitResult) -> str:
    parts: list[str] = []
    if result.outcomes:
        shown = ", ".join(
            f"{word(outcome.bits)} {_share(outcome.count, outcome.probability)}"
            for outcome in result.outcomes
        )
        parts.append(f"{shown} ({result.shown} of {result.distinct} outcomes shown)")
        if result.remaining_probability:
            parts.append(f"the others have {result.remaining_probability:.3g} together")
    elif result.kind == "empty":
        parts.append("empty")
    elif result.distinct:
        parts.append(f"{result.distinct} outcomes")
    if result.error:
        parts.append(f"error {in_quotes(result.error)}")
    return "; ".join([*parts, *result.notes])


def _count(count: float | None) -> float | None:
    # A large whole number must stay exact.
    return count if type(count) is int else _rounded(count)


def _share(count: float | None, probability: float | None) -> str:
    share = "" if probability is None else f"{probability:.4g}"
    if count is None:
        return share
    return f"{count}x ({share})" if share else f"{count}x"
