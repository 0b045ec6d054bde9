"""Numbers in a form that every client reads exactly."""

from __future__ import annotations

from typing import Final

_MAX_EXACT: Final = 2**53


def exact_integer(number: int) -> int | str:
    """Return an integer, as decimal text where JavaScript would round it."""
    return number if abs(number) <= _MAX_EXACT else str(number)
