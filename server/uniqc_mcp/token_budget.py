"""How much of a model's context something takes, told without a tokenizer.

No answer may take more than ``ANSWER`` tokens, whatever the record holds. Each part of an answer
has a share of that. A part that would take more is cut where it can be said what is missing.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

ANSWER: Final = 20_000
"""Tokens that an answer may take, its text and its structured content together."""

_LETTERS_OR_DIGITS: Final = re.compile("[a-z]+|[0-9]+")
_ESCAPED: Final = ('"', "\\", "\n", "\t")


def max_tokens_of(text: str) -> int:
    """At most so many tokens does a text take inside JSON; of prose, some three times too many.

    The vocabularies of today's models are made of bytes: nothing takes more tokens than it has
    bytes in UTF-8, and emoji, rare characters and punctuation in disorder do take that many. Of
    letters, nearly every pair is a token, and so is every group of three digits.
    """
    size = bytes_in_json(text)
    saved = 0
    for run in _LETTERS_OR_DIGITS.findall(text):
        saved += len(run) // 3 if run[0] > "9" else len(run) - -(-len(run) // 3)
    return size - saved


def bytes_in_json(text: str) -> int:
    """Bytes that a text takes inside JSON, which is never less than tokens, and told sooner."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return size + sum(map(text.count, _ESCAPED))


def how_many_fit(sizes: Iterable[int], tokens: int) -> int:
    """How many of these, from the first on, take no more than so many tokens together."""
    return sum(size <= tokens for size in accumulate(sizes))


def truncate(text: str, tokens: int) -> str:
    """The first of a text, in at most so many characters and tokens."""
    shown = text[:tokens]
    while (size := max_tokens_of(shown)) > tokens:
        shown = shown[: min(len(shown) - 1, len(shown) * tokens // size)]
    return shown
