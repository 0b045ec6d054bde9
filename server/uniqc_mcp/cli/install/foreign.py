"""Entries of our name that ``install`` does not write, which go only where that is asked for."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from uniqc_mcp.cli.install.this_command import PROGRAM, RUNNERS

if TYPE_CHECKING:
    from uniqc_mcp.cli.install.entries import FoundEntry
    from uniqc_mcp.cli.install.shapes import Launch

_VARIABLES: Final = "UNIQC_MCP_"


def foreign_part(found: FoundEntry) -> str:
    """Return what an entry has that ``install`` does not write; empty if it is as written by it.

    Options of the server are no such thing, and neither are variables of ours, which ``doctor``
    gives to paste, nor settings that clients keep in an entry. The values of other variables may be
    secrets, so their names are told.
    """
    if found.launch is None:
        return "no command in the form of this client"
    if not _is_ours(found.launch):
        return f"the command `{shlex.join(found.launch.words())}`"
    variables = sorted(name for name in found.launch.env if not name.startswith(_VARIABLES))
    return f"values for {', '.join(variables)}" if variables else ""


def own_settings(found: FoundEntry) -> list[str]:
    """Return the names of settings that an entry has beside what ``install`` writes."""
    if found.launch is None or found.entry is None:
        return []
    written = found.shape.entry(found.launch)
    return sorted(found.entry.keys() - written.keys() - {found.shape.env})


def _is_ours(launch: Launch) -> bool:
    """Return True if a command is this program, or what uvx and pipx start it by."""
    program = re.split(r"[/\\]", launch.command)[-1].removesuffix(".exe")
    starts = {(PROGRAM,), *((runner, *words, PROGRAM) for _, runner, words in RUNNERS)}
    return any((program, *launch.args)[: len(words)] == words for words in starts)
