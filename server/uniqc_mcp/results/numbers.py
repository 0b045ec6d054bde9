"""The numbers of one circuit, and the forms of their keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from uniqc_store import JsonValue

Kind: TypeAlias = Literal["counts", "probabilities", "error", "empty", "unknown"]

Sort: TypeAlias = Literal[
    "", "counts", "probabilities", "quasi-probabilities", "mitigated counts", "single shots"
]
"""The sort of numbers by their shape alone; "single shots" were counted while they were read."""

Notation: TypeAlias = Literal["bits", "hex", "0b", "other"]

LABELS: Final = ("counts", "probabilities")
ERROR_FIELDS: Final = ("error", "error_message")

MAX_COUNT: Final = 2**63 - 1
"""The largest INTEGER of SQLite, where shots are kept: no count is larger.

It also keeps every sum and quotient within the range of a float.
"""

TOLERANCE: Final = 1e-6
"""Deviation of a sum of probabilities that rounding explains."""

OUTCOME_KEYS: Final = re.compile(
    r"(?:0[xX][0-9a-fA-F]++|[0-9]++)(?>(?: (?:0[xX][0-9a-fA-F]++|[0-9]++))*)"
)
"""Keys without a label, joined by spaces: bits, decimal or hex, a space between registers.

One match of all keys takes a third of the time of a match of each.
"""

HEX_KEY: Final = re.compile(r"0[xX][0-9a-fA-F]{1,64}")
"""A hex key that is written as bits. The widest sets the width of all, so it has a limit: 256."""

_0B_KEY: Final = re.compile(r"0[bB][01]{1,256}")
_INTEGER_TEXT: Final = re.compile(r"[+-]?[0-9]{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitNumbers:
    """The numbers of one circuit by stored key.

    Where there are both, each key of the counts has a probability. `labelled` are numbers under
    ``counts`` or ``probabilities``. `fields` are the names of what else is stored beside the
    numbers, `register` is that of a classical register.
    """

    kind: Kind
    sort: Sort = ""
    counts: Mapping[str, float] = field(default_factory=dict[str, float])
    probabilities: Mapping[str, float] = field(default_factory=dict[str, float])
    notes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    register: str = ""
    labelled: bool = False

    @property
    def values(self) -> Mapping[str, float]:
        """The counts, or the probabilities where there are no counts."""
        return self.counts or self.probabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyForm:
    """The form of all keys of a circuit.

    Attributes:
        notation: ``bits`` if all keys are of 0 and 1 alone, ``hex`` or ``0b`` if they are numbers
            of that form, which are shown as bits.
        shortest: The fewest characters of a key as it is stored.
        longest: The most characters of a key as it is stored.
        width: The bits that hex and 0b keys are shown with; 0 for keys shown as stored.
    """

    notation: Notation = "other"
    shortest: int = 0
    longest: int = 0
    width: int = 0

    @classmethod
    def of(cls, keys: Collection[str]) -> KeyForm:
        """Return the form of some keys."""
        if not keys:
            return cls()
        lengths = {*map(len, keys)}
        notation: Notation = "other"
        width = 0
        if are_bits(keys):
            notation = "bits"
        elif all(map(HEX_KEY.fullmatch, keys)):
            states = {int(key, 16) for key in keys}
            # 0x3 beside 0x03 would be one outcome told twice.
            if len(states) == len(keys):
                notation, width = "hex", max(1, max(states).bit_length())
        elif is_0b(keys) and len({int(key, 2) for key in keys}) == len(keys):
            notation, width = "0b", max(lengths) - 2
        return cls(notation=notation, shortest=min(lengths), longest=max(lengths), width=width)


def are_bits(keys: Iterable[str]) -> bool:
    """Return whether all keys are of 0 and 1 alone."""
    text = "".join(keys)
    return text.isascii() and not text.encode().translate(None, b"01")


def is_0b(keys: Collection[str]) -> bool:
    """Return whether all keys are binary numbers as Python writes them."""
    return all(map(_0B_KEY.fullmatch, keys))


def bits_of(key: str, width: int) -> str:
    """Return a hex or 0b key as so many bits; any key as it is where the width is 0."""
    return format(int(key, 0), f"0{width}b") if width else key


def number(value: JsonValue) -> float | None:
    """Return a count or probability; None for any other value."""
    if isinstance(value, str) and _INTEGER_TEXT.fullmatch(value):
        value = int(value)
    # Not isinstance: a bool would pass as an int.
    if type(value) is int or type(value) is float:
        # The comparison also rejects NaN, which json.loads accepts.
        return value if -MAX_COUNT <= value <= MAX_COUNT else None
    return None


def as_counts(numbers: Mapping[str, float] | None) -> dict[str, float] | None:
    """Return the numbers as integers; None if any has a fraction."""
    if numbers is None:
        return None
    whole: dict[str, float] = {
        k: n if isinstance(n, int) else int(n) for k, n in numbers.items() if not n % 1
    }
    return whole if len(whole) == len(numbers) else None
