"""The summary of a stored result: its most frequent outcomes, and notes on its numbers."""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING

from uniqc_mcp.results.shapes import (
    TOLERANCE,
    CircuitNumbers,
    Kind,
    empty_or_error,
    error_text,
    is_batch,
    read_circuit,
    unwrapped,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from uniqc_store import JsonValue

HEX_KEY = re.compile(r"0[xX][0-9a-fA-F]{1,64}")
"""A hex key that is written as bits. The widest sets the width of all, so it has a limit: 256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One outcome of a measurement. `bits` is the key as stored, unless that was hex."""

    bits: str
    count: int | None
    probability: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSummary:
    """The most frequent outcomes of one circuit, and what else a reader should know.

    `notes` are this module's own sentences. `bits`, `error` and `fields` (names of what is stored
    beside the outcomes, or was not understood) are unchanged text of the result, of any length
    and number: clean them before they are shown. Numbers are finite. A number that would mislead
    is None.
    """

    kind: Kind
    outcomes: tuple[Outcome, ...]
    distinct: int
    remaining_probability: float | None
    total: int | None
    notes: tuple[str, ...]
    fields: tuple[str, ...]
    error: str

    @property
    def shown(self) -> int:
        """The number of outcomes in this summary, of all `distinct` ones."""
        return len(self.outcomes)

    def remaining_after(self, shown: int) -> float | None:
        """Return the remaining probability if only the first `shown` outcomes were shown."""
        if self.remaining_probability is None:
            return None
        others = (outcome.probability or 0 for outcome in self.outcomes[shown:])
        return fsum((self.remaining_probability, *others))


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The summaries of one task's circuits, in order, up to the number that was asked for.

    `total_circuits` and `without_outcomes` (empty or failed) count all circuits, so that a
    failure beyond the last summary is not overlooked.
    """

    circuits: tuple[ResultSummary, ...]
    batch: bool
    total_circuits: int
    without_outcomes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The sum of counts or of probabilities, and how many are below zero, or zero."""

    total: float
    negative: int
    zero: int

    @classmethod
    def of(cls, values: Collection[float], total: float) -> Tally:
        """Return the tally of values whose sum is known."""
        negative = sum(value < 0 for value in values)
        return cls(total=total, negative=negative, zero=[*values].count(0))


def summarise(result: JsonValue, *, top: int, shots: int | None, max_circuits: int) -> Results:
    """Summarise the first `max_circuits` circuits, each by its `top` outcomes.

    Outcomes are ordered by falling count, or probability, and equal ones by bits. `shots` is the
    number that the task asked for; in a batch, for each circuit. Never raises.
    """
    circuits, batch = [result], False
    if isinstance(result, list) and is_batch(result):
        circuits, batch = [unwrapped(entry) for entry in result], True
    chosen = circuits[: max(max_circuits, 0)]
    return Results(
        circuits=tuple(summarise_circuit(circuit, top=top, shots=shots) for circuit in chosen),
        batch=batch,
        total_circuits=len(circuits),
        without_outcomes=sum(empty_or_error(circuit) is not None for circuit in circuits),
    )


def summarise_circuit(circuit: JsonValue, *, top: int, shots: int | None) -> ResultSummary:
    """Summarise one circuit by its `top` outcomes."""
    numbers = read_circuit(circuit)
    counts, stored = numbers.counts, numbers.probabilities
    values = counts or stored
    width = _hex_width(stored or counts)
    ranked = _ranked(values, top, width=width)
    weights, divisor = _weights(numbers)
    shown = frozenset(ranked)
    rest = fsum(weight for key, weight in weights.items() if key not in shown)
    return ResultSummary(
        kind=numbers.kind,
        outcomes=tuple(
            Outcome(
                bits=bits_of(key, width),
                count=counts.get(key),
                probability=weights[key] / divisor if key in weights else None,
            )
            for key in ranked
        ),
        distinct=len(values),
        remaining_probability=rest / divisor if min(weights.values(), default=-1) >= 0 else None,
        total=sum(counts.values()) if counts else None,
        notes=(
            *numbers.notes,
            *notes_on(
                Tally.of(counts.values(), sum(counts.values())) if counts else None,
                Tally.of(stored.values(), fsum(stored.values())) if stored else None,
                computed=bool(weights),
                width=width,
                shots=shots,
            ),
        ),
        fields=numbers.fields,
        error=error_text(circuit),
    )


def bits_of(key: str, width: int) -> str:
    """Return a hex key as so many bits; any key as it is where the width is 0."""
    return format(int(key, 16), f"0{width}b") if width else key


def notes_on(
    counts: Tally | None,
    probabilities: Tally | None,
    *,
    computed: bool,
    width: int,
    shots: int | None,
) -> Iterator[str]:
    """Yield sentences on what in the numbers a reader would not expect.

    Args:
        counts: None without counts.
        probabilities: None without stored probabilities.
        computed: Whether there are probabilities, stored or computed from the counts.
        width: Bits of a hex key, 0 where keys are shown as stored.
        shots: What the counts should add up to; None where that is not known.
    """
    if counts and shots is not None and counts.total != shots:
        yield f"The counts add up to {counts.total}, the task's shots are {shots}."
    if counts and counts.negative:
        yield f"Counts below zero: {counts.negative}."
    if counts and counts.zero:
        yield f"Outcomes stored with a count of 0: {counts.zero}."
    if counts and not probabilities and not computed:
        yield "No probabilities are computed from such counts."
    if counts and probabilities:
        yield "The probabilities are the stored ones, not count / total."
    if probabilities and abs(probabilities.total - 1) > TOLERANCE:
        yield f"The probabilities add up to {probabilities.total:.9g}, not to 1."
    if probabilities and probabilities.negative:
        yield f"Probabilities below zero: {probabilities.negative}."
    if width:
        yield f"Hex keys are written as {width} bits, as the largest needs; there may be more."


def _ranked(values: Mapping[str, float], top: int, *, width: int) -> list[str]:
    # Most outcomes are below the last one shown, and need no comparison by bits.
    least = min(heapq.nlargest(top, values.values()), default=0)
    likely = (key for key, value in values.items() if value >= least)
    return heapq.nsmallest(top, likely, key=lambda key: (-values[key], bits_of(key, width)))


def _weights(numbers: CircuitNumbers) -> tuple[Mapping[str, float], int]:
    """Return numbers whose quotients by the divisor are the probabilities.

    They are empty where the counts are negative or add up to nothing: no quotient means anything.
    """
    total = sum(numbers.counts.values())
    if numbers.probabilities or total <= 0 or min(numbers.counts.values()) < 0:
        return numbers.probabilities, 1
    return numbers.counts, total


def _hex_width(keys: Collection[str]) -> int:
    """Return the bits that the largest of hex keys needs; 0 where keys are shown as stored."""
    states = {int(key, 16) for key in keys} if all(map(HEX_KEY.fullmatch, keys)) else set[int]()
    # 0x3 beside 0x03 would be one outcome told twice.
    return max(1, max(states).bit_length()) if keys and len(states) == len(keys) else 0
