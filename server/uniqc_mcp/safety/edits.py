r"""Edits of a text that can be traced back: stretches replaced, escapes resolved."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from uniqc_mcp.safety.unicode import strip_invisible

if TYPE_CHECKING:
    from collections.abc import Iterable

Span: TypeAlias = tuple[int, int]
"""The start and end of a stretch of a text."""

# JSON's escapes, surrogates in pairs, and Python's of bytes: one character of UTF-8 each.
_HEX: Final = "[0-9a-fA-F]"
_ESCAPE: Final = re.compile(
    rf"\\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}|\\u{_HEX}{{4}}"
    r"|\\x(?:[cd][0-9a-f]\\x[89ab][0-9a-f]|e[0-9a-f](?:\\x[89ab][0-9a-f]){2}"
    r"|f[0-7](?:\\x[89ab][0-9a-f]){3}|[0-9a-fA-F]{2})"
    r"""|\\["'\\/bfnrt]"""
)
_DOUBLED: Final = re.compile(r"\\{2,}")


@dataclass(frozen=True, slots=True)
class Edited:
    """A text in which stretches were replaced.

    Attributes:
        text: The text as it is now.
    """

    text: str
    _now: list[Span] = field(repr=False)
    _before: list[Span] = field(repr=False)

    @classmethod
    def of(cls, text: str, edits: Iterable[tuple[Span, str]]) -> Self:
        """Return a text with new text in some stretches of it, which are in order and disjoint."""
        pieces: list[str] = []
        now: list[Span] = []
        before: list[Span] = []
        done = length = 0
        for (start, end), new in edits:
            pieces += (text[done:start], new)
            length += start - done
            now.append((length, length + len(new)))
            before.append((start, end))
            length += len(new)
            done = end
        pieces.append(text[done:])
        return cls("".join(pieces), now, before)

    def original(self, span: Span) -> Span:
        """Return where a stretch of this text was, with all of each edit that it has a part of."""
        start, end = span
        return self._start(start), self._end(end)

    def _start(self, place: int) -> int:
        index = bisect_right(self._now, place, key=_first) - 1
        if index < 0:
            return place
        if place < self._now[index][1]:
            return self._before[index][0]
        return self._before[index][1] + place - self._now[index][1]

    def _end(self, place: int) -> int:
        index = bisect_left(self._now, place, key=_first) - 1
        if index < 0:
            return place
        return self._before[index][1] + max(0, place - self._now[index][1])


def unescaped(text: str) -> Edited:
    r"""Return a text with its escapes resolved once: ``\u0074``, ``\"``, ``\n``, ``\x74``.

    Characters that :func:`strip_invisible` removes are not in it.
    """
    return Edited.of(
        text, ((found.span(), _resolved(found[0])) for found in _ESCAPE.finditer(text))
    )


def single_backslashes(text: str) -> Edited:
    """Return a text with one backslash in place of many, as of JSON that was escaped often."""
    return Edited.of(text, ((many.span(), "\\") for many in _DOUBLED.finditer(text)))


def _first(span: Span) -> int:
    return span[0]


def _resolved(escape: str) -> str:
    if escape == r"\'":
        return "'"
    if escape.startswith(r"\x"):
        found = bytes.fromhex(escape.replace(r"\x", "")).decode(errors="replace")[:1]
    else:
        found = json.loads(f'"{escape}"')
    return strip_invisible(found, multiline=True)
