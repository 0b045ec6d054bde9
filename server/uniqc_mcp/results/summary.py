"""The summary of a stored result: its most frequent outcomes, and notes on its numbers."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from math import fsum
from typing import TYPE_CHECKING

from uniqc_mcp.results.numbers import TOLERANCE, CircuitNumbers, KeyForm, Kind, Sort, bits_of
from uniqc_mcp.results.saved_shapes import read_registers
from uniqc_mcp.results.shapes import (
    empty_or_error,
    error_text,
    is_batch,
    read_circuit,
    unwrapped,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from uniqc_store import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One outcome of a measurement. `bits` is the key as stored, unless that was hex or 0b.

    The count is a float where error mitigation gave it a fraction.
    """

    bits: str
    count: float | None
    probability: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSummary:
    """The most frequent outcomes of one circuit, and what else a reader should know.

    `notes` are this module's own sentences. `bits`, `error`, `register` and `fields` (names of
    what is stored beside the outcomes, or was not understood) are unchanged text of the result, of
    any length and number: clean them before they are shown. Numbers are finite. A number that
    would mislead is None. The keys of `zeros` are no outcomes, and not in `distinct`.
    """

    kind: Kind
    sort: Sort
    keys: KeyForm
    outcomes: tuple[Outcome, ...]
    distinct: int
    remaining_probability: float | None
    total: float | None
    negative: int
    zeros: int
    notes: tuple[str, ...]
    fields: tuple[str, ...]
    error: str
    register: str = ""
    labelled: bool = False

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

    def without_outcomes(self) -> ResultSummary:
        """Return the summary of numbers that are no outcomes."""
        return replace(self, outcomes=(), distinct=0, remaining_probability=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The summaries of one task's circuits, in order, up to the number that was asked for.

    `total_circuits` and `without_outcomes` (empty or failed) count all circuits, so that a
    failure beyond the last summary is not overlooked. With `by_register` the parts are not
    circuits but the classical registers of a single one.
    """

    circuits: tuple[ResultSummary, ...]
    batch: bool
    by_register: bool = False
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

    A list of one circuit is that circuit: uniqc up to 0.0.6 stored each result of IBM in a list.

    Outcomes are ordered by falling count, or probability, and equal ones by bits. `shots` is the
    number that the task asked for; in a batch, for each circuit. Never raises.
    """
    circuits = [result]
    if isinstance(result, list) and is_batch(result):
        circuits = [unwrapped(entry) for entry in result]
    if len(circuits) == 1 and len(registers := read_registers(circuits[0], shots)) > 1:
        return _by_register(registers, top=top, shots=shots, most=max(max_circuits, 0))
    chosen = circuits[: max(max_circuits, 0)]
    return Results(
        circuits=tuple(summarise_circuit(circuit, top=top, shots=shots) for circuit in chosen),
        batch=len(circuits) > 1,
        total_circuits=len(circuits),
        without_outcomes=sum(empty_or_error(circuit) is not None for circuit in circuits),
    )


def summarise_circuit(circuit: JsonValue, *, top: int, shots: int | None) -> ResultSummary:
    """Summarise one circuit by its `top` outcomes."""
    numbers = read_circuit(circuit, shots)
    return summarise_numbers(numbers, top=top, shots=shots, error=error_text(circuit))


def summarise_numbers(
    numbers: CircuitNumbers, *, top: int, shots: int | None, error: str = ""
) -> ResultSummary:
    """Summarise the numbers of one circuit, beside which this error is stored."""
    counts, stored = numbers.counts, numbers.probabilities
    keys = KeyForm.of((stored or counts).keys())
    ranked = _ranked(numbers.values, top, width=keys.width)
    weights, divisor = _weights(numbers)
    shown = frozenset(ranked)
    rest = fsum(weight for key, weight in weights.items() if key not in shown)
    total = sum(counts.values()) if counts else None
    tallies = (
        Tally.of(counts.values(), total) if total is not None else None,
        Tally.of(stored.values(), fsum(stored.values())) if stored else None,
    )
    zeros = next((tally.zero for tally in tallies if tally), 0)
    return ResultSummary(
        kind=numbers.kind,
        sort=numbers.sort,
        keys=keys,
        outcomes=tuple(
            Outcome(
                bits=bits_of(key, keys.width),
                count=counts.get(key),
                probability=weights[key] / divisor if key in weights else None,
            )
            for key in ranked
        ),
        distinct=len(numbers.values) - zeros,
        remaining_probability=rest / divisor if min(weights.values(), default=-1) >= 0 else None,
        total=total,
        negative=next((tally.negative for tally in tallies if tally), 0),
        zeros=zeros,
        notes=(
            *numbers.notes,
            *notes_on(*tallies, computed=bool(weights), keys=keys, shots=shots),
        ),
        fields=numbers.fields,
        error=error,
        register=numbers.register,
        labelled=numbers.labelled,
    )


def _by_register(
    registers: list[CircuitNumbers], *, top: int, shots: int | None, most: int
) -> Results:
    return Results(
        circuits=tuple(
            summarise_numbers(numbers, top=top, shots=shots) for numbers in registers[:most]
        ),
        batch=False,
        by_register=True,
        total_circuits=len(registers),
        without_outcomes=0,
    )


def notes_on(
    counts: Tally | None,
    probabilities: Tally | None,
    *,
    computed: bool,
    keys: KeyForm,
    shots: int | None,
) -> Iterator[str]:
    """Yield sentences on what in the numbers a reader would not expect.

    Args:
        counts: None without counts.
        probabilities: None without stored probabilities.
        computed: Whether there are probabilities, stored or computed from the counts.
        keys: The form of the keys.
        shots: What the counts should add up to; None where that is not known.
    """
    if counts and shots is not None and abs(counts.total - shots) > TOLERANCE:
        yield f"The counts add up to {_plain(counts.total)}, the task's shots are {shots}."
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
    if keys.notation == "hex":
        bits = f"{keys.width} {'bit' if keys.width == 1 else 'bits'}"
        yield f"Hex keys have no width: they are written as {bits}, as the largest needs."
    if keys.notation == "0b":
        yield "The keys are stored with 0b before their bits."


def _plain(total: float) -> str:
    return str(total) if isinstance(total, int) else f"{total:.9g}"


def _ranked(values: Mapping[str, float], top: int, *, width: int) -> list[str]:
    if 0 in values.values():
        values = {key: value for key, value in values.items() if value}
    # Most outcomes are below the last one shown, and need no comparison by bits.
    least = min(heapq.nlargest(top, values.values()), default=0)
    likely = (key for key, value in values.items() if value >= least)
    return heapq.nsmallest(top, likely, key=lambda key: (-values[key], bits_of(key, width)))


def _weights(numbers: CircuitNumbers) -> tuple[Mapping[str, float], float]:
    """Return numbers whose quotients by the divisor are the probabilities.

    They are empty where the counts are negative or add up to nothing: no quotient means anything.
    """
    total = sum(numbers.counts.values())
    if numbers.probabilities or total <= 0 or min(numbers.counts.values()) < 0:
        return numbers.probabilities, 1
    return numbers.counts, total
