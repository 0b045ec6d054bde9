"""The bars of a histogram: which outcomes each stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.safety.sanitizer import Sanitizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.results.summary import Outcome

_BITS: Final = re.compile(r"[01]+")
_ANY_BIT: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a histogram.

    Attributes:
        label: The bits, or the bits that all its outcomes begin with; sanitized.
        outcomes: How many outcomes it is the sum of.
        count: Their counts; None if they have none.
        probability: Their probabilities; None if they have none.
        is_rest: Whether it stands for all outcomes that have no bar. It is not drawn.
    """

    label: str
    outcomes: int
    count: float | None
    probability: float | None
    is_rest: bool = False

    @classmethod
    def of(cls, label: str, outcomes: Sequence[Outcome], *, is_rest: bool = False) -> Self:
        """Return the bar of these outcomes together."""
        counts = [outcome.count for outcome in outcomes if outcome.count is not None]
        shares = [one.probability for one in outcomes if one.probability is not None]
        return cls(
            label=label,
            outcomes=len(outcomes),
            # The sum of whole numbers stays exact.
            count=sum(counts) if counts or not shares else None,
            probability=fsum(shares) if shares or not counts else None,
            is_rest=is_rest,
        )

    @property
    def size(self) -> float:
        """The number that its length stands for; none below zero can be drawn."""
        return max(0, self.count if self.count is not None else self.probability or 0)


def bars_by_count(outcomes: Sequence[Outcome], most: int) -> list[Bar]:
    """Return a bar for each of the most frequent outcomes, and one for the others."""
    bars = [Bar.of(_label(outcome.bits), [outcome]) for outcome in outcomes[:most]]
    if rest := outcomes[most:]:
        bars.append(Bar.of(f"({len(rest):,} others)", rest, is_rest=True))
    return bars


def bars_by_bits(outcomes: Sequence[Outcome], most: int) -> list[Bar]:
    """Return the bars in the order of the bits; too many outcomes share bars."""
    ordered = sorted(outcomes, key=lambda outcome: (len(outcome.bits), outcome.bits))
    if len(ordered) <= most:
        return [Bar.of(_label(outcome.bits), [outcome]) for outcome in ordered]
    widths = {len(outcome.bits) for outcome in ordered}
    if len(widths) == 1 and all(_BITS.fullmatch(outcome.bits) for outcome in ordered):
        return _bars_by_prefix(ordered, most)
    size = -(-len(ordered) // most)
    groups = (ordered[start : start + size] for start in range(0, len(ordered), size))
    return [
        Bar.of(" to ".join(_label(one.bits) for one in _ends(group)), group) for group in groups
    ]


def bins_note(bars: Sequence[Bar], distinct: int) -> str:
    """Return a sentence on bars that stand for several outcomes; empty if none does."""
    if all(bar.outcomes <= 1 or bar.is_rest for bar in bars):
        return ""
    are = "begin with its bits" if _ANY_BIT in bars[0].label else "lie between its two"
    return f"{distinct:,} outcomes in {len(bars)} bars: each sums up those that {are}."


def _bars_by_prefix(ordered: Sequence[Outcome], most: int) -> list[Bar]:
    """Return a bar for each value of as many leading bits as there is room for.

    The bits that all outcomes begin with need no bars of their own.
    """
    width = len(ordered[0].bits)
    common = width - (int(ordered[0].bits, 2) ^ int(ordered[-1].bits, 2)).bit_length()
    free = most.bit_length() - 1
    by_value: list[list[Outcome]] = [[] for _ in range(2**free)]
    for outcome in ordered:
        by_value[int(outcome.bits[common : common + free], 2)].append(outcome)
    start, rest = ordered[0].bits[:common], _ANY_BIT * (width - common - free)
    return [Bar.of(f"{start}{value:0{free}b}{rest}", one) for value, one in enumerate(by_value)]


def _ends(group: Sequence[Outcome]) -> Sequence[Outcome]:
    return group if len(group) == 1 else (group[0], group[-1])


def _label(bits: str) -> str:
    return Sanitizer().one_line("result", bits)
