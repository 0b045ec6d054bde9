"""One answer's free text on its way out: made fit to show, and what was hidden taken down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_mcp.redaction import METADATA, safe_text, safe_value

if TYPE_CHECKING:
    from uniqc_mcp.redaction import Budget
    from uniqc_store import JsonValue


class Screen:
    """What every text of a record goes through; ``hidden`` names the fields it hid things in."""

    def __init__(self) -> None:
        self._hidden: dict[str, None] = {}

    @property
    def hidden(self) -> list[str]:
        return list(self._hidden)

    def line(self, field: str, text: str, *, limit: int = 200) -> str:
        """On one line."""
        return self._text(field, text, limit, multiline=False)

    def block(self, field: str, text: str, *, limit: int = 2_000) -> str:
        """With its line breaks."""
        return self._text(field, text, limit, multiline=True)

    def value(self, field: str, value: JsonValue, *, budget: Budget = METADATA) -> JsonValue:
        """A value of any depth."""
        safe = safe_value(value, path=field, budget=budget)
        self._hidden.update(dict.fromkeys(safe.hidden))
        return safe.value

    def _text(self, field: str, text: str, limit: int, *, multiline: bool) -> str:
        safe = safe_text(text, limit=limit, multiline=multiline)
        if safe.hidden:
            self._hidden[field] = None
        return safe.text
