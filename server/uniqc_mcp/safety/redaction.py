"""What must not leave the machine, and text made safe to show to a language model.

uniqc writes a platform's raw exception into a record, and whatever its user put into the
metadata. Both may hold credentials, characters that nobody sees, or far too much. The order
is fixed: clean, so that an invisible character cannot split a name from its secret; redact;
and only then cut, so that no cut leaves half a secret that nothing recognises any more.

Nothing here raises, and work grows linearly with what is read. A secret without a known shape
and without a name beside it cannot be told from a task id, and stays. So do e-mail addresses and
paths: they are the user's own, and often what the platform complains about.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from uniqc_mcp.safety.unicode import MARKER, strip_invisible
from uniqc_store import JsonValue

# `credentials` is imported where it is used: its patterns take a hundredth of a second to compile,
# and nothing is redacted before somebody asks.

MAX_DEPTH: Final = 20
_MAX_PATHS: Final = 50
_MAX_PATH: Final = 200
# How far a text is read beyond what may be shown: what is hidden takes less room than it did.
_BEYOND: Final = 4_000
# At most this much of a secret is seen before `redact_text` knows it: the userinfo of a URL.
_UNSURE: Final = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much of a value is shown. ``None`` is no limit.

    ``text`` and ``name`` bound one string and one key, ``characters`` all of them together,
    ``entries`` those of all dicts and lists. A string for which no characters are left keeps a
    stub of 40. Without ``clean``, a string that holds no credential stays as it is, invisible
    characters included: for JSON that escapes them.
    """

    text: int | None = 2_000
    name: int | None = 120
    characters: int | None = 20_000
    entries: int | None = 200
    clean: bool = True


METADATA: Final = Budget()
WHOLE: Final = Budget(text=None, name=None, characters=None, entries=None, clean=False)


@dataclass(frozen=True, slots=True)
class SafeText:
    """Text to show, and whether a credential was taken out of it."""

    text: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class SafeValue:
    """A value to show, and the paths (``metadata.list[0].auth``) of what it hides.

    Of more than fifty paths, the last says how many are left out.
    """

    value: JsonValue
    hidden: tuple[str, ...]


def cut_text(text: str, limit: int, *, unseen: int = 0) -> str:
    """At most *limit* characters of *text*, the last of which say how many are missing.

    *unseen* is how many there were beyond those in *text*.
    """
    if len(text) <= limit and not unseen:
        return text
    whole = len(text) + unseen
    keep = min(len(text), max(limit - len(f"… [+{whole:,} characters]"), 0))
    # A marker is shown whole or not at all.
    marker = text.find(MARKER, max(keep - len(MARKER) + 1, 0), keep + len(MARKER) - 1)
    keep = marker if 0 <= marker < keep else keep
    return f"{text[:keep]}… [+{whole - keep:,} characters]"[: max(limit, 0)]


def safe_text(
    text: str, *, limit: int | None = 2_000, multiline: bool = False, clean: bool = True
) -> SafeText:
    """*text* cleaned, redacted, then cut to *limit* characters. *clean*: see `Budget`."""
    from uniqc_mcp.safety.credentials import redact_text  # noqa: PLC0415 - see above

    seen = text if limit is None else text[: limit + _BEYOND]
    cleaned = strip_invisible(seen, multiline=multiline)
    shown = redact_text(cleaned)
    hidden = shown != cleaned
    shown = shown if clean or hidden else seen
    unseen = len(text) - len(seen)
    if unseen:
        # The end of what was read may be the beginning of a secret: not recognised, not shown.
        unseen, shown = unseen + min(_UNSURE, len(shown)), shown[:-_UNSURE]
    return SafeText(shown if limit is None else cut_text(shown, limit, unseen=unseen), hidden)


# The counts of a 20-qubit result are a million entries. Bitstrings and hexadecimal outcomes,
# however many are joined, spell none of the words above.
_OUTCOMES: Final = re.compile("[0-9a-fx ]*")
_NUMBERS: Final = frozenset({int, float})


def safe_value(value: JsonValue, *, path: str = "", budget: Budget = METADATA) -> SafeValue:
    """*value* without credentials, within *budget*, and where in it something was hidden.

    What a credential's name holds is hidden whole, unless it is empty, a boolean or says
    nothing; every other string goes through `safe_text`. Keys stay, also two that become equal.
    Numbers are never changed. What lies deeper than `MAX_DEPTH` levels is left out and said to be.
    """
    walk = _Walk(budget, budget.entries, budget.characters)
    shown = walk.show(value, path, 0)
    paths = list(dict.fromkeys(walk.hidden))
    more = len(paths) - _MAX_PATHS
    return SafeValue(shown, (*paths[:_MAX_PATHS], *([f"… [+{more:,} paths]"] if more > 0 else ())))


@dataclass(slots=True)
class _Walk:
    """One pass over a value: what is left of the budget, and what was hidden so far."""

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
        return self._list(value, path, depth) if isinstance(value, list) else value

    def _list(self, items: list[JsonValue], path: str, depth: int) -> list[JsonValue]:
        if self.entries is None and _NUMBERS.issuperset(map(type, items)):
            return items
        shown: list[JsonValue] = []
        for index, item in enumerate(items):
            if not self._has_entry():
                return [*shown, f"… [+{len(items) - index:,} entries]"]
            shown.append(self.show(item, f"{path}[{index}]", depth + 1))
        return shown

    def _dict(self, members: dict[str, JsonValue], path: str, depth: int) -> dict[str, JsonValue]:
        from uniqc_mcp.safety.credentials import (  # noqa: PLC0415 - see above
            names_credential,
            redact_text,
            says_nothing,
        )

        numeric = self.entries is None and _NUMBERS.issuperset(map(type, members.values()))
        if numeric and _OUTCOMES.fullmatch("".join(members)):
            return members
        # A header or variable as {"name": "token", "value": "…"}.
        labels = (members.get("name"), members.get("key"))
        labelled = any(isinstance(label, str) and names_credential(label) for label in labels)
        shown: dict[str, JsonValue] = {}
        for name, value in members.items():
            if not self._has_entry():
                return shown | {_free("…", shown): f"[+{len(members) - len(shown):,} entries]"}
            key = _free(self._text(name, self.budget.name, path or "…"), shown)
            where = f"{path}.{key}" if path else key
            where = where if len(where) <= _MAX_PATH else f"{where[: _MAX_PATH - 1]}…"
            # By the name as it is shown, only whole: a second pass judges no differently.
            meant = redact_text(strip_invisible(name))
            secret = names_credential(meant) or (labelled and meant == "value")
            if secret and not says_nothing(meant, value):
                self.hidden.append(where)
                shown[key] = MARKER
            else:
                shown[key] = self.show(value, where, depth + 1)
        return shown

    def _text(self, text: str, limit: int | None, path: str) -> str:
        if self.characters is not None:
            left = max(self.characters, 40)
            limit = left if limit is None else min(limit, left)
        safe = safe_text(text, limit=limit, multiline=True, clean=self.budget.clean)
        if safe.hidden:
            self.hidden.append(path)
        if self.characters is not None:
            self.characters -= len(safe.text)
        return safe.text

    def _has_entry(self) -> bool:
        if self.entries is not None:
            self.entries -= 1
        return self.entries is None or self.entries >= 0


def _free(key: str, taken: dict[str, JsonValue]) -> str:
    while key in taken:
        key = f"{key} ({len(taken) + 1})"
    return key
