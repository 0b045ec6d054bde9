"""Numbers in a form that every client reads exactly."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import WithJsonSchema

_MAX_EXACT: Final = 2**53


def exact_integer(number: int) -> int | str:
    """Return an integer, as decimal text where JavaScript would round it."""
    return number if abs(number) <= _MAX_EXACT else str(number)


# PYI041: mypy does not take an int for a float where it is asked if it is one.
def exact_number(number: int | float | None) -> int | float | str | None:  # noqa: PYI041
    """Return an integer as :func:`exact_integer` does; a fraction, or none, as it is."""
    return exact_integer(number) if isinstance(number, int) else number


ExactInteger = Annotated[int | str, WithJsonSchema({"type": "integer"})]
"""An integer, or its decimal text where JavaScript would round it, as no schema need say."""
