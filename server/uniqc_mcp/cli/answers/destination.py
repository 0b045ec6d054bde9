"""The place where an answer is written: a terminal of some width, or a pipe or file."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import click
from rich.text import Span

if TYPE_CHECKING:
    from rich.text import Text

BLOCKS: Final = " ▏▎▍▌▋▊▉█"
"""No block, then blocks of one to eight eighths of a cell."""

_DEFAULT_WIDTH: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The stream that an answer is written to, as far as its looks depend on it.

    Attributes:
        is_terminal: Whether people read it as it comes.
        width: The cells of a line.
        has_colors: Whether colours are wanted there.
        has_blocks: Whether its encoding has the blocks of a bar.
    """

    is_terminal: bool = False
    width: int = _DEFAULT_WIDTH
    has_colors: bool = False
    has_blocks: bool = True

    @classmethod
    def of_stdout(cls) -> Self:
        """Return the destination of this process's stdout."""
        is_terminal = sys.stdout.isatty()
        dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
        return cls(
            is_terminal=is_terminal,
            width=_terminal_width() if is_terminal else _DEFAULT_WIDTH,
            has_colors=is_terminal and not dumb and not os.environ.get("NO_COLOR"),
            has_blocks=_encodes(BLOCKS, sys.stdout.encoding),
        )

    def styled(self, text: str, *, color: str | None = None, bold: bool = False) -> str:
        """Return text in a colour, or unchanged where none are wanted."""
        return click.style(text, fg=color, bold=bold or None) if self.has_colors else text

    def line(self, text: Text) -> str:
        """Return a line of a table, in its colours where they are wanted."""
        shown = text.plain.rstrip()
        if not self.has_colors:
            return shown
        spans = [*text.spans, *([Span(0, len(shown), text.style)] if text.style else [])]
        # From the right, so that the places of the others stay.
        for span in sorted(spans, reverse=True):
            words = str(span.style).split()
            colors = [name for name in words if name not in ("bold", "dim")]
            part = click.style(
                shown[span.start : span.end],
                fg=colors[0] if colors else None,
                bold="bold" in words or None,
                dim="dim" in words or None,
            )
            shown = f"{shown[: span.start]}{part}{shown[span.end :]}"
        return shown


def _terminal_width() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _DEFAULT_WIDTH
    except OSError:
        return _DEFAULT_WIDTH


def _encodes(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
