"""Shapes of results that users save themselves through uniqc's API; no adapter writes them.

    {"00": 1.02, "11": -0.02}                  quasi-probabilities
    {"00": 498.3, "11": 501.7}                 counts after error mitigation
    {"0b00": 512, "0b11": 488}                 binary numbers as Python writes them
    {"meas": {"00": 512, "11": 488}}           outcomes by classical register
    ["00", "11", "11"]   ["0x0", "0x3"]        a sampler's memory: the outcome of each shot

Each is recognised only where its shape, with the shots of the task, leaves no doubt.
"""

from __future__ import annotations

import re
from collections import Counter
from math import fsum
from typing import TYPE_CHECKING, Final

from uniqc_mcp.results.numbers import (
    ERROR_FIELDS,
    HEX_KEY,
    LABELS,
    TOLERANCE,
    CircuitNumbers,
    as_counts,
    number,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uniqc_store import JsonValue

_QUASI_SUM: Final = 0.05
"""The deviation of the sum of quasi-probabilities from 1 that leaves no doubt."""

_QUASI_MOST: Final = 2.0
"""The largest quasi-probability, above or below zero, that leaves no doubt."""

_FEWEST_SHOTS: Final = 10
"""The fewest shots of which counts with fractions are certainly no probabilities."""

_MITIGATED_SUM: Final = 0.05
"""The deviation of the sum of mitigated counts from the shots, as a share of them."""

_BITS: Final = re.compile(r"[01]+")
_NAME: Final = re.compile(r"[^\W\d]\w{0,63}")


def are_quasi_probabilities(numbers: Mapping[str, float]) -> bool:
    """Return whether numbers are quasi-probabilities: some negative, and a sum of about 1."""
    values = numbers.values()
    if min(values) >= -TOLERANCE or not any(isinstance(value, float) for value in values):
        return False
    within = all(abs(value) <= _QUASI_MOST for value in values)
    return within and abs(fsum(values) - 1) <= _QUASI_SUM


def are_mitigated_counts(numbers: Mapping[str, float], shots: int | None) -> bool:
    """Return whether numbers with fractions add up to about the shots of the task."""
    # A sum of about one shot would be that of probabilities as well.
    if shots is None or shots < _FEWEST_SHOTS:
        return False
    return abs(fsum(numbers.values()) / shots - 1) <= _MITIGATED_SUM


def read_memory(entries: list[JsonValue], shots: int | None) -> CircuitNumbers | None:
    """Return the counts of a list that has one outcome for each shot; None for any other list."""
    texts = [entry for entry in entries if isinstance(entry, str)]
    if not texts or len(texts) < len(entries) or len(texts) != shots:
        return None
    same_width = len({*map(len, texts)}) == 1 and all(map(_BITS.fullmatch, texts))
    if not same_width and not all(map(HEX_KEY.fullmatch, texts)):
        return None
    return CircuitNumbers(kind="counts", sort="single shots", counts={**Counter(texts)})


def read_registers(circuit: JsonValue, shots: int | None) -> list[CircuitNumbers]:
    """Return the numbers of each classical register; empty for a result of another shape."""
    if not isinstance(circuit, dict) or not all(map(_NAME.fullmatch, circuit)):
        return []
    if not circuit.keys().isdisjoint((*LABELS, *ERROR_FIELDS)):
        return []
    registers = [_read_register(name, value, shots) for name, value in circuit.items()]
    found = [numbers for numbers in registers if numbers is not None]
    return found if len(found) == len(registers) else []


def _read_register(name: str, value: JsonValue, shots: int | None) -> CircuitNumbers | None:
    memory = read_memory(value, shots) if isinstance(value, list) else None
    if memory is not None:
        return CircuitNumbers(
            kind="counts", sort="single shots", counts=memory.counts, register=name
        )
    if not isinstance(value, dict) or not value or not all(map(_BITS.fullmatch, value)):
        return None
    found = {key: number(entry) for key, entry in value.items()}
    counts = as_counts({key: entry for key, entry in found.items() if entry is not None})
    if counts is None or len(counts) < len(found) or min(counts.values()) < 0:
        return None
    return CircuitNumbers(kind="counts", sort="counts", counts=counts, register=name)
