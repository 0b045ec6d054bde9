"""JSON with comments: its values, and where each of them stands in the text.

The standard library does the parsing, after comments are overwritten with spaces. No kept library
does as well: json-five takes four seconds for 60 kB, json5kit knows no block comments, and
jsonc-edit needs Node.js.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.cli.install.editing.errors import SyntaxProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING: Final = r'"(?:[^"\\\n]|\\.)*"'
_COMMENTS: Final = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?\*/", re.DOTALL)
# A comma right after a bracket is left where it is, as an error.
_TRAILING_COMMAS: Final = re.compile(rf"{_STRING}|[\[{{]\s*,|(?P<comma>,)(?=\s*[\]}}])", re.DOTALL)
_TOKENS: Final = re.compile(
    rf"(?P<key>{_STRING})\s*:|{_STRING}|(?P<constant>NaN|-?Infinity)|[{{}}]", re.DOTALL
)
_SPACE: Final = re.compile(r"\s*")


def without_comments(text: str) -> str:
    """Return the text with spaces in place of comments, so that every offset stays."""

    def blank(match: re.Match[str]) -> str:
        return match[0] if match[0].startswith('"') else re.sub(r"[^\n]", " ", match[0])

    return _COMMENTS.sub(blank, text)


def without_trailing_commas(text: str) -> str:
    """Return a text without comments with a space in place of each trailing comma."""
    return _TRAILING_COMMAS.sub(lambda match: " " if match["comma"] else match[0], text)


def parse(strict: str) -> Any:
    """Return the value of a text without comments and trailing commas.

    Raises:
        SyntaxProblem: It is no JSON, or an object has a key twice.
    """
    try:
        value = json.loads(strict)
    except json.JSONDecodeError as error:
        # "Invalid control character at", as Python has the place behind it
        message = error.msg.removesuffix(" at").removesuffix(" starting")
        raise SyntaxProblem(message, line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise SyntaxProblem("it is nested too deeply") from error
    _refuse_extensions(strict)
    return value


def _refuse_extensions(strict: str) -> None:
    """Raise an error for what Python's parser takes beyond JSON, and for a key that is there twice.

    Clients differ in which of two equal keys they read.
    """
    objects: list[set[str]] = []
    for token in _TOKENS.finditer(strict):
        problem = ""
        if token["constant"]:
            problem = f"{token['constant']} is no value of JSON"
        elif token["key"]:
            key = json.loads(token["key"])
            problem = f"an object has the key {key!r} twice" if key in objects[-1] else ""
            objects[-1].add(key)
        elif token[0] == "{":
            objects.append(set())
        elif token[0] == "}":
            objects.pop()
        if problem:
            before = strict[: token.start()]
            line, column = before.count("\n") + 1, token.start() - before.rfind("\n")
            raise SyntaxProblem(problem, line=line, column=column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of an object: its key, and the offsets of its key and its value."""

    key: str
    start: int
    value_start: int
    end: int


def members(strict: str, start: int) -> Iterator[Member]:
    """Yield the members of the object that begins at an offset of a text that parses."""
    decoder = json.JSONDecoder()
    at = _next(strict, start + 1)
    while strict[at] != "}":
        key, end = decoder.raw_decode(strict, at)
        value_start = _next(strict, _next(strict, end) + 1)
        _, value_end = decoder.raw_decode(strict, value_start)
        yield Member(key=key, start=at, value_start=value_start, end=value_end)
        at = _next(strict, value_end)
        if strict[at] == ",":
            at = _next(strict, at + 1)


def closing(strict: str, start: int) -> int:
    """Return the offset of the bracket that closes the object at an offset."""
    _, end = json.JSONDecoder().raw_decode(strict, start)
    return end - 1


def _next(text: str, at: int) -> int:
    """Return the offset of the next character that is no space."""
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
