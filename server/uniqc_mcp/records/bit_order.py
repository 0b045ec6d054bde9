"""Rules that tell which end of a stored key is the classical bit c[0].

Established by running uniqc 0.0.4 to 0.1.1 on asymmetric circuits. uniqc 0.0.13 reversed the keys
of IBM and Quafu and converted nothing that was stored, so one file can hold both orders. A record
does not name the release that fetched its result; see :func:`bit_order` for what it does tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from uniqc_store import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uniqc_mcp.results.numbers import Notation

Order: TypeAlias = Literal["right", "left", "hex", "unknown"]

SHARDED_SCHEMA: Final = 5
"""The first schema of uniqc 0.0.12. Nothing later than 0.0.11.post1 fetched into an older file."""

_REVERSAL: Final = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
"""The time when uniqc 0.0.13 was built, which stores keys of IBM and Quafu the other way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BitOrder:
    """The order of the bits in stored keys.

    Attributes:
        order: ``right`` if c[0] is the last character, ``left`` if it is the first, ``hex`` if
            keys are numbers whose bit 0 is c[0].
        condition: The condition under which that is so, in words; empty where it is certain.
        is_doubtful: Whether the record gives as much reason to doubt the condition as to assume it.
    """

    order: Order
    condition: str = ""
    is_doubtful: bool = False

    def __str__(self) -> str:
        """Return the order with its condition: ``right if …``."""
        return f"{self.order} if {self.condition}" if self.condition else self.order


UNKNOWN: Final = BitOrder(order="unknown")
HEX: Final = BitOrder(order="hex")
LEFT: Final = BitOrder(order="left")
RIGHT: Final = BitOrder(order="right")

_BY_PLATFORM: Final[Mapping[str, BitOrder]] = {
    "dummy": RIGHT,
    "originq": RIGHT,
    "tianyan": RIGHT,
    "logicalqubit": BitOrder(order="right", condition="uniqc's documentation is right"),
    "quark": UNKNOWN,
}
"""The order of the platforms whose keys every release stored alike."""

_REVERSED_BY_0_0_13: Final = ("ibm", "quafu")


def bit_order(
    backend: str,
    notation: Notation,
    *,
    labelled: bool,
    schema_version: int,
    fetched_at: str,
) -> BitOrder:
    """Return the order of the bits in the keys of one circuit.

    Args:
        backend: The label of the task.
        notation: The notation of its keys.
        labelled: Whether the numbers stand under ``counts`` or ``probabilities``, as those of
            Quafu up to uniqc 0.0.6.
        schema_version: The version of the file.
        fetched_at: The time when the result was fetched: that of the job's last update, and of
            the task's where there is no job. A task's own time moves when it is asked for again.
    """
    platform = platform_of(backend)
    if notation not in {"bits", "hex"}:
        return UNKNOWN
    if notation == "hex":
        known = _BY_PLATFORM.get(platform, UNKNOWN).order == "right" or platform == "ibm"
        return HEX if known else UNKNOWN
    if platform not in _REVERSED_BY_0_0_13:
        return _BY_PLATFORM.get(platform, UNKNOWN)
    of_old_release = schema_version < SHARDED_SCHEMA or _is_before_reversal(fetched_at)
    if of_old_release or (labelled and platform == "quafu"):
        return LEFT
    return _likely_order(backend)


def platform_of(backend: str) -> str:
    """Return the platform of a label: the part before the first colon."""
    return backend.partition(":")[0].lower()


def _likely_order(backend: str) -> BitOrder:
    """Return the order of IBM's or Quafu's keys that any release may have fetched."""
    condition = "uniqc 0.0.13 or later fetched it"
    if ":" not in backend:
        # uniqc 0.0.13 and later refuse a label without a chip, so an older one submitted it.
        condition += ", though 0.0.12 or earlier submitted it"
        return BitOrder(order="right", condition=condition, is_doubtful=True)
    return BitOrder(order="right", condition=condition)


def _is_before_reversal(fetched_at: str) -> bool:
    moment = parse_time(fetched_at)
    if moment is None:
        return False
    # Only uniqc up to 0.0.7 wrote times without a zone.
    return moment.tzinfo is None or moment < _REVERSAL
