"""Numbers that look like counts of outcomes: which platforms counted them, and which did not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from uniqc_mcp.records.bit_order import platform_of

if TYPE_CHECKING:
    from uniqc_mcp.records.originir import RecordedCircuit
    from uniqc_mcp.results.summary import ResultSummary
    from uniqc_store import TaskRecord

COUNTED: Final = "counted shots"
ROUNDED: Final = "rounded probabilities"
BYTES: Final = "bytes of shots"

_BITS_OF_A_BYTE: Final = 8

_COUNTING: Final = ("ibm", "originq", "quafu", "quark", "tianyan")
_CORRECTING: Final = "logicalqubit"

_MPS: Final = re.compile(r"dummy:(?:local:)?mps-")

_NOTES_ON_ROUNDING: Final = (
    "The simulator computes probabilities and rounds them: there is no sampling noise, and the "
    "first outcome takes the rounding."
)
_NOTES_ON_CUTTING: Final = (
    "The simulator computes probabilities, and uniqc up to 0.0.7 cut the fractions off: there is "
    "no sampling noise, and counts are missing."
)
_FROM_ROUNDING: Final = "Negative counts and zeros come from the rounding."
_BYTES_NOTE: Final = (
    "uniqc up to 0.1.1 stored each byte of a shot as an outcome of its own where IBM measured more "
    "than 8 bits: these are no outcomes of the circuit."
)
_UNTOLD_BYTES_NOTE: Final = (
    "uniqc up to 0.1.1 stored bytes of shots where IBM measured more than 8 bits; the number of "
    "shots, which would tell, is not recorded."
)
_CORRECTED_NOTE: Final = "No shot is counted below zero: these were corrected after the counting."
_MAYBE_BYTES_NOTE: Final = (
    "uniqc up to 0.1.1 stored bytes of shots where IBM measured more than 8 bits; these do not add "
    "up to that."
)
_MEMORY_NOTE: Final = "Counted here from a list that has one outcome for each shot."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """The sort of some numbers in words, with what follows from it.

    Attributes:
        numbers: The sort, such as ``counted shots``.
        notes: Sentences on it.
        are_outcomes: Whether the keys are outcomes at all; None where that is doubtful.
        has_noise: Whether a count varies by chance; None where that is not known.
        may_be_rounded: Whether they are, or may be, probabilities rounded to counts.
    """

    numbers: str
    notes: tuple[str, ...] = ()
    are_outcomes: bool | None = True
    has_noise: bool | None = None
    may_be_rounded: bool = False


def sampling_of(
    summary: ResultSummary,
    record: TaskRecord,
    circuit: RecordedCircuit | None,
    *,
    shots: int | None,
) -> Sampling:
    """Return the sort of the numbers of one circuit.

    Args:
        summary: The summary of the numbers.
        record: The task.
        circuit: The recorded circuit, if there is one.
        shots: The shots of the circuit; None if they are not known.
    """
    if summary.sort == "single shots":
        return Sampling(numbers=COUNTED, notes=(_MEMORY_NOTE,), has_noise=True)
    if summary.sort != "counts":
        return Sampling(numbers=summary.sort)
    platform = platform_of(record.backend)
    if summary.negative and (platform != "dummy" or is_mps(record)):
        return Sampling(numbers="corrected counts", notes=(_CORRECTED_NOTE,))
    if platform == "dummy":
        return _of_a_simulator(summary, record, circuit, shots)
    return _of_hardware(summary, platform, shots)


def _of_hardware(summary: ResultSummary, platform: str, shots: int | None) -> Sampling:
    if platform == "ibm" and _are_wide(summary):
        return _wide(summary, shots)
    if platform == _CORRECTING:
        return Sampling(
            numbers="counted shots, or corrected counts where readout correction was asked for"
        )
    counted = platform in _COUNTING
    return Sampling(numbers=COUNTED if counted else "counts", has_noise=True if counted else None)


def is_mps(record: TaskRecord) -> bool:
    """Return whether the simulator samples matrix product states."""
    labels = (record.backend, record.metadata.get("dummy_backend_id"))
    return any(isinstance(label, str) and _MPS.match(label) for label in labels)


def _are_wide(summary: ResultSummary) -> bool:
    keys = summary.keys
    return keys.notation == "bits" and keys.longest > _BITS_OF_A_BYTE


def _wide(summary: ResultSummary, shots: int | None) -> Sampling:
    bytes_of_a_shot = -(-summary.keys.longest // _BITS_OF_A_BYTE)
    if shots is not None and summary.total == shots * bytes_of_a_shot:
        return Sampling(numbers=BYTES, notes=(_BYTES_NOTE,), are_outcomes=False)
    if shots is not None and summary.total == shots:
        return Sampling(numbers=COUNTED, has_noise=True)
    note = _UNTOLD_BYTES_NOTE if shots is None else _MAYBE_BYTES_NOTE
    return Sampling(numbers="counts, perhaps of bytes of shots", notes=(note,), are_outcomes=None)


def _of_a_simulator(
    summary: ResultSummary,
    record: TaskRecord,
    circuit: RecordedCircuit | None,
    shots: int | None,
) -> Sampling:
    """Return the sort of a dummy's numbers.

    Matrix product states are sampled, and programs with control flow, which need it. All other
    dummies round exact probabilities, those with the noise of a chip or of a model included.
    """
    if is_mps(record) or (circuit is not None and circuit.is_dynamic):
        return Sampling(numbers=COUNTED, has_noise=True)
    if circuit is not None and circuit.gates_later:
        return Sampling(
            numbers="counted shots from uniqc 0.0.17 on, rounded probabilities before",
            may_be_rounded=True,
        )
    total = summary.total or 0
    is_cut = shots is not None and 0 < shots - total <= summary.distinct + summary.zeros
    notes = [_NOTES_ON_CUTTING if is_cut else _NOTES_ON_ROUNDING]
    if summary.negative or summary.zeros:
        notes.append(_FROM_ROUNDING)
    return Sampling(numbers=ROUNDED, notes=tuple(notes), has_noise=False, may_be_rounded=True)
