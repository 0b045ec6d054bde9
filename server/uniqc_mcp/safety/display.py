"""Text inside a sentence: quoted, bounded, and without the user's home directory."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Final

from uniqc_mcp.safety.redaction import safe_text

if TYPE_CHECKING:
    from pathlib import Path

MAX_ECHO: Final = 80
"""Characters of a caller's or a record's text that an error repeats."""

# A word, or the bits of several registers.
_ONE_WORD: Final = re.compile(r"[\w.:@/+=#\[\]-]+|[01]+(?: [01]+)+")


def quoted(text: object) -> str:
    """Return text from a caller or a record safe to repeat: redacted, bounded, in quotes."""
    try:
        shown = str(text)
    except ValueError:  # an integer of more digits than Python writes out
        shown = "a number beyond bounds"
    return in_quotes(safe_text(shown, limit=MAX_ECHO, cut_at="end").text)


def in_quotes(text: str) -> str:
    """Return sanitized text as a JSON string, so that a reader sees where it ends."""
    return json.dumps(text, ensure_ascii=False)


def word(text: str) -> str:
    """Return one word, or bits, unchanged; return any other text in quotes."""
    return text if _ONE_WORD.fullmatch(text) else in_quotes(text)


def tilde(path: Path) -> str:
    """Return a path with the home directory as ``~``, so that it does not name the user."""
    home = os.path.expanduser("~")  # noqa: PTH111 - takes a fifth of the time of Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def without_home(text: str) -> str:
    """Return a text with the home directory as ``~`` in each path."""
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises for a user without a home
    return re.sub(rf"(?<![\w./-]){re.escape(home)}(?=[/\\])", "~", text)
