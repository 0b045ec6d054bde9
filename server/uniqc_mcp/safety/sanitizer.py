"""The sanitizer of one answer: makes its texts safe to show and notes what was redacted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from uniqc_mcp.safety.cuts import cut_to_tokens
from uniqc_mcp.safety.redaction import METADATA, redacted_text, safe_value
from uniqc_mcp.token_budget import MAX_BYTES_PER_ASCII, fits, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uniqc_mcp.safety.cuts import Place
    from uniqc_mcp.safety.redaction import Budget
    from uniqc_store import JsonValue

FIELD_LIMITS: Final[Mapping[str, int]] = {
    "archived_at": 60,
    "backend": 120,
    "circuit_language": 60,
    "error": 2_000,
    "machine": 60,
    "name": 120,
    "owner": 120,
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

_CUT_AT_END: Final = frozenset(
    {
        "archived_at",
        "backend",
        "circuit_language",
        "machine",
        "platform_task_id",
        "status",
        "task_id",
    }
)
"""Fields that are asked for by how they begin; all others are cut in the middle."""

_READ_FOR_EACH_SHOWN: Final = 100
"""Characters of a text that are read for each that is shown; of a longer one the end is not shown.

The error of one task is read up to 200,000 characters, in a list up to 20,000.
"""

_MAX_REDACTED_FIELDS_TOKENS: Final = 400


class Sanitizer:
    """The way of every text of a record into one answer. Make a new one for each answer."""

    def __init__(self) -> None:
        """Begin an answer in which nothing is redacted yet."""
        from uniqc_mcp.safety.credentials import (  # noqa: PLC0415 - 0.007 s of every start
            may_hold_credential,
        )

        self._may_hold_credential = may_hold_credential
        self._redacted: dict[str, None] = {}
        # Unredacted, so it must not outlive the answer. Pages repeat labels and names.
        self._plain_texts: set[str] = set()

    @property
    def redacted_fields(self) -> list[str]:
        """The fields in which a credential was redacted, in at most 400 tokens.

        Where there are more, the last entry says so.
        """
        shown: list[str] = []
        left = _MAX_REDACTED_FIELDS_TOKENS
        for field in self._redacted:
            left -= max_tokens_of(field)
            if left < 0:
                return [*shown, "… and more"]
            shown.append(field)
        return shown

    def one_line(self, field: str, text: str, *, limit: int | None = None) -> str:
        """Return a text of a record on one line, safe to show, within the limit of its field.

        Args:
            field: What the text is, as `redacted_fields` names it.
            text: The text as it is recorded.
            limit: Characters and tokens at most, where they are not those of `FIELD_LIMITS`.

        Raises:
            KeyError: No limit is given and the field has none.
        """
        limit = FIELD_LIMITS[field] if limit is None else limit
        short = MAX_BYTES_PER_ASCII * len(text) <= limit
        if short and (text in self._plain_texts or self._is_plain(text)):
            return text
        return self._safe_text(field, text, limit, multiline=False)

    def multiline(self, field: str, text: str, *, limit: int | None = None) -> str:
        """Return a text as :meth:`one_line` does, but with its line breaks and tabs."""
        limit = FIELD_LIMITS[field] if limit is None else limit
        return self._safe_text(field, text, limit, multiline=True)

    def value(self, field: str, value: JsonValue, *, budget: Budget = METADATA) -> JsonValue:
        """Return a JSON value of any depth, safe to show and within a budget."""
        safe = safe_value(value, path=field, budget=budget)
        self._redacted.update(dict.fromkeys(safe.hidden))
        return safe.value

    def json_within(self, field: str, value: JsonValue, *, tokens: int) -> JsonValue:
        """Return a JSON value of any depth, safe to show, with as much of it as the tokens allow.

        The number of entries and characters is halved until the rest fits.
        """
        budget = METADATA
        while True:
            safe = safe_value(value, path=field, budget=budget)
            entries, characters = budget.entries or 0, budget.characters or 0
            if entries <= 1 or fits(json.dumps(safe.value, ensure_ascii=False), tokens):
                self._redacted.update(dict.fromkeys(safe.hidden))
                return safe.value
            budget = replace(budget, entries=entries // 2, characters=characters // 2)

    def _safe_text(self, field: str, text: str, limit: int, *, multiline: bool) -> str:
        safe = redacted_text(text, read=_READ_FOR_EACH_SHOWN * limit, multiline=multiline)
        if safe.hidden:
            self._redacted[field] = None
        place: Place = "end" if field in _CUT_AT_END else "middle"
        return cut_to_tokens(safe.text, limit, unseen=safe.unseen, place=place)

    def _is_plain(self, text: str) -> bool:
        """Return whether a short text is shown unchanged, and remember it if so.

        It is if it is printable ASCII without a credential, as nearly every text of a list is.
        Without this shortcut a page of 50 finished tasks takes 1.27 times as many instructions,
        by ``valgrind --tool=cachegrind --cache-sim=no``.
        """
        if not (text.isascii() and text.isprintable()) or self._may_hold_credential(text):
            return False
        self._plain_texts.add(text)
        return True
