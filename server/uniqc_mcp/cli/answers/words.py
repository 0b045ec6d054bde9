"""The words of answers and errors, which name tools and arguments, for a command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_COMMANDS: Final = {
    "list_tasks": "uniqc-mcp list",
    "get_task": "uniqc-mcp get",
    "summarize_tasks": "uniqc-mcp stats",
    "compare_tasks": "uniqc-mcp compare",
    "list_cleared": "uniqc-mcp cleared",
}
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'


def for_command_line(text: str, arguments: Iterable[str]) -> str:
    """Return a sentence with commands and options in place of tools and arguments.

    Text in quotes is a caller's or a record's and stays as it is. An argument of one word is
    replaced only where a value follows, because it may be an ordinary word.
    """
    names = "|".join(sorted(arguments, key=len, reverse=True))
    pattern = (
        rf"{_QUOTED}|\b(?:(?P<tool>{'|'.join(_COMMANDS)})|(?P<name>{names})(?P<value>=\w+)?)\b"
    )

    def replaced(found: re.Match[str]) -> str:
        if tool := found["tool"]:
            return _COMMANDS[tool]
        name, value = found["name"], found["value"]
        if not name or ("_" not in name and not value):
            return found[0]
        return option(name) + (f" {value[1:]}" if value else "")

    return re.sub(pattern, replaced, text)


def option(argument: str) -> str:
    """Return the option of an argument: ``--submitted-after``."""
    return f"--{argument.replace('_', '-')}"
