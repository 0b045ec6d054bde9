"""One answer's free text on its way out: made fit to show, and what was hidden taken down."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from uniqc_mcp.safety.redaction import METADATA, safe_text, safe_value
from uniqc_mcp.token_budget import bytes_in_json, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uniqc_mcp.safety.redaction import Budget, SafeText
    from uniqc_store import JsonValue

FIELD_LIMITS: Final[Mapping[str, int]] = {
    "archived_at": 60,
    "backend": 120,
    "circuit_language": 60,
    "error": 2_000,
    "name": 120,
    "platform_task_id": 256,
    "result": 200,
    "result.error": 500,
    "shards.error": 500,
    "status": 60,
    "task_id": 256,
    "tasks.error": 200,
}
"""Characters, and as many tokens, that an answer shows of a text, by the name of its field.

``error`` is the error of one task, ``tasks.error`` that of a task in a list, ``shards.error`` that
of a platform job; ``result`` is the bits of one outcome.
"""

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

    def one_line(self, field: str, text: str, *, limit: int | None = None) -> str:
        """Return a text of a record on one line, safe to show, within the limit of its field.

        Args:
            field: What the text is, as ``redacted_fields`` names it.
            text: The text as it is recorded.
            limit: Characters and tokens at most, where they are not those of ``FIELD_LIMITS``.

        Raises:
            KeyError: No limit is given and the field has none.
        """
        return self._text(field, text, limit, multiline=False)

    def multiline(self, field: str, text: str, *, limit: int | None = None) -> str:
        """Return a text as :meth:`one_line` does, with its line breaks and tabs."""
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

    def _text(self, field: str, text: str, limit: int | None, *, multiline: bool) -> str:
        limit = FIELD_LIMITS[field] if limit is None else limit
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
