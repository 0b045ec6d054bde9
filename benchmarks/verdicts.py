"""Whether the bars are met by what was measured."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.bars import Bar, Side
    from benchmarks.recording import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One question's number, beside the reference's if there is one.

    Attributes:
        measured: What the number is of.
        value: The number.
        reference: The reference's, if there is one.
        against: The ratio where there is a reference, else the number: what the limit is for.
    """

    measured: Measurement
    value: float
    reference: float | None
    against: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a bar is met: each of its comparisons must be within the limit.

    Attributes:
        comparisons: The worst first; none where nothing of it was measured.
    """

    bar: Bar
    comparisons: tuple[Comparison, ...]

    @property
    def met(self) -> bool | None:
        """None where it was not measured."""
        return self.comparisons[0].against <= self.bar.limit if self.comparisons else None

    @property
    def within(self) -> int:
        """How many of the comparisons are within the limit."""
        return sum(one.against <= self.bar.limit for one in self.comparisons)


def judge(bar: Bar, measurements: Sequence[Measurement]) -> Verdict:
    """Hold what was measured against a bar."""
    group = [one for one in measurements if one.group == bar.group]
    compared = sorted(_compared(bar, group), key=lambda one: -one.against)
    return Verdict(bar=bar, comparisons=tuple(compared))


def _compared(bar: Bar, group: Sequence[Measurement]) -> Iterator[Comparison]:
    for measured in _of(bar.ours, group):
        if not re.search(f"^(?:{bar.only})$" if bar.only else "", measured.what):
            continue
        value = _number(measured, bar.ours)
        if bar.reference is None:
            yield Comparison(measured=measured, value=value, reference=None, against=value)
            continue
        same_store = bar.ours.size == bar.reference.size
        others = [
            other
            for other in _of(bar.reference, group)
            if (other.size == measured.size) == same_store
        ]
        references = [other for other in others if other.what == measured.what]
        if bar.full and not all(one.full for one in (measured, *references)):
            continue
        if bar.or_beside:
            references += [other for other in others if other.what == bar.or_beside]
        if references:
            number = max(_number(other, bar.reference) for other in references)
            ratio = value / number if number else math.inf
            yield Comparison(measured=measured, value=value, reference=number, against=ratio)


def _of(side: Side, group: Sequence[Measurement]) -> Iterator[Measurement]:
    sizes = [one.size for one in group if one.who == side.who]
    wanted = {"largest": max, "smallest": min, "each": None}[side.size]
    for one in group:
        if one.who == side.who and (wanted is None or one.size == wanted(sizes)):
            yield one


def _number(measurement: Measurement, side: Side) -> float:
    return measurement.p99 if side.statistic == "p99" else measurement.median
