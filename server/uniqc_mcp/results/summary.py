"""What a task's stored result says, in the one form that views are made from.

uniqc 0.0.4 to 0.1.1 stores what the adapter of each platform handed it, so one column holds

    {"00": 507, "11": 507}                             most of them
    {"counts": {...}, "probabilities": {...}}          0.0.4 to 0.0.6
    {"counts": {...}, "raw_result": {...}}             Quark
    [{"key": "0x0", "value": 0.498}, ...]              OriginQ: one circuit, not a batch
    {"key": ["0x0", ...], "value": [0.498, ...]}       OriginQ's own form of the same
    {"error": "..."}   {}   null                       failed, or lost on the way
    [any of the above, ...]                            a batch, an entry for each circuit

and whatever else was saved through uniqc's API. What is none of these is described by its
shape and never guessed at.
"""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass, field
from math import fsum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from uniqc_store import JsonValue

Kind: TypeAlias = Literal["counts", "probabilities", "error", "empty", "unknown"]

# The largest INTEGER of SQLite, where shots are kept: no count is larger. It also keeps every
# sum and quotient within what a float can hold.
LARGEST = 2**63 - 1
# Stored probabilities were summed or rounded: so little is not worth a note.
SLACK = 1e-6
LABELS = ("counts", "probabilities")
ERRORS = ("error", "error_message")
_EMPTY: tuple[JsonValue, ...] = (None, {}, [], {"key": [], "value": []})
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
# Bits, decimal or hex, with a space between registers: what keys without a label have to be.
# All keys, joined by spaces, are matched at once: this takes a third of the time.
_OUTCOMES = re.compile(r"(?:0[xX][0-9a-fA-F]++|[0-9]++)(?: (?:0[xX][0-9a-fA-F]++|[0-9]++))*+")
# At most 256 bits, for the widest key sets the width of all others.
_HEX = re.compile(r"0[xX][0-9a-fA-F]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One outcome of a measurement. `bits` is the key as stored, unless that was hex."""

    bits: str
    count: int | None
    probability: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSummary:
    """The most frequent outcomes of one circuit, and what else a reader should know.

    `notes` are our own words and numbers. `bits`, `error` and `fields` (the names of what
    stands beside the outcomes, or was not understood; of an error too, if it is not a text)
    come out of the result as they are, however many and long: to be cleaned before they are
    shown. Numbers are finite; one that would mislead is None.
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
        return len(self.outcomes)

    def remaining_after(self, shown: int) -> float | None:
        """The remaining probability, were only the first `shown` outcomes shown."""
        if self.remaining_probability is None:
            return None
        others = (outcome.probability or 0 for outcome in self.outcomes[shown:])
        return fsum((self.remaining_probability, *others))


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The circuits of one task, in order, up to the number that was asked for.

    `total_circuits` and `without_outcomes` (those that are empty or failed) are told of all
    circuits, so that one that failed beyond the last shown is not passed over.
    """

    circuits: tuple[ResultSummary, ...]
    batch: bool
    total_circuits: int
    without_outcomes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One circuit's numbers by stored key. Of what was counted, all or no probabilities."""

    kind: Kind
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    probabilities: Mapping[str, float] = field(default_factory=dict[str, float])
    notes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def summarise(result: JsonValue, *, top: int, shots: int | None, max_circuits: int) -> Results:
    """Summarise the first `max_circuits` circuits, each by its `top` outcomes.

    Outcomes come by falling count, or probability, and equal ones by bits. `shots` is what
    the task asked for; in a batch, for each circuit. Never raises, whatever the JSON holds.
    """
    circuits, batch = [result], False
    if isinstance(result, list) and _is_batch(result):
        circuits, batch = [unwrapped(entry) for entry in result], True
    chosen = circuits[: max(max_circuits, 0)]
    return Results(
        circuits=tuple(summary_of(circuit, top=top, shots=shots) for circuit in chosen),
        batch=batch,
        total_circuits=len(circuits),
        without_outcomes=sum(absence_of(circuit) is not None for circuit in circuits),
    )


def _is_batch(entries: list[JsonValue]) -> bool:
    holds_circuits = any(entry is None or isinstance(entry, (dict, list)) for entry in entries)
    return holds_circuits and _pairs(entries) is None


def unwrapped(entry: JsonValue) -> JsonValue:
    """A shard of one circuit may hold a list of one: uniqc's task manager accepts both."""
    if isinstance(entry, list) and len(entry) == 1 and _pairs(entry) is None:
        return entry[0]
    return entry


def absence_of(circuit: JsonValue) -> Literal["empty", "error"] | None:
    """Why a circuit has no outcomes, told without reading any."""
    if circuit in _EMPTY:
        return "empty"
    if not isinstance(circuit, dict) or any(circuit.get(label) for label in LABELS):
        return None
    if any(circuit.get(name) for name in ERRORS):
        return "error"
    return "empty" if any(label in circuit for label in LABELS) else None


def summary_of(circuit: JsonValue, *, top: int, shots: int | None) -> ResultSummary:
    reading = _read(circuit)
    counts, stored = reading.counts, reading.probabilities
    values = counts or stored
    width = _hex_width(stored or counts)
    ranked = _ranked(values, top, width=width)
    weights, divisor = _weights(reading)
    shown = frozenset(ranked)
    rest = fsum(weight for key, weight in weights.items() if key not in shown)
    return ResultSummary(
        kind=reading.kind,
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
            *reading.notes,
            *notes_on(
                Tally.of(counts.values(), sum(counts.values())) if counts else None,
                Tally.of(stored.values(), fsum(stored.values())) if stored else None,
                computed=bool(weights),
                width=width,
                shots=shots,
            ),
        ),
        fields=reading.fields,
        error=error_text(circuit),
    )


def _ranked(values: Mapping[str, float], top: int, *, width: int) -> list[str]:
    # Most outcomes are below the last one shown, and need no comparison by bits.
    least = min(heapq.nlargest(top, values.values()), default=0)
    likely = (key for key, value in values.items() if value >= least)
    return heapq.nsmallest(top, likely, key=lambda key: (-values[key], bits_of(key, width)))


def _weights(reading: _Reading) -> tuple[Mapping[str, float], int]:
    """Numbers in proportion to the probabilities, and their divisor; none if counts mislead."""
    total = sum(reading.counts.values())
    if reading.probabilities or total <= 0 or min(reading.counts.values()) < 0:
        return reading.probabilities, 1
    return reading.counts, total


def _read(circuit: JsonValue) -> _Reading:
    absence = absence_of(circuit)
    if absence is not None:
        return _Reading(kind=absence, fields=fields_beside(circuit, but=LABELS))
    if isinstance(circuit, dict) and any(label in circuit for label in LABELS):
        return _read_labelled(circuit)
    numbers = _numbers(circuit)
    if numbers and _OUTCOMES.fullmatch(" ".join(numbers)):
        # Without columns of keys and values, all keys are outcomes and no fields are left.
        columns = isinstance(circuit, dict) and "key" in circuit
        fields = fields_beside(circuit, but=("key", "value")) if columns else ()
        if _are_probabilities(numbers):
            return _Reading(kind="probabilities", probabilities=numbers, fields=fields)
        if counts := _whole(numbers):
            return _Reading(kind="counts", counts=counts, fields=fields)
    return _Reading(kind="unknown", notes=(_shape(circuit),), fields=fields_beside(circuit))


def _read_labelled(circuit: dict[str, JsonValue]) -> _Reading:
    counts = _whole(_numbers(circuit.get("counts") or {}))
    probabilities = _numbers(circuit.get("probabilities") or {})
    if counts and probabilities and not counts.keys() <= probabilities.keys():
        probabilities = None  # of other outcomes, or of the same in another notation
    found = zip(LABELS, (counts, probabilities), strict=True)
    return _Reading(
        kind="counts" if counts else "probabilities" if probabilities else "unknown",
        counts=counts or {},
        probabilities=probabilities or {},
        notes=tuple(
            f"The {label} are left out: not understood." for label, them in found if them is None
        ),
        fields=fields_beside(circuit, but=LABELS),
    )


def fields_beside(circuit: JsonValue, *, but: tuple[str, ...] = ()) -> tuple[str, ...]:
    if not isinstance(circuit, dict):
        return ()
    # An error that is a text is told as the error; any other is only named.
    told = {*but, *(name for name in ERRORS if isinstance(circuit.get(name), str))}
    return tuple(name for name in circuit if name not in told)


def error_text(circuit: JsonValue) -> str:
    errors = [circuit.get(name) for name in ERRORS] if isinstance(circuit, dict) else []
    return next((error for error in errors if error and isinstance(error, str)), "")


def _pairs(value: JsonValue) -> Collection[tuple[JsonValue, JsonValue]] | None:
    """Keys and their values, be they one object, or rows or columns of both."""
    if isinstance(value, dict):
        keys, values = value.get("key"), value.get("value")
        if isinstance(keys, list) and isinstance(values, list) and len(keys) == len(values):
            return list(zip(keys, values, strict=True))
        return value.items()
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    pairs = [(row["key"], row["value"]) for row in rows if row.keys() == {"key", "value"}]
    # Lists in place of single keys are columns: then each is a circuit, and all a batch.
    if not isinstance(value, list) or len(pairs) < len(value):
        return None
    return None if any(isinstance(key, list) for key, _ in pairs) else pairs


def _numbers(value: JsonValue) -> dict[str, float] | None:
    """None if a key is not a text, has no number, or repeats.

    uniqc 0.0.4 put the rows of all circuits of an OriginQ batch into one list, and nothing
    in it says where a circuit ends.
    """
    pairs = _pairs(value)
    if pairs is None:
        return None
    numbers = {
        key: number
        for key, value in pairs
        if isinstance(key, str) and (number := _number(value)) is not None
    }
    return numbers if len(numbers) == len(pairs) else None


def _number(value: JsonValue) -> float | None:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    # Not isinstance: a bool is an int to it.
    if type(value) is int or type(value) is float:
        # NaN, which json.loads accepts, fails this as well.
        return value if -LARGEST <= value <= LARGEST else None
    return None


def _are_probabilities(numbers: Mapping[str, float]) -> bool:
    """Told of numbers without a label: 1 is a count, 1.0 is not, unless the sum exceeds it."""
    values = numbers.values()
    if not any(isinstance(value, float) for value in values):
        return False
    within = all(-SLACK <= value <= 1 + SLACK for value in values)
    return within and (fsum(values) <= 1 + SLACK or _whole(numbers) is None)


def _whole(numbers: Mapping[str, float] | None) -> dict[str, int] | None:
    if numbers is None:
        return None
    whole = {k: n if isinstance(n, int) else int(n) for k, n in numbers.items() if not n % 1}
    return whole if len(whole) == len(numbers) else None


def _hex_width(keys: Collection[str]) -> int:
    """How many bits the largest of all-hex keys needs; 0 where keys stay as they are."""
    states = {int(key, 16) for key in keys} if all(map(_HEX.fullmatch, keys)) else set[int]()
    # 0x3 beside 0x03 would be one outcome told twice.
    return max(1, max(states).bit_length()) if keys and len(states) == len(keys) else 0


def bits_of(key: str, width: int) -> str:
    return format(int(key, 16), f"0{width}b") if width else key


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Of counts, or of probabilities: their sum, and how many are below zero, or zero."""

    total: float
    negative: int
    zero: int

    @classmethod
    def of(cls, values: Collection[float], total: float) -> Tally:
        negative = sum(value < 0 for value in values)
        return cls(total=total, negative=negative, zero=[*values].count(0))


def notes_on(
    counts: Tally | None,
    probabilities: Tally | None,
    *,
    computed: bool,
    width: int,
    shots: int | None,
) -> Iterator[str]:
    """What a reader should know of numbers; `computed`: whether counts give probabilities."""
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
    if probabilities and abs(probabilities.total - 1) > SLACK:
        yield f"The probabilities add up to {probabilities.total:.9g}, not to 1."
    if probabilities and probabilities.negative:
        yield f"Probabilities below zero: {probabilities.negative}."
    if width:
        yield f"Hex keys are written as {width} bits, as the largest needs; there may be more."


def _shape(circuit: JsonValue) -> str:
    kinds: dict[type, str] = {dict: "An object", list: "A list", str: "A text"}
    size = f" (entries: {len(circuit)})" if isinstance(circuit, (dict, list)) else ""
    return f"{kinds.get(type(circuit), 'A single value')}{size} that is not understood as outcomes."
