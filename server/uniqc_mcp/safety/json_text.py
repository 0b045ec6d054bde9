"""JSON as text: without credentials, or showing every character, for strict readers too."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from uniqc_mcp.safety.redaction import WHOLE, redacted_text, safe_value
from uniqc_mcp.safety.unicode import UNSEEN

if TYPE_CHECKING:
    from uniqc_store import JsonValue

# A string, or a constant that Python writes and JSON does not have.
_STRING_OR_CONSTANT: Final = re.compile(r'"(?>(?:[^"\\]++|\\.)*)"|-?Infinity|NaN', re.DOTALL)
_CONSTANTS: Final = ("NaN", "Infinity")


@dataclass(frozen=True, slots=True)
class RedactedJson:
    """JSON without credentials.

    Attributes:
        text: The JSON, or text that is none, redacted as text.
        value: Its value; None for text that is no JSON.
    """

    text: str
    value: JsonValue


def redacted_json(text: str) -> RedactedJson:
    """Return JSON without credentials; text that is no JSON, such as one cut off, without them too.

    Levels that are too deep to be redacted are left out.
    """
    repeats: list[bool] = []

    def to_dict(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        members = dict(pairs)
        if len(members) != len(pairs):
            repeats.append(True)
        return members

    try:
        value: JsonValue = json.loads(text, object_pairs_hook=to_dict)
    except (ValueError, RecursionError):
        safe = redacted_text(text, read=None, multiline=True, clean=False)
        return RedactedJson(safe.text, None)
    shown = safe_value(value, budget=WHOLE).value
    # Of a repeated key only the last value was looked at, so the text itself may hold more.
    if shown == value and not repeats:
        return RedactedJson(text, shown)
    return RedactedJson(_dumped(shown, ascii_only=text.isascii()), shown)


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


def _dumped(value: JsonValue, *, ascii_only: bool) -> str:
    dumped = json.dumps(value, ensure_ascii=ascii_only)
    try:
        dumped.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON escapes
        return json.dumps(value)
    return dumped
