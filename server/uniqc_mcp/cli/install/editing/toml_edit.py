"""Setting and deleting one table of a TOML text, by tomlkit, which keeps comments and order.

To tomlkit, all comments up to the next header belong to a table, and go with it. So the lines of a
table with a header are cut out here.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, cast

import tomlkit
from tomlkit.items import InlineTable

from uniqc_mcp.cli.install.editing.errors import SyntaxProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence


def parse(text: str) -> dict[str, Any]:
    """Return the values of a text.

    Raises:
        SyntaxProblem: It is no TOML. The message of the standard library names line and column.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SyntaxProblem(str(error)) from error


def put(text: str, keys: Sequence[str], value: Mapping[str, Any]) -> str:
    """Return the text with a table at a path of keys; tables that are missing are added."""
    # Replaced in place, a table would lose the comments before the next one.
    if (shorter := _without_lines(text, tuple(keys))) is not None:
        text = shorter
    document = tomlkit.parse(text)
    table = cast("MutableMapping[str, Any]", document)
    for key in keys[:-1]:
        if key not in table:
            table[key] = tomlkit.table(is_super_table=True)
        table = table[key]
    new = tomlkit.inline_table() if isinstance(table, InlineTable) else tomlkit.table()
    for name, each in value.items():
        new[name] = each
    table[keys[-1]] = new
    return _ended_as(text, document.as_string())


def drop(text: str, keys: Sequence[str]) -> str:
    """Return the text without the table at a path of keys, and without an empty one above it."""
    if (shorter := _without_lines(text, tuple(keys))) is not None:
        return shorter
    document = tomlkit.parse(text)
    tables = [cast("MutableMapping[str, Any]", document)]
    for key in keys[:-1]:
        tables.append(tables[-1][key])
    for table, key in zip(reversed(tables), reversed(keys), strict=True):
        if key == keys[-1] or not table[key]:
            del table[key]
    return _ended_as(text, document.as_string())


def _ended_as(before: str, after: str) -> str:
    """Return a text that ends in a line break if the one before did."""
    return after.rstrip("\n") if before and not before.endswith("\n") else after


def _without_lines(text: str, keys: tuple[str, ...]) -> str | None:
    """Return the text without the lines of a table, up to its last value.

    None if it has no header of its own, or if a line that looks like a header is none.
    """
    lines = text.splitlines(keepends=True)
    headers = [(number, path) for number, line in enumerate(lines) if (path := _header(line))]
    start = next((number for number, path in headers if path[: len(keys)] == keys), None)
    if start is None:
        return None
    others = (number for number, path in headers if path[: len(keys)] != keys)
    end = next((number for number in others if number > start), len(lines))
    while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
        end -= 1
    ends_blank = not "".join(lines[end : end + 1]).strip()
    if ends_blank and start and not lines[start - 1].strip():  # one blank line is enough
        start -= 1
    shorter = "".join([*lines[:start], *lines[end:]])
    return shorter if _lacks_only(shorter, text, keys) else None


def _header(line: str) -> tuple[str, ...]:
    """Return the path in the header of a table; empty for any other line."""
    if not line.lstrip().startswith("["):
        return ()
    try:
        value: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while isinstance(value, dict) and value:
        [(key, value)] = cast("dict[str, Any]", value).items()
        path.append(key)
    return tuple(path)


def _lacks_only(after: str, before: str, keys: tuple[str, ...]) -> bool:
    """Return True if a text has the values of another one, except a table or its empty parent."""
    try:
        found = tomllib.loads(after)
    except tomllib.TOMLDecodeError:
        return False
    above: dict[str, Any]
    expected = above = tomllib.loads(before)
    for key in keys[:-1]:
        above = above[key]
    del above[keys[-1]]
    if not above and len(keys) > 1:
        found.setdefault(keys[0], {})
    return found == expected
