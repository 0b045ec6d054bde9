"""A document in any of the syntaxes of clients, with one entry put into it or dropped from it."""

from __future__ import annotations

import copy
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

from uniqc_mcp.cli.install.editing import json_edit, json_text
from uniqc_mcp.cli.install.editing.errors import SyntaxProblem
from uniqc_mcp.cli.install.editing.text import Text
from uniqc_mcp.cli.install.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

Syntax = Literal["json", "json with comments", "jsonc", "toml", "yaml"]
"""``jsonc`` has comments and trailing commas."""

Document = dict[str, Any]

_MAX_DEPTH: Final = 100
"""Levels of a file that is edited. The functions here call themselves for each."""

_KINDS: Final[dict[type, str]] = {type(None): "null", list: "a list", str: "a text"}
_OTHER: Final = "a single value"


class _Editor(Protocol):
    """Parsing and editing of one syntax."""

    def parse(self, text: str, /) -> Any: ...
    def put(self, text: str, keys: Sequence[str], value: Mapping[str, Any], /) -> str: ...
    def drop(self, text: str, keys: Sequence[str], /) -> str: ...


class _Json:
    """JSON, with what a client allows beyond it."""

    put = staticmethod(json_edit.put)
    drop = staticmethod(json_edit.drop)

    def __init__(self, *allowed: Callable[[str], str]) -> None:
        self._allowed = allowed

    def parse(self, text: str, /) -> Any:
        """Return the value of a text; an empty object if it is empty."""
        for without in self._allowed:
            text = without(text)
        return json_text.parse(text) if text.strip() else {}


_JSON: Final[dict[str, _Editor]] = {
    "json": _Json(),
    "json with comments": _Json(json_text.without_comments),
    "jsonc": _Json(json_text.without_comments, json_text.without_trailing_commas),
}


def _editor(syntax: Syntax) -> _Editor:
    if syntax == "toml":
        from uniqc_mcp.cli.install.editing import toml_edit  # noqa: PLC0415 - 0.05 s of each command

        return toml_edit
    if syntax == "yaml":
        from uniqc_mcp.cli.install.editing import yaml_edit  # noqa: PLC0415 - 0.1 s of each command

        return yaml_edit
    return _JSON[syntax]


def parsed(content: bytes | None, syntax: Syntax, file: Path) -> Document:
    """Return the values in the content of a file; none if there is no file, or an empty one.

    Raises:
        InstallError: It can't be parsed, by the rules of its client.
    """
    if content is None:
        return {}
    try:
        value = _editor(syntax).parse(Text.of(content).text)
    except UnicodeDecodeError as error:
        raise InstallError(
            f"{file} is not in UTF-8 (byte {error.start}), and was left alone. Save it in UTF-8."
        ) from error
    # Parsers raise ValueError for a number of 5,000 digits or a month 99, and some recurse.
    except (SyntaxProblem, ValueError, RecursionError) as error:
        raise InstallError(
            f"{file} can't be parsed as {syntax}, and was left alone. Correct it first: {error}"
        ) from error
    if not isinstance(value, dict):
        kind = next((kind for sort, kind in _KINDS.items() if isinstance(value, sort)), _OTHER)
        raise InstallError(
            f"{file} holds {kind} in place of a table of settings, and was left alone. Correct it "
            "first."
        )
    if _is_deeper(value, _MAX_DEPTH):
        raise InstallError(
            f"{file} is nested more than {_MAX_DEPTH} levels deep, and was left alone. Edit it by "
            "hand; --print shows the entry."
        )
    return cast("Document", value)


def _is_deeper(value: Any, levels: int) -> bool:
    """Return True if values stand in more than some levels of tables and lists.

    A value is taken once in each level, as YAML may name it in two places, or within itself.
    """
    level: dict[int, Any] = {id(value): value}
    for _ in range(levels):
        level = {id(each): each for each in chain.from_iterable(map(_inside, level.values()))}
    return bool(level)


def _inside(value: Any) -> Collection[Any]:
    """Return the values in a table or a list; none for another value."""
    if isinstance(value, dict):
        return cast("Document", value).values()
    return cast("Collection[Any]", value) if isinstance(value, list) else ()


def has_comments(content: bytes | None, syntax: Syntax) -> bool:
    """Return True if the JSON of a file that parses has comments."""
    if content is None or syntax in ("toml", "yaml"):
        return False
    text = Text.of(content).text
    return json_text.without_comments(text) != text


def with_entry(
    content: bytes | None, syntax: Syntax, keys: Sequence[str], entry: Document, file: Path
) -> bytes:
    """Return the content of a file with an entry at a path of keys, and otherwise unchanged.

    Raises:
        InstallError: It can't be parsed, or can't be edited without changing something else.
    """
    before = parsed(content, syntax, file)
    text = Text.of(content or b"")
    after = text.encoded(_edited(lambda: _editor(syntax).put(text.text, keys, entry), file))
    expected = _copied(before)
    _table_of(expected, keys)[keys[-1]] = entry
    _check(after, expected, syntax, file)
    return after


def without_entry(content: bytes, syntax: Syntax, keys: Sequence[str], file: Path) -> bytes:
    """Return the content of a file without the entry at a path of keys, which must be there.

    Raises:
        InstallError: As for :func:`with_entry`.
    """
    before = parsed(content, syntax, file)
    text = Text.of(content)
    after = text.encoded(_edited(lambda: _editor(syntax).drop(text.text, keys), file))
    expected = _copied(before)
    del _table_of(expected, keys)[keys[-1]]
    _check(after, expected, syntax, file)
    return after


def _edited(edit: Callable[[], str], file: Path) -> str:
    """Return an edited text. tomlkit raises various errors for what it can't edit."""
    try:
        return edit()
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise InstallError(_BY_HAND.format(file=file)) from error


def _table_of(document: Document, keys: Sequence[str]) -> Document:
    for key in keys[:-1]:
        # YAML has null where a mapping is empty.
        document[key] = document.get(key) or {}
        document = document[key]
    return document


def _check(after: bytes, expected: Document, syntax: Syntax, file: Path) -> None:
    """Raise an error unless a new content is what it should be, so that none is ever damaged."""
    try:
        found = _editor(syntax).parse(Text.of(after).text)
    except SyntaxProblem as error:
        raise InstallError(_BY_HAND.format(file=file)) from error
    if not is_same(without_empty(found), without_empty(expected)):
        raise InstallError(_BY_HAND.format(file=file))


def is_same(one: Any, other: Any) -> bool:
    """Return True if two values are equal. One that is no number is equal to itself here."""
    if isinstance(one, dict) and isinstance(other, dict):
        first, second = cast("Document", one), cast("Document", other)
        return first.keys() == second.keys() and all(
            is_same(value, second[key]) for key, value in first.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        mine, others = _inside(one), _inside(other)
        return len(mine) == len(others) and all(map(is_same, mine, others))
    return bool(one == other or (one != one and other != other))  # noqa: PLR0124 - NaN alone


def _copied(value: Any) -> Any:
    """Return a copy in which no table is shared. YAML may name one table in two places."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in cast("Document", value).items()}
    return copy.deepcopy(value)


def without_empty(value: Document) -> Document:
    """Return a document without empty tables. TOML has no table above one that was dropped."""
    pruned = {
        key: without_empty(cast("Document", each)) if isinstance(each, dict) else each
        for key, each in value.items()
    }
    return {key: each for key, each in pruned.items() if each != {}}


_BY_HAND: Final = (
    "{file} can't be edited without changing more than one entry, and was left alone. "
    "Edit it by hand; --print shows the entry."
)
