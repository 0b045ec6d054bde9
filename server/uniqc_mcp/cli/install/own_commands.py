"""The clients' own commands for adding and removing a server."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from uniqc_mcp.cli.install.errors import InstallError

if TYPE_CHECKING:
    from uniqc_mcp.cli.install.machine import Machine
    from uniqc_mcp.cli.install.shapes import Entry, Launch

_PATIENCE: Final = 60
"""Seconds for a client's command. Gemini CLI takes ten on a slow machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCommand:
    """A client's program, and its arguments for adding and removing our server.

    ``{scope}``, ``{entry}`` (as JSON), ``{timeout}``, ``{command}`` and ``{words}`` stand for
    values, the last one for all arguments of the server. ``{args}`` is these after ``--``, or
    nothing where there are none.
    """

    program: str
    add: str
    remove: str
    scopes: tuple[str, ...] = ("user",)

    def to_add(self, launch: Launch, entry: Entry, scope: str) -> list[str]:
        """Return the program and its arguments that add a server."""
        values = {
            "{scope}": [scope],
            "{entry}": [json.dumps(entry)],
            "{timeout}": [str(entry.get("timeout"))],
            "{command}": [launch.command],
            "{words}": list(launch.args),
            "{args}": ["--", *launch.args] if launch.args else [],
        }
        words = [values.get(word, [word]) for word in self.add.split()]
        return [self.program, *(word for group in words for word in group)]

    def to_remove(self, scope: str) -> list[str]:
        """Return the program and its arguments that remove our server."""
        return [self.program, *self.remove.replace("{scope}", scope).split()]


def run(command: list[str], machine: Machine) -> None:
    """Run a client's command in the folder of the project.

    Raises:
        InstallError: It failed; the message has what it printed.
    """
    program = machine.which(command[0])
    if program is None:
        raise InstallError(f"The command {command[0]} is not on PATH any more.")
    try:
        done = subprocess.run(  # noqa: S603 - a program of the user, with a list of arguments
            [program, *command[1:]],
            cwd=machine.project,
            env=dict(machine.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"{command[0]} did not end within {_PATIENCE} s.") from error
    except OSError as error:
        raise InstallError(f"{program} can't be run: {error.strerror}.") from error
    if done.returncode:
        printed = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise InstallError(f"{command[0]} ended with {done.returncode}: {printed}")
