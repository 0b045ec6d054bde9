"""Stored values made ready to leave the machine: as text, without credentials and without NUL.

It fails closed: what can't be redacted is not sent, and its field is named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from uniqc_mcp.lab.exchange import MAX_BODY_BYTES
from uniqc_mcp.safety.credentials import may_hold_credential
from uniqc_mcp.safety.json_text import redacted_json
from uniqc_mcp.safety.redaction import redacted_text
from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_mcp.safety.json_text import RedactedJson
    from uniqc_store import JsonValue, StoredValue

Redacted = TypeVar("Redacted")

_UNIQCS_TIME: Final = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[+-]\d\d:\d\d|Z)?"
)
_KNOWN_TEXTS: Final = 4_096
"""Short texts that are remembered as plain; labels and statuses repeat from task to task."""

_LONGEST_KNOWN: Final = 64


class Redactor:
    """The way of every text of a record to the server; it names what was lost on that way."""

    def __init__(self) -> None:
        """Begin with nothing noted."""
        self._plain: dict[bytes, str] = {}
        self._damaged: dict[str, None] = {}
        self._last_json: str | None = None
        self._last: RedactedJson | None = None

    def take_damaged(self) -> tuple[str, ...]:
        """Return the fields that were noted since the last call, in order."""
        damaged, self._damaged = tuple(self._damaged), {}
        return damaged

    def note(self, field: str) -> None:
        """Note a field as damaged."""
        self._damaged[field] = None

    def text(self, field: str, value: StoredValue) -> str:
        """Return a stored value as text that is safe to send; empty for NULL.

        It is noted as damaged if it is no text or no UTF-8, or has a NUL.
        """
        if type(value) is not bytearray:
            return self._redacted(field, self._readable(field, value))
        if len(value) > _LONGEST_KNOWN:
            return self._redacted(field, self._readable(field, value))
        if _UNIQCS_TIME.fullmatch(value):
            return value.decode()
        stored = bytes(value)
        known = self._plain.get(stored)
        if known is not None:
            return known
        text = self._redacted(field, self._readable(field, value))
        if text.encode() == stored:
            if len(self._plain) >= _KNOWN_TEXTS:
                self._plain.clear()
            self._plain[stored] = text
        return text

    def optional_text(self, field: str, value: StoredValue) -> str | None:
        """Return :meth:`text`, or None for NULL."""
        return None if value is None else self.text(field, value)

    def integer(self, field: str, value: StoredValue) -> int:
        """Return an integer; 0 for anything else, which is noted."""
        if isinstance(value, int):
            return value
        self.note(field)
        return 0

    def json(self, field: str, value: StoredValue) -> tuple[str | None, JsonValue]:
        """Return stored JSON without credentials, as text and as a value.

        The text is as stored where nothing was redacted. It is None where it is too large or could
        not be redacted. Text that is no JSON is redacted as text, and has no value.
        """
        if value is None:
            return "", None
        if isinstance(value, bytearray | bytes) and len(value) > MAX_BODY_BYTES:
            return None, self._name_alone(value) if field == "metadata" else None
        text = self._readable(field, value)
        # The one job of a task has the same result as the task.
        if text != self._last_json:
            self._last = self._guarded(field, lambda: redacted_json(text), None)
            # What was not sent is named for each field that has it.
            self._last_json = text if self._last is not None else None
        if self._last is None:
            return None, None
        fits = len(self._last.text.encode()) <= MAX_BODY_BYTES
        return self._last.text if fits else None, self._last.value

    def name(self, value: JsonValue) -> str:
        """Return a task's name out of metadata that were redacted already."""
        name = value.get("task_name") if isinstance(value, dict) else None
        if not isinstance(name, str):
            return ""
        if "\0" in name:
            self.note("name")
            name = name.replace("\0", "")
        return name.encode(errors="replace").decode()

    def _name_alone(self, metadata: bytearray | bytes) -> JsonValue:
        """Return metadata with nothing but the task's name, of those that stay on the machine."""
        try:
            found = parse_json(metadata.decode())
        except ValueError:
            return None
        name = found.get("task_name") if isinstance(found, dict) else None
        return {"task_name": self._redacted("name", name)} if isinstance(name, str) else {}

    def _readable(self, field: str, value: StoredValue) -> str:
        """Return a value as text that UTF-8 can encode, without NUL."""
        if isinstance(value, bytearray | bytes):
            text = value.decode(errors="replace")
            if type(value) is bytes or ("\ufffd" in text and text.encode() != value):
                self.note(field)
        else:
            self.note(field)
            text = "" if value is None else str(value)
        if "\0" in text:
            self.note(field)
            # Before redaction, as it could part a name from its secret.
            text = text.replace("\0", "")
        return text

    def _redacted(self, field: str, text: str) -> str:
        return self._guarded(field, lambda: _redacted_text(text), "")

    def _guarded(self, field: str, redact: Callable[[], Redacted], otherwise: Redacted) -> Redacted:
        """Return what a redaction returns; where it fails, a stand-in, and note the field."""
        try:
            return redact()
        except Exception:  # whatever the fault is, the unredacted text stays here
            self.note(field)
            return otherwise


def _redacted_text(text: str) -> str:
    plain = len(text) <= _LONGEST_KNOWN and text.isascii() and text.isprintable()
    if plain and not may_hold_credential(text):
        return text
    return redacted_text(text, read=None, multiline=True, clean=False).text
