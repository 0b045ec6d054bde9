"""A histogram in the text of a stored result, read in pieces.

Only its numbers, its keys' hashes and its most frequent outcomes are kept. That is sixteen bytes an
outcome, which takes some thirty in the text, and two hundred and more once it is parsed.
"""

from __future__ import annotations

import json
import re
from array import array
from dataclasses import dataclass
from heapq import nsmallest
from itertools import chain
from math import fsum, inf
from operator import eq
from typing import TYPE_CHECKING, Final, NamedTuple

from uniqc_mcp.results.shapes import TOLERANCE
from uniqc_mcp.results.summary import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PIECE: Final = 64 * 1024
"""Characters that are parsed at a time."""

_COMPARED: Final = 200_000
"""Keys that are compared with each other at a time: a set of them all would outweigh the text."""

_EXACT: Final = 2**53
"""Up to here, a float holds any whole number."""

_KEY: Final = r'"(?:0[xX][0-9a-fA-F]++|[0-9]++)(?: (?:0[xX][0-9a-fA-F]++|[0-9]++))*+"'
_NUMBER: Final = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_S: Final = r"[ \t\n\r]*+"
_COUNTS: Final = re.compile(rf"{{{_S}(?:{_KEY}{_S}:{_S}{_NUMBER}{_S}(?:,{_S}(?=\")|(?=}})))++}}")
_ROWS: Final = re.compile(
    rf'\[{_S}(?:{{{_S}"key"{_S}:{_S}{_KEY}{_S},{_S}"value"{_S}:{_S}{_NUMBER}{_S}}}{_S}'
    rf"(?:,{_S}(?={{)|(?=\])))++\]"
)
_HEX_KEY: Final = re.compile("0[xX][0-9a-fA-F]{1,64}")

Numbers = dict[str, float]


class NotReadableInPiecesError(Exception):
    """The whole has to be parsed to know what it says."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Where in a text outcomes stand with their numbers, as an object or as rows."""

    text: str
    start: int
    end: int
    rows: bool

    @classmethod
    def at(cls, text: str, start: int) -> Histogram | None:
        rows = text[start : start + 1] == "["
        found = (_ROWS if rows else _COUNTS).match(text, start)
        return None if found is None else cls(text, start + 1, found.end() - 1, rows)

    def pieces(self) -> Iterator[Numbers]:
        """All of it, some thousand outcomes at a time."""
        at = self.start
        while at < self.end:
            # No key and no number has a comma in it, and of a row each second one is its end.
            through = self.text.find("}" if self.rows else ",", at + _PIECE, self.end)
            cut = self.text.find(",", through, self.end) if through >= 0 else -1
            cut = self.end if cut < 0 else cut
            yield self._parsed(self.text[at:cut])
            at = cut + 1

    def _parsed(self, piece: str) -> Numbers:
        if self.rows:
            entries = json.loads(f"[{piece}]")
            numbers = {row["key"]: row["value"] for row in entries}
            count = len(entries)
        else:
            numbers = json.loads(f"{{{piece}}}")
            count = piece.count(",") + 1
        if len(numbers) != count:
            raise NotReadableInPiecesError
        return numbers


class Figures:
    """A histogram once it was read through: its numbers in order, and its first outcomes."""

    def __init__(self, histogram: Histogram, top: int) -> None:
        self.numbers = array("d")
        self.hashes = array("q")
        self.best: list[Ranked] = []
        self.total = self.negative = self.zero = self._largest_state = 0
        self.floats, self.whole = False, True
        self._hex: bool | None = None
        self._as_python_writes = True
        for piece in histogram.pieces():
            self._add_keys(piece)
            self._rank(piece, top)
            self._add_numbers([*piece.values()])
        self.least, self.most = min(self.numbers), max(self.numbers)
        if max(self.most, -self.least) >= _EXACT or not _all_differ(self.hashes):
            raise NotReadableInPiecesError

    @property
    def width(self) -> int:
        return max(1, self._largest_state.bit_length()) if self._hex else 0

    @property
    def are_probabilities(self) -> bool:
        """Told of numbers without a label as ``results`` tells them."""
        within = self.floats and self.least >= -TOLERANCE and self.most <= 1 + TOLERANCE
        return within and (not self.whole or fsum(self.numbers) <= 1 + TOLERANCE)

    def remaining(self, shown: Sequence[Ranked]) -> float | None:
        """What all others have together; none where that would mislead."""
        if self.least < 0:
            return None
        return fsum(chain(self.numbers, (-self.numbers[ranked.place] for ranked in shown)))

    def has_keys_of(self, other: Figures) -> bool:
        """Whether both have the same keys in the same order; no, where it can't be told."""
        return self.hashes == other.hashes and self._as_python_writes and other._as_python_writes

    def tally(self, total: float) -> Tally:
        return Tally(total=total, negative=self.negative, zero=self.zero)

    def _add_keys(self, piece: Numbers) -> None:
        are_hex = all(map(_HEX_KEY.fullmatch, piece))
        if self._hex is None:
            self._hex = are_hex
        if not self._hex:
            self.hashes.extend(map(hash, piece))
            return
        if not are_hex:  # Whether keys are written as bits is known too late.
            raise NotReadableInPiecesError
        states = [int(key, 16) for key in piece]
        self._largest_state = max(self._largest_state, *states)
        self.hashes.extend(map(hash, states))
        self._as_python_writes = self._as_python_writes and all(map(eq, map(hex, states), piece))

    def _rank(self, piece: Numbers, top: int) -> None:
        if top < 1:
            return
        least = self.best[-1].number if len(self.best) == top else -inf
        start = len(self.numbers)
        likely = [
            Ranked(key, number, start + place)
            for place, (key, number) in enumerate(piece.items())
            if number >= least
        ]
        order = _by_state if self._hex else _by_key
        self.best = nsmallest(top, [*self.best, *likely], key=order) if likely else self.best

    def _add_numbers(self, numbers: list[float]) -> None:
        self.numbers.extend(numbers)
        self.zero += numbers.count(0)
        if min(numbers) < 0:
            self.negative += sum(number < 0 for number in numbers)
        if {*map(type, numbers)} == {int}:
            self.total += int(sum(numbers))
            return
        self.floats = True
        self.whole = self.whole and all(number % 1 == 0 for number in numbers)
        if self.whole:
            self.total += sum(map(int, numbers))


class Ranked(NamedTuple):
    key: str
    number: float
    place: int


def _by_key(ranked: Ranked) -> tuple[float, str]:
    return -ranked.number, ranked.key


def _by_state(ranked: Ranked) -> tuple[float, int]:
    return -ranked.number, int(ranked.key, 16)


def _all_differ(hashes: array[int]) -> bool:
    """Whether no two are equal; keys that differ have equal ones once in a very long while."""
    slices = 1 + len(hashes) // _COMPARED
    for part in range(slices):
        some = [number for number in hashes if number % slices == part]
        if len({*some}) != len(some):
            return False
    return True
