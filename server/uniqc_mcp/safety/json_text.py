"""JSON as text that shows every character and that strict readers accept, with the same value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from uniqc_mcp.safety.unicode import UNSEEN

if TYPE_CHECKING:
    from uniqc_store import JsonValue

# A string, or a constant that Python writes and JSON does not have.
_STRING_OR_CONSTANT: Final = re.compile(r'"(?>(?:[^"\\]++|\\.)*)"|-?Infinity|NaN', re.DOTALL)
_CONSTANTS: Final = ("NaN", "Infinity")


def strict_json(text: str) -> str:
    r"""Return JSON with each unseen character escaped and NaN and infinity as strings.

    Inside a string, ``\u202e`` is the same value as the character itself. Everything else stays
    byte for byte, spaces and repeated keys included.
    """
    if any(constant in text for constant in _CONSTANTS):
        text = _STRING_OR_CONSTANT.sub(_quote_constant, text)
    return escape_unseen(text)


def strict_dumps(value: JsonValue) -> str:
    """Return a value as ASCII JSON, with NaN and infinity as strings."""
    return strict_json(json.dumps(value))


def escape_unseen(text: str) -> str:
    r"""Return a text with each character that is not seen as its JSON escape, such as ``\u202e``.

    Line breaks and tabs stay.
    """
    return UNSEEN.sub(lambda unseen: json.dumps(unseen[0])[1:-1], text)


def _quote_constant(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else f'"{found[0]}"'
