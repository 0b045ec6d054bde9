"""Setting and deleting one member of a JSON text, which keeps every other character."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.cli.install.editing.json_text import (
    closing,
    members,
    without_comments,
    without_trailing_commas,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.cli.install.editing.json_text import Member

_REST_OF_LINE: Final = re.compile(r"(?:[ \t]*(?://[^\n]*|/\*[^\n]*?\*/))*[ \t]*\r?(?=\n)")
"""Comments after a value, up to the end of their line."""

_FIRST_IN_LINE: Final = re.compile(r"^([ \t]+)\"", re.MULTILINE)


def put(text: str, keys: Sequence[str], value: Any) -> str:
    """Return the text with a value at a path of keys; objects that are missing are added.

    The text must parse, to an object or to nothing at all.
    """
    bare = without_comments(text)
    if not bare.strip():
        return text + json.dumps(_nested(keys, value), indent=2, ensure_ascii=False) + "\n"
    strict = without_trailing_commas(bare)
    start = end = strict.index("{")
    indent = ""
    for number, key in enumerate(keys):
        found = list(members(strict, start))
        member = next((each for each in found if each.key == key), None)
        if member is None:
            return _insert(text, bare, start, found, (key, _nested(keys[number + 1 :], value)))
        start, end = member.value_start, member.end
        indent = _indent_of_line(text, member.start)
        if strict[start:end] == "null":  # stands for an empty object
            value = _nested(keys[number + 1 :], value)
            break
    others = text[:start] + text[end:]
    return text[:start] + _rendered(value, others, indent) + text[end:]


def drop(text: str, keys: Sequence[str]) -> str:
    """Return the text without the member at a path of keys, which must be there."""
    bare = without_comments(text)
    strict = without_trailing_commas(bare)
    start = strict.index("{")
    for key in keys[:-1]:
        start = next(each.value_start for each in members(strict, start) if each.key == key)
    found = list(members(strict, start))
    place = next(number for number, each in enumerate(found) if each.key == keys[-1])
    member = found[place]
    comma = _comma_after(bare, member.end)
    end = member.end if comma is None else comma + 1
    if place and place == len(found) - 1:
        return _without_last(text, bare, found[place - 1], member, end)
    if len(found) == 1:
        close = closing(strict, start)
        inside = text[start + 1 : member.start] + text[end:close]
        if not inside.strip():
            return text[: start + 1] + text[close:]
    return _without_lines(text, member.start, end)


def _nested(keys: Sequence[str], value: Any) -> Any:
    for key in reversed(keys):
        value = {key: value}
    return value


def _insert(
    text: str, bare: str, start: int, found: Sequence[Member], item: tuple[str, Any]
) -> str:
    """Return the text with a member at the end of the object that begins at an offset."""
    key, value = item
    name = json.dumps(key, ensure_ascii=False)
    if not found:
        return _insert_first(text, bare, start, name, value)
    last = found[-1]
    comma = _comma_after(bare, last.end)
    end = last.end if comma is None else comma + 1
    trailing = "" if comma is None else ","
    separator = "," if comma is None else ""
    if text[_line_start(text, last.start) : last.start].strip():  # it stands in a line with others
        inline = json.dumps(value, ensure_ascii=False)
        return f"{text[:end]}{separator} {name}: {inline}{trailing}{text[end:]}"
    at = _end_of_comments(text, end)
    indent = _indent_of_line(text, last.start)
    member = f"{name}: {_rendered(value, text, indent)}{trailing}"
    return f"{text[:end]}{separator}{text[end:at]}\n{indent}{member}{text[at:]}"


def _end_of_comments(text: str, end: int) -> int:
    """Return the offset after the comments that follow a member in its line.

    Spaces alone are left behind the new member, where `drop` finds them again.
    """
    rest = _REST_OF_LINE.match(text, end)
    if rest is None or not rest[0].strip():
        return end
    return rest.end() - rest[0].endswith("\r")


def _insert_first(text: str, bare: str, start: int, name: str, value: Any) -> str:
    outer = _indent_of_line(text, start)
    indent = outer + _unit(text)
    member = f"\n{indent}{name}: {_rendered(value, text, indent)}"
    close = bare.index("}", start)
    if text[start + 1 : close].strip():  # a comment, which goes after the member
        return text[: start + 1] + member + text[start + 1 :]
    return f"{text[: start + 1]}{member}\n{outer}{text[close:]}"


def _without_last(text: str, bare: str, previous: Member, member: Member, end: int) -> str:
    """Return the text without the last member of an object and one of the commas around it."""
    comma = _comma_after(bare, previous.end)
    if comma is None:
        raise AssertionError("a text that parses has a comma between two members")
    kept = text[: comma + 1] if end > member.end else text[:comma]
    if not text[comma + 1 : member.start].strip():
        return kept + text[end:]
    return kept + _without_lines(text, member.start, end)[comma + 1 :]


def _without_lines(text: str, start: int, end: int) -> str:
    """Return the text without a range, and without its lines if nothing else stands in them."""
    line = _line_start(text, start)
    rest = re.compile(r"[ \t]*\r?\n").match(text, end)
    if text[line:start].strip() or rest is None:
        return text[:start].rstrip(" \t") + text[end:]
    return text[:line] + text[rest.end() :]


def _comma_after(bare: str, end: int) -> int | None:
    match = re.compile(r"\s*,").match(bare, end)
    return None if match is None else match.end() - 1


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _indent_of_line(text: str, at: int) -> str:
    line = text[_line_start(text, at) : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str) -> str:
    """Return what one level is indented by: a tab, or the fewest spaces; two if none is."""
    found: list[str] = _FIRST_IN_LINE.findall(text)
    if not found:
        return "  "
    shortest = min(found, key=len)
    return "\t" if shortest.startswith("\t") else shortest


def _rendered(value: Any, text: str, indent: str) -> str:
    lines = json.dumps(value, indent=_unit(text), ensure_ascii=False)
    return lines.replace("\n", f"\n{indent}")
