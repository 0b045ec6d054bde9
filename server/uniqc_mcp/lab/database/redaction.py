"""Redaction on receipt: a machine with an older release must not bring a credential in.

What holds none stays byte for byte as it was sent.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from uniqc_mcp.safety.redaction import WHOLE, redacted_text, safe_value
from uniqc_store import parse_json

if TYPE_CHECKING:
    from uniqc_store import JsonValue


class Redaction:
    """The redaction of one message. Labels and statuses repeat, so each text is read once.

    Attributes:
        seen: Texts as they were found, and as they are kept. They are as sent, so this must not
            outlive the message.
    """

    _MAX_SEEN_CHARACTERS = 200

    def __init__(self) -> None:
        """Begin a message."""
        self._seen: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Return a text without credentials."""
        kept = self._seen.get(text)
        if kept is None:
            safe = redacted_text(text, read=None, multiline=True, clean=False)
            kept = safe.text if safe.hidden else text
            if len(text) <= self._MAX_SEEN_CHARACTERS:
                self._seen[text] = kept
        return kept

    def json(self, text: str, *, field: str) -> str:
        """Return stored JSON without credentials; text that is not JSON is redacted as text.

        Raises:
            ValueError: It can't be redacted.
        """
        if not text:
            return text
        try:
            value, repeats = _parsed(text)
        except ValueError:
            return self.text(text)
        try:
            safe = safe_value(value, path=field, budget=WHOLE)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        # A repeated key hides the value before it from the parser, so the text can't be kept.
        return json.dumps(safe.value, ensure_ascii=False) if safe.hidden or repeats else text


def _parsed(text: str) -> tuple[JsonValue, bool]:
    """Return the value of JSON, and whether an object of it repeats a key."""
    value = parse_json(text)
    repeats = False

    def note(pairs: list[tuple[str, JsonValue]]) -> None:
        nonlocal repeats
        repeats = repeats or len(dict(pairs)) < len(pairs)

    json.loads(text, object_pairs_hook=note)
    return value, repeats
