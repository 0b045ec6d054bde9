"""Reader of the circuits that uniqc records in OriginIR: which qubit each classical bit measures.

It reads the lines that it needs and ignores all others, so that no text makes it fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from uniqc_store import TaskRecord

_MAX_SHOWN: Final = 16
"""Classical bits that :meth:`RecordedCircuit.measured_text` lists one by one."""

_MAX_IN_ORDER: Final = 4
"""Classical bits that it lists one by one where their qubits follow each other."""

_BEGINNING: Final = re.compile(r"(?>(?:\s++|(?://|#)[^\n]*+\n)*)QINIT[ \t]++[0-9]")
_MEASURE: Final = re.compile(
    r"MEASURE[ \t]++q[ \t]*+\[[ \t]*+([0-9]{1,6})[ \t]*+\][ \t]*+,"
    r"[ \t]*+c[ \t]*+\[[ \t]*+([0-9]{1,6})[ \t]*+\]"
)
_CONTROL: Final = re.compile(
    r"^[ \t]*+(?:RESET|QIF|QELSE|QWHILE|AND|OR|XOR|MOV|NOT)\b", re.MULTILINE
)
_CONTROL_WORDS: Final = ("RESET", "QIF", "QWHILE", "AND ", "OR ", "MOV ", "\nNOT ", " NOT ")
_QUBIT: Final = re.compile(r"q[ \t]*+\[[ \t]*+([0-9]{1,6})")
_NO_GATES: Final = ("MEASURE", "BARRIER", "CREG", "QINIT", "//", "#")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCircuit:
    """The measurements of a recorded circuit.

    Attributes:
        measured: The qubit that each classical bit measures, in the order of the bits. Of two
            measurements into one bit the last counts.
        gates_later: The qubits on which a gate acts after their measurement.
        is_dynamic: Whether it has classical control flow.
    """

    measured: Mapping[int, int]
    gates_later: tuple[int, ...]
    is_dynamic: bool

    @property
    def bits(self) -> int:
        """The number of classical bits, counted up to the highest that is measured."""
        return max(self.measured, default=-1) + 1

    def measured_text(self) -> str:
        """Return ``c[0]=q[2], c[1]=q[0]``; the first and the last pair where all are alike."""
        pairs = [f"c[{bit}]=q[{qubit}]" for bit, qubit in self.measured.items()]
        bits = [*self.measured]
        in_order = (
            bits == [*range(len(bits))]
            and len({qubit - bit for bit, qubit in self.measured.items()}) == 1
        )
        if in_order and len(pairs) > _MAX_IN_ORDER:
            return f"{pairs[0]} to {pairs[-1]}, in order"
        if len(pairs) > _MAX_SHOWN:
            return f"{', '.join(pairs[:_MAX_SHOWN])} and {len(pairs) - _MAX_SHOWN} more"
        return ", ".join(pairs) or "nothing"


def read_originir(source: str) -> RecordedCircuit | None:
    """Return the measurements of a circuit; None if the text is not OriginIR. Never raises."""
    if not _BEGINNING.match(source):
        return None
    # Searched for by its first letters: to try each line would take ten times as long.
    found = [line for line in _MEASURE.finditer(source) if _begins_line(source, line.start())]
    measured = {int(line[2]): int(line[1]) for line in found}
    later = _gates_later(source[found[0].start() :]) if found else ()
    may_be_dynamic = any(word in source for word in _CONTROL_WORDS)
    return RecordedCircuit(
        measured=dict(sorted(measured.items())),
        gates_later=tuple(dict.fromkeys(later)),
        is_dynamic=may_be_dynamic and _CONTROL.search(source) is not None,
    )


def recorded_circuit(record: TaskRecord, place: int) -> RecordedCircuit | None:
    """Return the recorded circuit at a place of a batch; None if none is readable there.

    The place of a single circuit is 0. A batch of 0.0.8 to 0.0.11 records its first circuit only.
    """
    source: object = record.metadata.get("circuit_ir") if place == 0 else None
    circuits = record.metadata.get("circuits")
    if isinstance(circuits, list):
        source = circuits[place] if place < len(circuits) else None
    return read_originir(source) if isinstance(source, str) else None


def _begins_line(source: str, place: int) -> bool:
    return not source[source.rfind("\n", 0, place) + 1 : place].strip(" \t")


def _gates_later(source: str) -> Iterator[int]:
    """Yield each qubit that a gate uses below a measurement of it."""
    lines = [line.lstrip() for line in source.splitlines()]
    if all(line.startswith(_NO_GATES) or not line for line in lines):
        return
    measured: set[int] = set()
    for line in lines:
        if line.startswith("MEASURE"):
            measured.update(map(int, _QUBIT.findall(line)))
        elif not line.startswith(_NO_GATES):
            yield from measured.intersection(map(int, _QUBIT.findall(line)))
