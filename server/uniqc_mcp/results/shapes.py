"""The shapes in which results are stored, and the numbers of a circuit in each of them.

uniqc 0.0.4 to 0.1.1 stores what the adapter of each platform returned, so one column holds

    {"00": 507, "11": 507}                             most platforms
    {"counts": {...}, "probabilities": {...}}          0.0.4 to 0.0.6
    {"counts": {...}, "raw_result": {...}}             Quark
    [{"key": "0x0", "value": 0.498}, ...]              OriginQ: one circuit, not a batch
    {"key": ["0x0", ...], "value": [0.498, ...]}       OriginQ's own form of the same
    {"error": "..."}   {}   null                       failed, or lost on the way
    [any of the above, ...]                            a batch, an entry for each circuit

and whatever else was saved through uniqc's API. Anything else is described by its type and
length; its meaning is never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import fsum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from uniqc_store import JsonValue

Kind: TypeAlias = Literal["counts", "probabilities", "error", "empty", "unknown"]

MAX_COUNT = 2**63 - 1
"""The largest INTEGER of SQLite, where shots are kept: no count is larger.

It also keeps every sum and quotient within the range of a float.
"""

TOLERANCE = 1e-6
"""Deviation of a sum of probabilities that rounding explains."""

LABELS = ("counts", "probabilities")
ERROR_FIELDS = ("error", "error_message")

OUTCOME_KEYS = re.compile(r"(?:0[xX][0-9a-fA-F]++|[0-9]++)(?: (?:0[xX][0-9a-fA-F]++|[0-9]++))*+")
"""Keys without a label, joined by spaces: bits, decimal or hex, a space between registers.

One match of all keys takes a third of the time of a match of each.
"""

_ROW_FIELDS = {"key", "value"}
_EMPTY_RESULTS: tuple[JsonValue, ...] = (None, {}, [], {"key": [], "value": []})
_INTEGER_TEXT = re.compile(r"[+-]?[0-9]{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitNumbers:
    """The numbers of one circuit by stored key.

    Where there are both, each key of the counts has a probability. `fields` are the names of
    what else is stored beside the numbers.
    """

    kind: Kind
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    probabilities: Mapping[str, float] = field(default_factory=dict[str, float])
    notes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def is_batch(result: JsonValue) -> bool:
    """Return whether a result is a list of circuits, and not the rows of a single one."""
    if not isinstance(result, list) or not any(map(may_be_circuit, result)):
        return False
    return _key_value_pairs(result) is None


def may_be_circuit(entry: JsonValue) -> bool:
    """Return whether an entry of a list can be the result of a circuit, a lost one included."""
    return entry is None or isinstance(entry, (dict, list))


def is_row(entry: JsonValue) -> bool:
    """Return whether an entry of a list has a key and a value and nothing else."""
    return isinstance(entry, dict) and entry.keys() == _ROW_FIELDS


def unwrapped(entry: JsonValue) -> JsonValue:
    """Return the circuit of a batch's entry.

    A shard of one circuit may hold a list of one: uniqc's task manager accepts both.
    """
    if isinstance(entry, list) and len(entry) == 1 and _key_value_pairs(entry) is None:
        return entry[0]
    return entry


def empty_or_error(circuit: JsonValue) -> Literal["empty", "error"] | None:
    """Return why a circuit has no outcomes, without reading any; None where it may have some."""
    if circuit in _EMPTY_RESULTS:
        return "empty"
    if not isinstance(circuit, dict) or any(circuit.get(label) for label in LABELS):
        return None
    if any(circuit.get(name) for name in ERROR_FIELDS):
        return "error"
    return "empty" if any(label in circuit for label in LABELS) else None


def read_circuit(circuit: JsonValue) -> CircuitNumbers:
    """Return the counts and probabilities of a circuit, whatever its shape. Never raises."""
    kind = empty_or_error(circuit)
    if kind is not None:
        return CircuitNumbers(kind=kind, fields=other_fields(circuit, excluding=LABELS))
    if isinstance(circuit, dict) and any(label in circuit for label in LABELS):
        return _read_labelled(circuit)
    numbers = _numbers(circuit)
    if numbers and OUTCOME_KEYS.fullmatch(" ".join(numbers)):
        # Without columns of keys and values, all keys are outcomes and no fields are left.
        columns = isinstance(circuit, dict) and "key" in circuit
        fields = other_fields(circuit, excluding=("key", "value")) if columns else ()
        if _are_probabilities(numbers):
            return CircuitNumbers(kind="probabilities", probabilities=numbers, fields=fields)
        if counts := _as_counts(numbers):
            return CircuitNumbers(kind="counts", counts=counts, fields=fields)
    return CircuitNumbers(
        kind="unknown", notes=(_description(circuit),), fields=other_fields(circuit)
    )


def other_fields(circuit: JsonValue, *, excluding: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the names of a circuit's fields, without those excluded and without error texts.

    An error that is no text is named among them, as :func:`error_text` cannot show it.
    """
    if not isinstance(circuit, dict):
        return ()
    errors = {name for name in ERROR_FIELDS if isinstance(circuit.get(name), str)}
    return tuple(name for name in circuit if name not in errors.union(excluding))


def error_text(circuit: JsonValue) -> str:
    """Return the first error of a circuit that is a text, as stored; empty without one."""
    errors = [circuit.get(name) for name in ERROR_FIELDS] if isinstance(circuit, dict) else []
    return next((error for error in errors if error and isinstance(error, str)), "")


def _read_labelled(circuit: dict[str, JsonValue]) -> CircuitNumbers:
    counts = _as_counts(_numbers(circuit.get("counts") or {}))
    probabilities = _numbers(circuit.get("probabilities") or {})
    if counts and probabilities and not counts.keys() <= probabilities.keys():
        probabilities = None  # of other outcomes, or of the same in another notation
    found = zip(LABELS, (counts, probabilities), strict=True)
    return CircuitNumbers(
        kind="counts" if counts else "probabilities" if probabilities else "unknown",
        counts=counts or {},
        probabilities=probabilities or {},
        notes=tuple(
            f"The {label} are left out: not understood."
            for label, numbers in found
            if numbers is None
        ),
        fields=other_fields(circuit, excluding=LABELS),
    )


def _key_value_pairs(value: JsonValue) -> Collection[tuple[JsonValue, JsonValue]] | None:
    """Return keys with their values from one object, or from rows or columns of both."""
    if isinstance(value, dict):
        keys, values = value.get("key"), value.get("value")
        if isinstance(keys, list) and isinstance(values, list) and len(keys) == len(values):
            return list(zip(keys, values, strict=True))
        return value.items()
    if not isinstance(value, list):
        return None
    pairs = [(row["key"], row["value"]) for row in value if isinstance(row, dict) and is_row(row)]
    # A list in place of a single key makes columns: each row is a circuit, and all are a batch.
    if len(pairs) < len(value) or any(isinstance(key, list) for key, _ in pairs):
        return None
    return pairs


def _numbers(value: JsonValue) -> dict[str, float] | None:
    """Return numbers by key; None if a key is not a text, has no number, or repeats.

    Keys repeat where uniqc 0.0.4 put the rows of all circuits of an OriginQ batch into one
    list. Nothing in it says where a circuit ends.
    """
    pairs = _key_value_pairs(value)
    if pairs is None:
        return None
    numbers = {
        key: number
        for key, value in pairs
        if isinstance(key, str) and (number := _number(value)) is not None
    }
    return numbers if len(numbers) == len(pairs) else None


def _number(value: JsonValue) -> float | None:
    if isinstance(value, str) and _INTEGER_TEXT.fullmatch(value):
        value = int(value)
    # Not isinstance: a bool would pass as an int.
    if type(value) is int or type(value) is float:
        # The comparison also rejects NaN, which json.loads accepts.
        return value if -MAX_COUNT <= value <= MAX_COUNT else None
    return None


def _are_probabilities(numbers: Mapping[str, float]) -> bool:
    """Return whether numbers without a label are probabilities.

    1 is a count. 1.0 is a probability, unless the sum exceeds 1.
    """
    values = numbers.values()
    if not any(isinstance(value, float) for value in values):
        return False
    within = all(-TOLERANCE <= value <= 1 + TOLERANCE for value in values)
    return within and (fsum(values) <= 1 + TOLERANCE or _as_counts(numbers) is None)


def _as_counts(numbers: Mapping[str, float] | None) -> dict[str, int] | None:
    """Return the numbers as integers; None if any has a fraction."""
    if numbers is None:
        return None
    whole = {k: n if isinstance(n, int) else int(n) for k, n in numbers.items() if not n % 1}
    return whole if len(whole) == len(numbers) else None


def _description(circuit: JsonValue) -> str:
    kinds: dict[type, str] = {dict: "An object", list: "A list", str: "A text"}
    size = f" (entries: {len(circuit)})" if isinstance(circuit, (dict, list)) else ""
    return f"{kinds.get(type(circuit), 'A single value')}{size} that is not understood as outcomes."
