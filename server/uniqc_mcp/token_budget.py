"""Bounds on how much of a model's context a text takes, without a tokenizer.

No answer may take more than `ANSWER` tokens, whatever the record holds. Each part of an answer has
a share of that. A part that would take more is cut where the answer can say what is missing.
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

MAX_BYTES_PER_ASCII: Final = 2
"""The most bytes of an ASCII character inside JSON, where some are escaped."""

_MAX_BYTES_PER_CHARACTER: Final = 4


def max_tokens_of(text: str) -> int:
    """Return an upper bound of the tokens that a text takes inside JSON.

    The vocabularies of today's models consist of byte sequences, so a text never takes more tokens
    than its UTF-8 bytes. Emoji, rare characters and unusual punctuation do take that many. Among
    letters, nearly every pair is a token, and so is every group of three digits. For prose the
    bound is about three times the real number.
    """
    size = bytes_in_json(text)
    saved = 0
    for run in _LETTERS_OR_DIGITS.findall(text):
        saved += len(run) // 3 if run[0] > "9" else len(run) - -(-len(run) // 3)
    return size - saved


def bytes_in_json(text: str) -> int:
    """Return the UTF-8 bytes of a text inside JSON: a bound looser than its tokens, but cheaper."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return size + sum(map(text.count, _ESCAPED))


def fits(text: str, tokens: int) -> bool:
    """Return whether `max_tokens_of` a text is at most so many tokens."""
    # The cheapest bound that decides: most texts are far shorter than their limits.
    return (
        _MAX_BYTES_PER_CHARACTER * len(text) <= tokens
        or bytes_in_json(text) <= tokens
        or max_tokens_of(text) <= tokens
    )


def how_many_fit(sizes: Iterable[int], tokens: int) -> int:
    """Return how many of these sizes, from the first on, add up to at most so many tokens."""
    return sum(size <= tokens for size in accumulate(sizes))
