"""The verdicts: measurements compared with the bars."""

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
    """The value of one question, compared with a reference or a limit.

    Attributes:
        measured: The measurement.
        value: The statistic of it that the bar is about.
        reference: The statistic of the reference; None if the bar has none.
        against: The number that is limited: the ratio to the reference, or the value itself.
    """

    measured: Measurement
    value: float
    reference: float | None
    against: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The comparisons of one bar. It is met if all of them are within the limit.

    Attributes:
        bar: The bar.
        comparisons: The comparisons, the worst first; empty if nothing was measured.
    """

    bar: Bar
    comparisons: tuple[Comparison, ...]

    @property
    def met(self) -> bool | None:
        """True if the bar is met; None if it was not measured."""
        return self.comparisons[0].against <= self.bar.limit if self.comparisons else None

    @property
    def within(self) -> int:
        """The number of comparisons within the limit."""
        return sum(one.against <= self.bar.limit for one in self.comparisons)


def judge(bar: Bar, measurements: Sequence[Measurement]) -> Verdict:
    """Return the verdict on a bar."""
    group = [one for one in measurements if one.group == bar.group]
    if bar.reference is not None and bar.reference.size == bar.ours.size:
        group = _of_shared_sizes(group, bar.ours.who, bar.reference.who)
    compared = sorted(_compared(bar, group), key=lambda one: -one.against)
    return Verdict(bar=bar, comparisons=tuple(compared))


def _of_shared_sizes(group: Sequence[Measurement], *who: str) -> list[Measurement]:
    """Return the measurements of sizes that all these contenders have."""
    sizes = set[int].intersection(*({one.size for one in group if one.who == name} for name in who))
    return [one for one in group if one.size in sizes]


def _compared(bar: Bar, group: Sequence[Measurement]) -> Iterator[Comparison]:
    for measured in _of(bar.ours, group):
        asked = re.fullmatch(bar.only or ".*", measured.what)
        if asked is None:
            continue
        value = _number(measured, bar.ours)
        if bar.reference is None:
            yield Comparison(measured=measured, value=value, reference=None, against=value)
        elif references := _references(bar, bar.reference, measured, group, asked):
            number = max(_number(other, bar.reference) for other in references)
            ratio = value / number if number else math.inf
            yield Comparison(measured=measured, value=value, reference=number, against=ratio)


def _references(
    bar: Bar,
    side: Side,
    measured: Measurement,
    group: Sequence[Measurement],
    asked: re.Match[str],
) -> list[Measurement]:
    """Return the measurements to compare one with; none if the bar is not about it."""
    same_store = bar.ours.size == side.size
    others = [other for other in _of(side, group) if (other.size == measured.size) == same_store]
    references = [other for other in others if other.what == measured.what]
    if any(one.rows < bar.rows for one in (measured, *references)):
        return []
    if bar.or_beside and measured.rows > max((one.rows for one in references), default=-1):
        plain = asked.expand(bar.or_beside)
        references += [other for other in others if other.what == plain]
    return references


def _of(side: Side, group: Sequence[Measurement]) -> Iterator[Measurement]:
    sizes = sorted({one.size for one in group if one.who == side.who})
    wanted = {
        "largest": sizes[-1:],
        "next": sizes[-2:][:1],
        "smallest": sizes[:1],
        "each": sizes,
    }[side.size]
    return (one for one in group if one.who == side.who and one.size in wanted)


def _number(measurement: Measurement, side: Side) -> float:
    return measurement.p99 if side.statistic == "p99" else measurement.median
