"""A histogram that is read as a stream of outcomes, without holding them all.

It keeps sixteen bytes an outcome (its number and its key's hash) and the most frequent outcomes.
The text takes some thirty bytes an outcome, and the parsed object two hundred or more.
"""

from __future__ import annotations

from array import array
from heapq import nsmallest
from itertools import chain, islice
from math import fsum, inf
from typing import TYPE_CHECKING, Final, NamedTuple

from uniqc_mcp.results.json_events import NotStreamableError
from uniqc_mcp.results.numbers import HEX_KEY, OUTCOME_KEYS, TOLERANCE, KeyForm, are_bits
from uniqc_mcp.results.summary import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PIECE_OUTCOMES: Final = 2_000
"""Outcomes that are read at a time."""

_MAX_COMPARED: Final = 100_000
"""Hashes that are compared with each other at a time: a set of all would outweigh the text."""

_MAX_EXACT: Final = 2**53
"""The largest whole number up to which a float holds each one exactly."""


class RankedOutcome(NamedTuple):
    """One of the most frequent outcomes; `place` counts the outcomes before it."""

    key: str
    number: float
    place: int


class StreamedHistogram:
    """The numbers of a histogram in their order, and its `top` most frequent outcomes.

    A key with a zero is no outcome; its number is kept all the same.

    Args:
        outcomes: Keys with their numbers; it is exhausted.
        top: How many outcomes to rank.

    Raises:
        NotStreamableError: There is no key, one repeats or is not bits, decimal or hex, a number
            is too large to be exact, or floats are negative, as quasi-probabilities are.
    """

    def __init__(self, outcomes: Iterator[tuple[str, float]], top: int) -> None:
        """Read all outcomes."""
        self.numbers = array("d")
        self.most_frequent: list[RankedOutcome] = []
        self.total = 0
        self.is_whole = True
        self._has_floats = False
        self._negative = self._zero = self._largest_state = 0
        self._key_hashes = array("q")
        self._is_hex: bool | None = None
        self._is_bits = True
        self._key_lengths: set[int] = set()
        self._has_canonical_keys = True
        while entries := list(islice(outcomes, _PIECE_OUTCOMES)):
            piece = dict(entries)
            if len(piece) != len(entries):
                raise NotStreamableError
            self._add_keys(piece)
            self._rank(piece, top)
            self._add_numbers([*piece.values()])
        if not self.numbers or not _all_differ(self._key_hashes):
            raise NotStreamableError
        self._least, self._most = min(self.numbers), max(self.numbers)
        quasi = self._has_floats and self._negative
        if quasi or max(self._most, -self._least) >= _MAX_EXACT:
            raise NotStreamableError

    @property
    def keys(self) -> KeyForm:
        """The form of the keys."""
        return KeyForm(
            notation="hex" if self._is_hex else "bits" if self._is_bits else "other",
            shortest=min(self._key_lengths),
            longest=max(self._key_lengths),
            width=max(1, self._largest_state.bit_length()) if self._is_hex else 0,
        )

    @property
    def distinct(self) -> int:
        """The number of outcomes."""
        return len(self.numbers) - self._zero

    @property
    def are_probabilities(self) -> bool:
        """True if the numbers are probabilities, by the rule of ``shapes`` for those unlabelled."""
        within = self._has_floats and self._least >= -TOLERANCE and self._most <= 1 + TOLERANCE
        return within and (not self.is_whole or fsum(self.numbers) <= 1 + TOLERANCE)

    @property
    def negative(self) -> int:
        """The number of outcomes below zero."""
        return self._negative

    @property
    def zeros(self) -> int:
        """The number of keys with a zero."""
        return self._zero

    def remaining(self, shown: Sequence[RankedOutcome]) -> float | None:
        """Return the sum of all other numbers; None where one is negative, as it would mislead."""
        if self._negative:
            return None
        return fsum(chain(self.numbers, (-self.numbers[outcome.place] for outcome in shown)))

    def has_keys_of(self, other: StreamedHistogram) -> bool:
        """Return whether both certainly have the same keys in the same order."""
        canonical = self._has_canonical_keys and other._has_canonical_keys
        return canonical and self._key_hashes == other._key_hashes

    def tally(self, total: float) -> Tally:
        """Return the tally of the numbers, whose sum is known."""
        return Tally(total=total, negative=self._negative, zero=self._zero)

    def _add_keys(self, piece: dict[str, float]) -> None:
        keys = [*piece]
        self._key_lengths.update(map(len, keys))
        self._is_bits = self._is_bits and are_bits(keys)
        is_hex = all(map(HEX_KEY.fullmatch, keys))
        if self._is_hex is None:
            self._is_hex = is_hex
        # Hex keys are bits only if all are: a later piece that differs comes too late.
        if not is_hex and (self._is_hex or not OUTCOME_KEYS.fullmatch(" ".join(keys))):
            raise NotStreamableError
        if self._is_hex:
            states = [int(key, 16) for key in keys]
            self._largest_state = max(self._largest_state, *states)
            canonical = [*map(hex, states)]
            self._has_canonical_keys = self._has_canonical_keys and canonical == keys
            keys = canonical
        self._key_hashes.extend(map(hash, keys))

    def _rank(self, piece: dict[str, float], top: int) -> None:
        if top < 1:
            return
        # Most outcomes are below the last one ranked, and need no comparison by key.
        least = self.most_frequent[-1].number if len(self.most_frequent) == top else -inf
        start = len(self.numbers)
        likely = [
            RankedOutcome(key, number, start + index)
            for index, (key, number) in enumerate(piece.items())
            if number and number >= least
        ]
        if likely:
            order = _by_state if self._is_hex else _by_key
            self.most_frequent = nsmallest(top, [*self.most_frequent, *likely], key=order)

    def _add_numbers(self, numbers: list[float]) -> None:
        self.numbers.extend(numbers)
        self._zero += numbers.count(0)
        if min(numbers) < 0:
            self._negative += sum(number < 0 for number in numbers)
        if {*map(type, numbers)} == {int}:
            self.total += int(sum(numbers))
            return
        self._has_floats = True
        self.is_whole = self.is_whole and all(number % 1 == 0 for number in numbers)
        if self.is_whole:
            self.total += sum(map(int, numbers))


def _by_key(outcome: RankedOutcome) -> tuple[float, str]:
    return -outcome.number, outcome.key


def _by_state(outcome: RankedOutcome) -> tuple[float, int]:
    return -outcome.number, int(outcome.key, 16)


def _all_differ(hashes: array[int]) -> bool:
    """Return whether no two are equal; those of different keys are about never."""
    slices = 1 + len(hashes) // _MAX_COMPARED
    for part in range(slices):
        some = [number for number in hashes if number % slices == part]
        if len({*some}) != len(some):
            return False
    return True
