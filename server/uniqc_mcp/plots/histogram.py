"""The histogram of a task as an image: a panel for each circuit, a row for each bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from uniqc_mcp.plots.canvas import Canvas, Font
from uniqc_mcp.results.bars import bars_by_bits, bars_by_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.results.bars import Bar
    from uniqc_mcp.results.summary import Outcome

_COLORS: Final = ((37, 99, 190), (236, 239, 244))
_BAR, _TRACK = range(2)
_WIDTH: Final = 960
_MARGIN: Final = 24
_GAP: Final = 14
_LINE: Final = 30
_BAR_HEIGHT: Final = 20
_MAX_LABEL: Final = 40
"""Characters of a label; the middle of a longer one is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The histogram of one circuit.

    Attributes:
        title: A line above it; none if it is empty.
        bars: Its bars, from top to bottom.
    """

    title: str
    bars: Sequence[Bar]


def bars_of(outcomes: Sequence[Outcome], most: int) -> list[Bar]:
    """Return a bar for each outcome by its bits; of too many, for the most frequent ones.

    Args:
        outcomes: The outcomes, the most frequent first.
        most: The most outcomes with a bar of their own. The others have one together.
    """
    return (bars_by_bits if len(outcomes) <= most else bars_by_count)(outcomes, most)


def draw(heading: Sequence[str], panels: Sequence[Panel]) -> bytes:
    """Return a PNG image of some panels below the lines of a heading."""
    font = Font.read()
    lines = len(heading) + sum(len(panel.bars) + 1 for panel in panels)
    canvas = Canvas(_WIDTH, 2 * _MARGIN + lines * _LINE, _COLORS, font)
    top = _MARGIN
    for line in heading:
        canvas.text(_MARGIN, top, _fitting(line, (_WIDTH - 2 * _MARGIN) // font.width))
        top += _LINE
    for panel in panels:
        canvas.text(_MARGIN, top, panel.title)
        top += _LINE if panel.title else _LINE // 2
        top = _draw_bars(canvas, font, panel.bars, top)
    return canvas.png()


def _draw_bars(canvas: Canvas, font: Font, bars: Sequence[Bar], top: int) -> int:
    """Draw a row for each bar and return the place below the last."""
    labels = [_fitting(bar.label, _MAX_LABEL) for bar in bars]
    figures = [_figures(bar) for bar in bars]
    left = _MARGIN + max(map(len, labels), default=0) * font.width + _GAP
    right = _WIDTH - _MARGIN - max(map(len, figures), default=0) * font.width - _GAP
    scale = max((bar.size for bar in bars if not bar.is_rest), default=0)
    for bar, label, figure in zip(bars, labels, figures, strict=True):
        middle = top + (font.height - _BAR_HEIGHT) // 2
        canvas.text(left - _GAP - len(label) * font.width, top, label)
        # No bar for the rest: next to it the others would be too short to compare.
        if not bar.is_rest:
            canvas.rectangle(left, middle, right - left, _BAR_HEIGHT, color=_TRACK)
            length = bar.size / scale * (right - left) if scale else 0
            drawn = max(round(length), 2) if length else 0
            canvas.rectangle(left, middle, drawn, _BAR_HEIGHT, color=_BAR)
        canvas.text(_WIDTH - _MARGIN - len(figure) * font.width, top, figure)
        top += _LINE
    return top


def _fitting(text: str, most: int) -> str:
    """Return a text without its middle where it is too long."""
    if len(text) <= most:
        return text
    kept = most - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def _figures(bar: Bar) -> str:
    count = "" if bar.count is None else f"{bar.count:,.10g}"
    share = "" if bar.probability is None else f"{100 * bar.probability:6.2f}%"
    return f"{count} {share}".strip()
