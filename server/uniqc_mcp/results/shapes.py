"""The shapes in which results are stored, and the numbers of a circuit in each of them.

uniqc 0.0.4 to 0.1.1 stores what the adapter of each platform returned, so one column holds

    {"00": 507, "11": 507}                             most platforms
    {"counts": {...}, "probabilities": {...}}          0.0.4 to 0.0.6
    {"counts": {...}, "raw_result": {...}}             Quark
    [{"key": "0x0", "value": 0.498}, ...]              OriginQ: one circuit, not a batch
    {"key": ["0x0", ...], "value": [0.498, ...]}       OriginQ's own form of the same
    {"error": "..."}   {}   null                       failed, or lost on the way
    [any of the above, ...]                            a batch, an entry for each circuit

and whatever else was saved through uniqc's API: see ``saved_shapes``. Anything else is described
by its type and length; its meaning is never guessed.
"""

from __future__ import annotations

from dataclasses import replace
from math import fsum
from typing import TYPE_CHECKING, Literal

from uniqc_mcp.results.numbers import (
    ERROR_FIELDS,
    LABELS,
    OUTCOME_KEYS,
    TOLERANCE,
    CircuitNumbers,
    as_counts,
    is_0b,
    number,
)
from uniqc_mcp.results.saved_shapes import (
    are_mitigated_counts,
    are_quasi_probabilities,
    read_memory,
    read_registers,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from uniqc_mcp.results.numbers import Sort
    from uniqc_store import JsonValue

_ROW_FIELDS = {"key", "value"}
_KINDS: dict[type, str] = {dict: "An object", list: "A list", str: "A text"}
_PLURALS: dict[type, str] = {
    bool: "truth values",
    dict: "objects",
    float: "numbers",
    int: "numbers",
    list: "lists",
    str: "texts",
    type(None): "null",
}
_EMPTY_RESULTS: tuple[JsonValue, ...] = (None, {}, [], {"key": [], "value": []})


def is_batch(result: JsonValue) -> bool:
    """Return whether a result is a list of circuits, and not the rows of a single one."""
    if not isinstance(result, list) or not any(map(may_be_circuit, result)):
        return False
    return _key_value_pairs(result) is None


def may_be_circuit(entry: JsonValue) -> bool:
    """Return whether an entry of a list can be the result of a circuit, a lost one included."""
    if isinstance(entry, list):
        # Numbers or texts would be amplitudes, a matrix, or the single shots of a circuit.
        return bool(entry) and all(isinstance(row, dict) for row in entry)
    return entry is None or isinstance(entry, dict)


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


def read_circuit(circuit: JsonValue, shots: int | None = None) -> CircuitNumbers:
    """Return the counts and probabilities of a circuit, whatever its shape. Never raises.

    Args:
        circuit: The stored value.
        shots: The shots that the task asked for, which tell counts that have fractions.
    """
    kind = empty_or_error(circuit)
    if kind is not None:
        return CircuitNumbers(kind=kind, fields=other_fields(circuit, excluding=LABELS))
    if isinstance(circuit, dict) and any(label in circuit for label in LABELS):
        return _read_labelled(circuit, shots)
    numbers = _numbers(circuit)
    if numbers and (found := _read_histogram(numbers, shots)):
        # Without columns of keys and values, all keys are outcomes and no fields are left.
        columns = isinstance(circuit, dict) and "key" in circuit
        fields = other_fields(circuit, excluding=("key", "value")) if columns else ()
        return replace(found, fields=fields)
    if isinstance(circuit, list) and (memory := read_memory(circuit, shots)):
        return memory
    if len(registers := read_registers(circuit, shots)) == 1:
        return registers[0]
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


def _read_labelled(circuit: dict[str, JsonValue], shots: int | None) -> CircuitNumbers:
    stored = _numbers(circuit.get("counts") or {})
    counts = as_counts(stored)
    is_mitigated = counts is None and stored is not None and are_mitigated_counts(stored, shots)
    if is_mitigated:
        counts = stored
    probabilities = _numbers(circuit.get("probabilities") or {})
    if counts and probabilities and not counts.keys() <= probabilities.keys():
        probabilities = None  # of other outcomes, or of the same in another notation
    found = zip(LABELS, (counts, probabilities), strict=True)
    sort: Sort = ""
    if counts:
        sort = "mitigated counts" if is_mitigated else "counts"
    elif probabilities:
        is_quasi = are_quasi_probabilities(probabilities)
        sort = "quasi-probabilities" if is_quasi else "probabilities"
    return CircuitNumbers(
        kind="counts" if counts else "probabilities" if probabilities else "unknown",
        sort=sort,
        labelled=True,
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
        key: found
        for key, value in pairs
        if isinstance(key, str) and (found := number(value)) is not None
    }
    return numbers if len(numbers) == len(pairs) else None


def _read_histogram(numbers: Mapping[str, float], shots: int | None) -> CircuitNumbers | None:
    """Return what unlabelled numbers are by their values; None if their keys are no outcomes."""
    if not OUTCOME_KEYS.fullmatch(" ".join(numbers)) and not is_0b(numbers):
        return None
    if _are_probabilities(numbers):
        return CircuitNumbers(kind="probabilities", sort="probabilities", probabilities=numbers)
    if are_quasi_probabilities(numbers):
        return CircuitNumbers(
            kind="probabilities", sort="quasi-probabilities", probabilities=numbers
        )
    if counts := as_counts(numbers):
        return CircuitNumbers(kind="counts", sort="counts", counts=counts)
    if are_mitigated_counts(numbers, shots):
        return CircuitNumbers(kind="counts", sort="mitigated counts", counts=numbers)
    return None


def _are_probabilities(numbers: Mapping[str, float]) -> bool:
    """Return whether numbers without a label are probabilities.

    1 is a count. 1.0 is a probability, unless the sum exceeds 1.
    """
    values = numbers.values()
    if not any(isinstance(value, float) for value in values):
        return False
    within = all(-TOLERANCE <= value <= 1 + TOLERANCE for value in values)
    return within and (fsum(values) <= 1 + TOLERANCE or as_counts(numbers) is None)


def _description(circuit: JsonValue) -> str:
    size = ""
    if isinstance(circuit, dict):
        size = f" (entries: {len(circuit)})"
    elif isinstance(circuit, list):
        types = {*map(type, circuit)}
        of_what = f", all {_PLURALS[types.pop()]}" if len(types) == 1 else ""
        size = f" (entries: {len(circuit)}{of_what})"
    what = _KINDS.get(type(circuit), "A single value")
    return f"{what}{size} that is not understood as outcomes."
