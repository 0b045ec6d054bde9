"""The words by which a user can start this program again."""

from __future__ import annotations

import shlex
import sys

from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.machine import Machine
from uniqc_mcp.cli.install.this_command import PROGRAM, this_launch


def program_words() -> list[str]:
    """Return the command's name, or what ``install`` would write where the name is not on PATH.

    That is a path in a venv, and ``uvx`` or ``pipx run`` in an environment that these delete.
    """
    try:
        machine = Machine.here()
        launch = this_launch((), machine, sys.argv[0])
    except (InstallError, OSError, RuntimeError):  # not on PATH, or no home or current directory
        return [PROGRAM]
    return [PROGRAM] if launch.command == machine.which(PROGRAM) else launch.words()


def program_name() -> str:
    """Return :func:`program_words` as they are typed in a shell."""
    return shlex.join(program_words())
