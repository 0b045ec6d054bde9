"""Redaction on receipt: a machine with an older release must not bring a credential in.

What holds none stays byte for byte as it was sent.
"""

from __future__ import annotations

from uniqc_mcp.safety.json_text import redacted_json
from uniqc_mcp.safety.redaction import redacted_text


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

    def json(self, text: str) -> str:
        """Return stored JSON without credentials; text that is not JSON is redacted as text."""
        return redacted_json(text).text if text else text
