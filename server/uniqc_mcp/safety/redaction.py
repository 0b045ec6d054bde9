"""Text and JSON values made safe to show to a language model.

uniqc writes a platform's raw exception into a record, and whatever its user put into the
metadata. Both may hold credentials, invisible characters, or far too much text. The order is
fixed. Invisible characters go first, because one could split a name from its secret. Credentials
are redacted next. Cutting comes last, because half a secret is no longer recognized.

Nothing here raises, and the time taken grows linearly with what is read. A secret without a known
format and without a name beside it cannot be told from a task id, and stays. E-mail addresses and
paths stay too: they are the user's own, and often what a platform's error is about.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from uniqc_mcp.safety.cuts import Place, cut_text
from uniqc_mcp.safety.unicode import MARKER, strip_invisible
from uniqc_store import JsonValue

MAX_DEPTH: Final = 20
"""Levels of nested dicts and lists that are shown."""

_MAX_PATHS: Final = 50
_MAX_PATH: Final = 200
# Characters of a text that are read: a constant, as redaction may make a text shorter, and a
# multiple of its limit. Redaction takes a second for about a million characters with names in them.
_LOOKAHEAD: Final = 4_000
_READ_FOR_EACH_SHOWN: Final = 3
# Longest credential that `redact_text` may fail to recognize when its end was not read: userinfo.
_MAX_UNRECOGNIZED: Final = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits on how much of a value is shown; ``None`` is no limit.

    Attributes:
        text: Characters of one string.
        name: Characters of one key.
        characters: Characters of all strings and keys together. A string for which none are left
            keeps a stub of 40.
        entries: Entries of all dicts and lists together.
        clean: Whether invisible characters are stripped from strings without a credential. False
            is for JSON output, which escapes them.
    """

    text: int | None = 2_000
    name: int | None = 120
    characters: int | None = 20_000
    entries: int | None = 200
    clean: bool = True


METADATA: Final = Budget()
"""The budget of a task's metadata."""

WHOLE: Final = Budget(text=None, name=None, characters=None, entries=None, clean=False)
"""The budget of a whole result: redacted, and otherwise unchanged."""


@dataclass(frozen=True, slots=True)
class SafeText:
    """Text to show.

    Attributes:
        text: The sanitized text.
        hidden: Whether a credential was redacted in it.
    """

    text: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class SafeValue:
    """A JSON value to show.

    Attributes:
        value: The sanitized value.
        hidden: The paths of redacted entries, such as ``metadata.list[0].auth``. Of more than
            fifty paths, the last entry says how many are left out.
    """

    value: JsonValue
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RedactedText:
    """A text that is safe to show, as much of it as was read.

    Attributes:
        text: The sanitized text.
        hidden: Whether a credential was redacted in it.
        unseen: Characters that follow and were not read.
    """

    text: str
    hidden: bool
    unseen: int


def redacted_text(
    text: str, *, read: int | None, multiline: bool = False, clean: bool = True
) -> RedactedText:
    """Return a text without invisible characters and credentials, of any length.

    Args:
        text: Any string.
        read: The longest text that is read whole; of a longer one the beginning is read. None for
            no limit.
        multiline: Keep line breaks and tabs.
        clean: See `Budget`.
    """
    from uniqc_mcp.safety import credentials  # noqa: PLC0415 - 0.007 s of every start

    beginning = text if read is None else text[:read]
    cleaned = strip_invisible(beginning, multiline=multiline)
    shown = credentials.redact_text(cleaned)
    hidden = shown != cleaned
    shown = shown if clean or hidden else beginning
    unseen = len(text) - len(beginning)
    if unseen:
        # What was read may end within a secret, which was then not recognized.
        unseen += min(_MAX_UNRECOGNIZED, len(shown))
        shown = shown[:-_MAX_UNRECOGNIZED]
    return RedactedText(shown, hidden, unseen)


def safe_text(
    text: str,
    *,
    limit: int | None = 2_000,
    multiline: bool = False,
    clean: bool = True,
    cut_at: Place = "middle",
) -> SafeText:
    """Return a text without invisible characters and credentials, cut to a number of characters.

    Of a text that is too long to be read whole, only the beginning is shown.

    Args:
        text: Any string.
        limit: Characters to show; None for all of them.
        multiline: Keep line breaks and tabs.
        clean: See `Budget`.
        cut_at: What a text that is too long loses: its middle, or its end.
    """
    read = None if limit is None else _LOOKAHEAD + _READ_FOR_EACH_SHOWN * limit
    safe = redacted_text(text, read=read, multiline=multiline, clean=clean)
    if limit is None:
        return SafeText(safe.text, safe.hidden)
    return SafeText(cut_text(safe.text, limit, unseen=safe.unseen, place=cut_at), safe.hidden)


# The counts of a 20-qubit result are a million entries. Their keys are bits or hexadecimal numbers,
# which cannot spell the name of a credential, so they are checked all at once.
_OUTCOME_KEYS: Final = re.compile("[0-9a-fx ]*")
_NUMBER_TYPES: Final = frozenset({int, float})

_MAX_EXACT: Final = 2**53
"""The largest integer up to which JavaScript, and so many hosts, hold each one exactly."""

_MAX_INTEGER_BITS: Final = 14_000
"""Bits of an integer that Python writes out; it refuses more than 4,300 digits."""


def safe_value(value: JsonValue, *, path: str = "", budget: Budget = METADATA) -> SafeValue:
    """Return a value without credentials and within a budget.

    The value under a credential's name is replaced by `MARKER` whole, unless it is a placeholder
    such as an empty string or a boolean. Every other string and key goes through `safe_text`; keys
    that become equal are numbered. Within a budget, integers beyond 2^53 become decimal text.
    Levels below `MAX_DEPTH` and entries beyond the budget are left out, and a text in their place
    says so.

    Args:
        value: Parsed JSON.
        path: The name of the value, with which the paths of redacted entries begin.
        budget: How much of the value is shown.
    """
    walk = _Walk(budget, budget.entries, budget.characters)
    shown = walk.show(value, path, 0)
    paths = list(dict.fromkeys(walk.hidden))
    more = len(paths) - _MAX_PATHS
    return SafeValue(shown, (*paths[:_MAX_PATHS], *([f"… [+{more:,} paths]"] if more > 0 else ())))


def _exact(value: JsonValue) -> JsonValue:
    """Return an integer that JavaScript would round as decimal text; any other value as it is."""
    if type(value) is int and abs(value) > _MAX_EXACT and value.bit_length() < _MAX_INTEGER_BITS:
        return str(value)
    return value


@dataclass(slots=True)
class _Walk:
    """A pass over a value, with the rest of its budget and the paths redacted so far."""

    budget: Budget
    entries: int | None
    characters: int | None
    hidden: list[str] = field(default_factory=list[str])

    def show(self, value: JsonValue, path: str, depth: int) -> JsonValue:
        if isinstance(value, str):
            return self._text(value, self.budget.text, path)
        if isinstance(value, dict | list) and value and depth == MAX_DEPTH:
            return f"… [deeper than {MAX_DEPTH} levels]"
        if isinstance(value, dict):
            return self._dict(value, path, depth)
        if isinstance(value, list):
            return self._list(value, path, depth)
        return value if self.budget.entries is None else _exact(value)

    def _list(self, items: list[JsonValue], path: str, depth: int) -> list[JsonValue]:
        if self.entries is None and _NUMBER_TYPES.issuperset(map(type, items)):
            return items
        shown: list[JsonValue] = []
        for index, item in enumerate(items):
            if not self._take_entry():
                return [*shown, f"… {_missing(len(items) - index)}"]
            shown.append(self.show(item, f"{path}[{index}]", depth + 1))
        return shown

    def _dict(self, members: dict[str, JsonValue], path: str, depth: int) -> dict[str, JsonValue]:
        from uniqc_mcp.safety import (  # noqa: PLC0415 - 0.007 s of every start
            credential_names,
            credentials,
        )

        numeric = self.entries is None and _NUMBER_TYPES.issuperset(map(type, members.values()))
        if numeric and _OUTCOME_KEYS.fullmatch("".join(members)):
            return members
        # A header or an environment variable: {"name": "token", "value": "…"}.
        labels = (members.get("name"), members.get("key"))
        named_beside = any(
            isinstance(label, str) and credential_names.names_credential(label) for label in labels
        )
        shown: dict[str, JsonValue] = {}
        for name, value in members.items():
            if not self._take_entry():
                more = len(members) - len(shown)
                return shown | {_unique_key("…", shown): _missing(more)}
            key = self._text(name, self.budget.name, path or "…", cut_at="end")
            key = _unique_key(key, shown)
            entry_path = f"{path}.{key}" if path else key
            if len(entry_path) > _MAX_PATH:
                entry_path = f"{entry_path[: _MAX_PATH - 1]}…"
            # The name as it is shown, but not cut: sanitizing the result again changes nothing.
            plain = credentials.redact_text(strip_invisible(name))
            secret = credential_names.names_credential(plain) or (named_beside and plain == "value")
            if secret and not credential_names.is_placeholder(plain, value):
                self.hidden.append(entry_path)
                shown[key] = MARKER
            else:
                shown[key] = self.show(value, entry_path, depth + 1)
        return shown

    def _text(self, text: str, limit: int | None, path: str, *, cut_at: Place = "middle") -> str:
        if self.characters is not None:
            left = max(self.characters, 40)
            limit = left if limit is None else min(limit, left)
        safe = safe_text(text, limit=limit, multiline=True, clean=self.budget.clean, cut_at=cut_at)
        if safe.hidden:
            self.hidden.append(path)
        if self.characters is not None:
            self.characters -= len(safe.text)
        return safe.text

    def _take_entry(self) -> bool:
        if self.entries is not None:
            self.entries -= 1
        return self.entries is None or self.entries >= 0


def _missing(entries: int) -> str:
    return f"[+{entries:,} {'entry' if entries == 1 else 'entries'}]"


def _unique_key(key: str, taken: dict[str, JsonValue]) -> str:
    while key in taken:
        key = f"{key} ({len(taken) + 1})"
    return key
