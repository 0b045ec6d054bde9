"""The command that a client has to start: this program, by a path that lasts."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.shapes import Launch

if TYPE_CHECKING:
    from uniqc_mcp.cli.install.machine import Machine

PROGRAM: Final = "uniqc-mcp"

_OF_UVX: Final = re.compile(r"[/\\](archive|builds|environments)-v\d+[/\\]")
_OF_PIPX_RUN: Final = re.compile(r"[/\\](pipx[/\\]\.cache|\.cache[/\\]pipx)[/\\]")
RUNNERS: Final = ((_OF_UVX, "uvx", ()), (_OF_PIPX_RUN, "pipx", ("run",)))
"""Paths in the environments that uvx and pipx delete some day, and what starts a new one."""


def this_launch(args: tuple[str, ...], machine: Machine, started_as: str) -> Launch:
    """Return how a client starts this program with these arguments.

    Clients expand no ``~`` and those with windows have a PATH of their own, so the path is whole.

    Args:
        args: The options of the server.
        machine: Where to look for programs.
        started_as: The path or name by which this process was started.

    Raises:
        InstallError: The program is not there by any path that lasts.
    """
    path = _path(machine, started_as)
    for pattern, runner, words in RUNNERS:
        if pattern.search(path):
            found = machine.which(runner)
            if found is None:
                raise InstallError(
                    f"{path} is in an environment that {runner} deletes some day, and {runner} is "
                    f"not on PATH to start it anew. Install {PROGRAM} first, by `uv tool install` "
                    "or `pipx install`."
                )
            return Launch(command=found, args=(*words, PROGRAM, *args))
    return Launch(command=path, args=args)


def _path(machine: Machine, started_as: str) -> str:
    """Return the absolute path of this program. Links stay, because an upgrade keeps them."""
    own = started_as if Path(started_as).stem == PROGRAM else ""
    candidates = (own, str(Path(sys.executable).with_name(PROGRAM)), PROGRAM)
    for candidate in candidates:
        if candidate and (found := machine.which(candidate)):
            return os.path.abspath(found)  # noqa: PTH100 - Path.resolve would follow links
    raise InstallError(
        f"The program {PROGRAM} is not on PATH, so no client could start it. Install it first, by "
        "`uv tool install` or `pipx install`."
    )
