"""Text in terminal cells: a wide character takes two of them."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len, chop_cells, set_cell_size


def fit(text: str, width: int) -> str:
    """Return text in exactly `width` cells, ending in … if it had to be cut."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(0, width - 1)) + ("…" if width > 0 else "")


def shorten_middle(text: str, width: int) -> str:
    """Return text in exactly `width` cells, with … for its middle if it is too long.

    The beginning of a task id suffices to look the task up.
    """
    if cell_len(text) <= width or not text.isascii():
        return fit(text, width)
    head = width * 2 // 3
    tail = width - head - 1
    return f"{text[:head]}…{text[len(text) - tail :]}" if tail > 0 else fit(text, width)


def wrap(text: str, width: int) -> list[str]:
    """Return text in lines of at most `width` cells, broken between words where that is known."""
    if cell_len(text) <= width:
        return [text]
    if text.isascii():
        return textwrap.wrap(text, max(width, 1))
    return chop_cells(text, max(width, 2))
