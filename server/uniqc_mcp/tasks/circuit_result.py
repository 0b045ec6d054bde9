"""Model of the result of one circuit: its most frequent outcomes and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import Field, PlainSerializer

from uniqc_mcp.responses.base import (
    OMIT_EMPTY,
    Absent,
    OptionalFloat,
    OptionalInt,
    OptionalText,
    OptionalTexts,
    Wire,
)
from uniqc_mcp.responses.json_schema import Named
from uniqc_mcp.responses.numbers import exact_number
from uniqc_mcp.responses.text import plural
from uniqc_mcp.safety.display import in_quotes, quoted, word
from uniqc_mcp.safety.sanitizer import FIELD_LIMITS
from uniqc_mcp.token_budget import how_many_fit, max_tokens_of

if TYPE_CHECKING:
    from uniqc_mcp.records.meaning import Meaning
    from uniqc_mcp.results.summary import ResultSummary
    from uniqc_mcp.safety.sanitizer import Sanitizer

_MAX_FIELDS: Final = 8

_MAX_FIELD_NAME: Final = 40

_OUTCOMES_TOKENS: Final = 5_000
"""Tokens of all outcomes of a result, as text and as structured content together."""

_OUTCOME_TOKENS: Final = 50
"""Tokens of one outcome without its bits."""

_SIGNIFICANT_DIGITS: Final = 6

_PLACES_OF_C0: Final = {"right": "c[0] is last", "left": "c[0] is first", "hex": "c[0] is bit 0"}


class OutcomeView(Wire):
    """One outcome of a measurement."""

    bits: str
    count: Annotated[int | float | Absent, PlainSerializer(exact_number, when_used="json")] = None
    probability: OptionalFloat = None


class CircuitResult(Wire):
    """The most frequent outcomes of one circuit, and what its numbers mean."""

    place: OptionalInt = None
    kind: Annotated[
        str,
        Field(description="counts, probabilities, batch, registers, error, empty, unknown"),
    ]
    numbers: str | Absent = None
    bit_order: str | Absent = None
    measured: str | Absent = None
    outcomes: Annotated[list[OutcomeView], Named("most frequent first;"), OMIT_EMPTY] = Field(
        default_factory=list[OutcomeView]
    )
    distinct: OptionalInt = None
    shown: OptionalInt = None
    remaining_probability: OptionalFloat = None
    error: OptionalText = ""
    notes: OptionalTexts = Field(default_factory=list[str])

    @classmethod
    def of(
        cls,
        summary: ResultSummary,
        meaning: Meaning | None,
        sanitizer: Sanitizer,
        *,
        among: int = 1,
        **more: Any,
    ) -> Self:
        """Return the view of a summary.

        Args:
            summary: The summary of one circuit.
            meaning: The meaning of its numbers; None if it has none.
            sanitizer: The sanitizer of the answer.
            among: The number of circuits that share the room for outcomes, fields and errors.
            **more: The fields that a subclass adds.
        """
        if meaning is not None and not meaning.are_outcomes:
            summary = summary.without_outcomes()
        outcomes, shown = _shown_outcomes(summary, sanitizer, _OUTCOMES_TOKENS // among)
        notes = [*_register_note(summary.register, sanitizer), *summary.notes]
        notes += meaning.notes if meaning else ()
        notes += _field_notes(summary.fields, sanitizer, _MAX_FIELDS // among)
        if shown < len(summary.outcomes):
            hidden = len(summary.outcomes) - shown
            notes.append(f"Outcomes asked for that there is no room for: {hidden}.")
        return cls(
            kind=summary.kind,
            numbers=meaning.numbers if meaning else None,
            bit_order=_told_order(str(meaning.order)) if meaning else None,
            measured=meaning.circuit.measured_text() if meaning and meaning.circuit else None,
            outcomes=outcomes,
            distinct=summary.distinct or None,
            shown=shown if summary.distinct else None,
            remaining_probability=_rounded(summary.remaining_after(shown)),
            error=sanitizer.one_line(
                "result.error", summary.error, limit=FIELD_LIMITS["result.error"] // among
            ),
            notes=notes,
            **more,
        )

    @property
    def line(self) -> str:
        """The result as text."""
        parts: list[str] = []
        if self.outcomes:
            shown = ", ".join(
                f"{word(outcome.bits)} {_share(outcome.count, outcome.probability)}"
                for outcome in self.outcomes
            )
            noun = plural("outcome", self.distinct or 0)
            parts.append(f"{shown} ({self.shown} of {self.distinct} {noun} shown)")
            if self.remaining_probability:
                parts.append(f"the others have {self.remaining_probability:.3g} together")
        elif self.kind == "empty":
            parts.append("empty")
        elif self.distinct:
            parts.append(f"{self.distinct} {plural('outcome', self.distinct)}")
        if self.error:
            parts.append(f"error {in_quotes(self.error)}")
        if self.numbers:
            parts.append(self.numbers)
        if self.bit_order:
            parts.append(f"bit order {self.bit_order}")
        if self.measured:
            parts.append(f"measured: {self.measured}")
        facts = "; ".join(parts)
        if facts and self.notes:
            facts += "."
        return " ".join(filter(None, (facts, *self.notes)))


def _shown_outcomes(
    summary: ResultSummary, sanitizer: Sanitizer, tokens: int
) -> tuple[list[OutcomeView], int]:
    """Return as many of the outcomes as the tokens allow, and their number.

    The bits of one are whole, unless they alone take more.
    """
    outcomes = [
        OutcomeView(
            bits=sanitizer.one_line("result", outcome.bits, limit=(tokens - _OUTCOME_TOKENS) // 2),
            count=_count(outcome.count),
            probability=_rounded(outcome.probability),
        )
        for outcome in summary.outcomes
    ]
    shown = how_many_fit(
        (_OUTCOME_TOKENS + 2 * max_tokens_of(outcome.bits) for outcome in outcomes), tokens
    )
    return outcomes[:shown], shown


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


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.{_SIGNIFICANT_DIGITS}g}")


def _told_order(bit_order: str) -> str:
    """Return the order with the place of c[0]."""
    order, _, condition = bit_order.partition(" if ")
    told = f"{order} ({_PLACES_OF_C0[order]})" if order in _PLACES_OF_C0 else order
    return f"{told} if {condition}" if condition else told


def _count(count: float | None) -> float | None:
    # A large whole number must stay exact.
    return _rounded(count) if isinstance(count, float) else count


def _share(count: float | None, probability: float | None) -> str:
    share = "" if probability is None else f"{probability:.4g}"
    if count is None:
        return share
    return f"{count}x ({share})" if share else f"{count}x"
