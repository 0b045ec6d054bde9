"""Starting the server as a client will, and asking it for its tools."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
from mcp import Client, MCPError, StdioServerParameters, stdio_client

from uniqc_mcp.cli.install.errors import InstallError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from uniqc_mcp.cli.install.shapes import Launch

_PATIENCE: Final = 30
_SHOWN: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The number of tools that a server offers, and after how many seconds it had told them."""

    tools: int
    seconds: float


def ask_for_tools(launch: Launch, folder: Path, patience: float = _PATIENCE) -> Answered:
    """Start a server in a folder, and return what it answers.

    Raises:
        InstallError: It can't be started or does not answer; the message has its last words.
    """
    command, reason = " ".join(launch.words()), ""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        try:
            return anyio.run(_ask, launch, folder, log, patience)
        except* TimeoutError:
            reason = f"did not answer within {patience} s."
        except* (OSError, ValueError, MCPError, anyio.ClosedResourceError) as errors:
            log.seek(0)
            said = log.read().strip()[-_SHOWN:] or str(errors.exceptions[0])
            reason = f"can't be asked for its tools: {said}"
    # Not above: Python 3.11.2 makes a group of what is raised there.
    raise InstallError(f"{command}\n{reason}")


async def _ask(launch: Launch, folder: Path, log: TextIO, patience: float) -> Answered:
    server = StdioServerParameters(
        command=launch.command, args=list(launch.args), env=dict(launch.env), cwd=folder
    )
    began = time.monotonic()
    with anyio.fail_after(patience):
        async with Client(stdio_client(server, errlog=log)) as client:
            listed = await client.list_tools()
            return Answered(tools=len(listed.tools), seconds=time.monotonic() - began)
