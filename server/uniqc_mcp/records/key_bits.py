"""Classical bits that the characters of a key stand for, where the key is not as wide as expected.

A key holds the whole classical register on IBM, and the measured bits alone on the simulators. On
other platforms a record of a circuit that leaves bits out does not tell which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from uniqc_mcp.records.bit_order import platform_of

if TYPE_CHECKING:
    from uniqc_mcp.records.originir import RecordedCircuit
    from uniqc_mcp.results.summary import ResultSummary
    from uniqc_store import TaskRecord

_REGISTER_MISSING: Final = (
    "of two classical registers uniqc stores one for IBM, so bits are missing"
)
_SOME_MISSING: Final = "its keys lack measured bits, and the record does not tell which"
_MAY_BE_LEFT_OUT: Final = "its keys may leave out the bits that are not measured"

_LEFT_OUT_NOTE: Final = (
    "Bits that are not measured are left out of the keys, the others keep their order."
)
_MAY_BE_LEFT_OUT_NOTE: Final = (
    "The circuit measures some classical bits only; the record does not tell whether keys leave "
    "out the others."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBits:
    """The classical bits of some keys.

    Attributes:
        places: The bit of each character, from the right; empty where the i-th is c[i].
        notes: Sentences on where keys differ from what the recorded circuit measures.
        not_comparable: The reason why the bits of other keys can't be matched; empty if they can.
    """

    places: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    not_comparable: str = ""


def key_bits(task: TaskRecord, summary: ResultSummary, circuit: RecordedCircuit | None) -> KeyBits:
    """Return the classical bits of a result's keys, by the recorded circuit if there is one."""
    if circuit is None or not circuit.measured or summary.keys.notation != "bits":
        return KeyBits()
    platform = platform_of(task.backend)
    width, measured = summary.keys.longest, len(circuit.measured)
    narrow, reason = _narrow(platform, width, measured) if width < measured else ("", "")
    notes = [narrow] if narrow else []
    if platform == "dummy" and width > measured:
        notes.append(
            f"The {measured} bits on the right are measured; those before them are always 0."
        )
    has_gaps = measured < circuit.bits
    if platform == "dummy" and has_gaps and not circuit.is_dynamic:
        places = tuple(circuit.measured)
        return KeyBits(places=places, notes=(*notes, _LEFT_OUT_NOTE), not_comparable=reason)
    if has_gaps and width < circuit.bits and platform not in {"dummy", "ibm"}:
        notes.append(_MAY_BE_LEFT_OUT_NOTE)
        reason = reason or _MAY_BE_LEFT_OUT
    return KeyBits(notes=tuple(notes), not_comparable=reason)


def _narrow(platform: str, width: int, measured: int) -> tuple[str, str]:
    """Return a sentence on keys that lack measured bits, and why they can't be compared."""
    if platform == "ibm":
        return f"Keys have {width} of {measured} measured bits: {_REGISTER_MISSING}.", (
            _REGISTER_MISSING
        )
    if platform == "originq":
        note = f"Keys are as wide as the largest outcome, {width} of {measured} bits: others are 0."
        return note, ""
    return f"Keys have {width} of {measured} measured bits; the record does not tell which.", (
        _SOME_MISSING
    )
