"""Homes of users, in which clients for people run."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PATIENCE = 120
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class HostError(Exception):
    """What a host did not do as it should."""


@dataclass(frozen=True, kw_only=True)
class Home:
    """A user's home, in which commands run.

    Attributes:
        path: Its directory, with a directory ``project`` in it.
        programs: The directory of a host's programs, which is put on PATH.
        variables: Environment variables beside those of this process.
    """

    path: Path
    programs: Path
    variables: Mapping[str, str] = field(default_factory=dict[str, str])

    def run(self, *command: str) -> str:
        """Return what a command printed, without colours."""
        project = self.path / "project"
        # opencode takes PWD for the current directory.
        place = {"HOME": str(self.path), "XDG_CONFIG_HOME": "", "PWD": str(project)}
        own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        path = f"{self.programs}:{os.environ['PATH']}"
        done = subprocess.run(
            command,
            cwd=project,
            env={**own, **self.variables, **place, "PATH": path, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        printed = _ANSI.sub("", done.stdout)
        if done.returncode:
            raise HostError(f"{' '.join(command)} ended with {done.returncode}: {printed}")
        return printed
