"""One answer's free text on its way out: made fit to show, and what was hidden taken down."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from uniqc_mcp.safety.redaction import METADATA, safe_text, safe_value
from uniqc_mcp.token_budget import bytes_in_json, max_tokens_of

if TYPE_CHECKING:
    from uniqc_mcp.safety.redaction import Budget, SafeText
    from uniqc_store import JsonValue

_MAX_HIDDEN = 400
_SHORT = 200


class Sanitizer:
    """What every text of a record goes through; ``hidden`` names the fields it hid things in."""

    def __init__(self) -> None:
        self._hidden: dict[str, None] = {}

    @property
    def redacted_fields(self) -> list[str]:
        """The fields, as far as ``_MAX_HIDDEN`` tokens go, then that there are more."""
        shown: list[str] = []
        left = _MAX_HIDDEN
        for field in self._hidden:
            left -= max_tokens_of(field)
            if left < 0:
                return [*shown, "… and more"]
            shown.append(field)
        return shown

    def one_line(self, field: str, text: str, *, limit: int = 200) -> str:
        """On one line, in at most `limit` characters and as many tokens."""
        return self._text(field, text, limit, multiline=False)

    def multiline(self, field: str, text: str, *, limit: int = 2_000) -> str:
        """With its line breaks."""
        return self._text(field, text, limit, multiline=True)

    def value(self, field: str, value: JsonValue, *, budget: Budget = METADATA) -> JsonValue:
        """A value of any depth."""
        safe = safe_value(value, path=field, budget=budget)
        self._hidden.update(dict.fromkeys(safe.hidden))
        return safe.value

    def json_within(self, field: str, value: JsonValue, *, tokens: int) -> JsonValue:
        """A value of any depth, with fewer of its entries and texts until it has room."""
        budget = METADATA
        while True:
            safe = safe_value(value, path=field, budget=budget)
            entries, characters = budget.entries or 0, budget.characters or 0
            said = json.dumps(safe.value, ensure_ascii=False)
            if entries <= 1 or max_tokens_of(said) <= tokens:
                self._hidden.update(dict.fromkeys(safe.hidden))
                return safe.value
            budget = replace(budget, entries=entries // 2, characters=characters // 2)

    def _text(self, field: str, text: str, limit: int, *, multiline: bool) -> str:
        if not text:
            return text
        screened = _screened_before if len(text) <= _SHORT else _screened
        safe = screened(text, limit, multiline)
        if safe.hidden:
            self._hidden[field] = None
        return safe.text


def _screened(text: str, limit: int, multiline: bool) -> SafeText:  # noqa: FBT001 - by position
    safe, most = safe_text(text, limit=limit, multiline=multiline), limit
    # Nearly every text is far shorter than it may be, however many tokens it takes.
    fits = bytes_in_json(safe.text) <= limit
    while not fits and most > 1 and (size := max_tokens_of(safe.text)) > limit:
        most = min(most - 1, len(safe.text) * limit // size)
        safe = safe_text(text, limit=most, multiline=multiline)
    return safe


# The same ids, names and labels are shown again and again.
_screened_before = lru_cache(maxsize=4_096)(_screened)
