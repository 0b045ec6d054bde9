"""The lines of a histogram in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from uniqc_mcp.cli.answers.destination import BLOCKS
from uniqc_mcp.cli.columns import fit, shorten_middle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_mcp.cli.answers.destination import Destination
    from uniqc_mcp.results.bars import Bar

_GAP: Final = "  "
_COLOR: Final = "cyan"

_MIN_BAR: Final = 4
"""Cells of the longest bar in a terminal that is too narrow for more."""


def bar_lines(bars: Sequence[Bar], destination: Destination) -> Iterator[str]:
    """Yield a line for each bar: label, count, share, and the bar to the scale of the longest."""
    counts = ["" if bar.count is None else _number(bar.count) for bar in bars]
    shares = ["" if bar.probability is None else _share(bar.probability) for bar in bars]
    numbers = [
        _GAP.join(part for part in (count.rjust(count_width), share.rjust(share_width)) if part)
        for count_width, share_width in [(_widest(counts), _widest(shares))]
        for count, share in zip(counts, shares, strict=True)
    ]
    room = destination.width - _widest(numbers) - 2 * len(_GAP)
    labels = min(_widest([bar.label for bar in bars]), max(room // 2, room - 50, 1))
    longest = max(room - labels, _MIN_BAR)
    scale = max((bar.size for bar in bars if not bar.is_rest), default=0)
    for bar, number in zip(bars, numbers, strict=True):
        label = fit(bar.label, labels) if bar.is_rest else shorten_middle(bar.label, labels)
        share = 0 if bar.is_rest or not scale else bar.size / scale
        drawn = _drawn(share * longest, has_blocks=destination.has_blocks)
        yield f"{label}{_GAP}{number}{_GAP}{destination.styled(drawn, color=_COLOR)}".rstrip()


def _drawn(cells: float, *, has_blocks: bool) -> str:
    """Return a bar of so many cells; what is above zero shows."""
    if not has_blocks:
        return "#" * round(cells) or ("." if cells > 0 else "")
    whole, eighths = divmod(max(round(cells * 8), 1 if cells > 0 else 0), 8)
    return BLOCKS[8] * whole + (BLOCKS[eighths] if eighths else "")


def _number(count: float) -> str:
    return f"{count:,}" if isinstance(count, int) else f"{count:,.6g}"


def _share(probability: float) -> str:
    return f"{100 * probability:.3g}%"


def _widest(texts: Sequence[str]) -> int:
    return max(map(cell_len, texts), default=0)
