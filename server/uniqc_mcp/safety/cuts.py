"""The cut of a text that is longer than an answer shows, with a remark on what is missing.

A traceback ends with the reason, so a text loses its middle. An id or a label loses its end: tasks
are asked for by how these begin.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from uniqc_mcp.safety.unicode import MARKER
from uniqc_mcp.token_budget import fits, max_tokens_of

Place = Literal["middle", "end"]

_MIN_BOTH: Final = 48
"""Characters of a beginning and an end together, below which only the beginning is shown."""

_REMARK: Final = re.compile(r"… \[\+([\d,]{1,15}) characters\](?: …)?", re.ASCII)
_EMOJI_SELECTORS: Final = "\ufe0e\ufe0f"


def cut_text(text: str, limit: int, *, unseen: int = 0, place: Place = "end") -> str:
    """Return as much of a text as may be shown, with the number of characters that are missing.

    Redact before: half a credential is not recognized.

    Args:
        text: The text, or as much of it as was read.
        limit: Characters that may be shown, the remark on the missing ones included.
        unseen: Characters that follow `text` and were not read. Its end is then not shown.
        place: What is left out: the middle, or the end.
    """
    if len(text) <= limit and not unseen:
        return text
    room = limit - len(f"… [+{len(text) + unseen:,} characters] …")
    if place == "middle" and not unseen and room >= _MIN_BOTH:
        return _without_middle(text, room)
    keep = min(len(text), max(limit - len(f"… [+{len(text) + unseen:,} characters]"), 0))
    keep, _ = _around_marker(text, keep)
    missing = unseen + _characters_of(text[keep:])
    return f"{text[:keep]}… [+{missing:,} characters]"[: max(limit, 0)]


def cut_to_tokens(text: str, tokens: int, *, unseen: int = 0, place: Place = "end") -> str:
    """Return a text as :func:`cut_text` does, in at most so many characters and tokens."""
    characters = tokens
    shown = cut_text(text, characters, unseen=unseen, place=place)
    while characters > 1 and not fits(shown, tokens):
        proportional = len(shown) * tokens // max_tokens_of(shown)
        characters = min(characters - 1, proportional)
        shown = cut_text(text, characters, unseen=unseen, place=place)
    return shown


def parts_of_cut(shown: str) -> tuple[str, str]:
    """Return the beginning and the end of a text that may be cut; twice an uncut one."""
    remark = _REMARK.search(shown)
    return (shown[: remark.start()], shown[remark.end() :]) if remark else (shown, shown)


def _without_middle(text: str, room: int) -> str:
    head, _ = _around_marker(text, room // 2)
    _, tail = _around_marker(text, len(text) - (room - room // 2))
    # Without the symbol before it, a selector is invisible.
    end = text[tail:].lstrip(_EMOJI_SELECTORS)
    missing = _characters_of(text[head : len(text) - len(end)])
    return f"{text[:head]}… [+{missing:,} characters] …{end}"


def _around_marker(text: str, position: int) -> tuple[int, int]:
    """Return the start and end of the `MARKER` across a position; twice the position without one.

    Half a marker would not say that something was redacted.
    """
    start = text.find(
        MARKER, max(position - len(MARKER) + 1, 0), max(position + len(MARKER) - 1, 0)
    )
    return (start, start + len(MARKER)) if 0 <= start < position else (position, position)


def _characters_of(part: str) -> int:
    """Return the length of a part, with what is missing there where it was cut before."""
    missing = sum(
        int(remark[1].replace(",", "") or 0) - len(remark[0]) for remark in _REMARK.finditer(part)
    )
    return len(part) + missing
