"""Setting and deleting one table of a TOML text, by tomlkit, which keeps comments and order."""

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
