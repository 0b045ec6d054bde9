"""The versions, the time zone and the command of this machine, as ``doctor`` tells them."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sqlite3
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp import __version__
from uniqc_mcp.cli.install.configured import configured_clients
from uniqc_mcp.cli.install.machine import Machine
from uniqc_mcp.responses.times import local_zone, utc_now
from uniqc_mcp.safety.display import tilde, without_home
from uniqc_mcp.safety.redaction import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from uniqc_mcp.cli.install.configured import ConfiguredClient

_SCRIPT: Final = "uniqc-mcp"

_UNIQC: Final = "unified-quantum"
"""uniqc's name on PyPI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEntry:
    """The entry of this server in the configuration of a client.

    Attributes:
        client: The name of the client.
        file: The file that has the entry.
        command: The command of the entry; empty if it can't be read.
        problem: Why the client can't start the server by it; empty if it can.
    """

    client: str
    file: str
    command: str
    problem: str

    @classmethod
    def of(cls, entry: ConfiguredClient) -> ClientEntry:
        """Return the entry as told, without the name of the user and without credentials."""
        problem = entry.problem
        if not problem and not entry.exists:
            problem = "there is no such command"
        elif not problem and not entry.is_on:
            problem = "the entry is disabled"
        return cls(
            client=entry.title,
            file=tilde(entry.file),
            command=safe_text(without_home(entry.command)).text,
            problem=safe_text(without_home(problem)).text,
        )

    def line(self) -> str:
        """Return the entry as a line for a person."""
        started = f": {self.command}" if self.command else ""
        problem = f"; {self.problem}" if self.problem else ""
        return f"client    {self.client}, {self.file}{started}{problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The programs that a server runs on, and the entry by which a client starts it.

    Attributes:
        versions: The version of each program, by its name. The version of uniqc is empty where it
            is in another environment.
        platform: The operating system and the processor.
        time_zone: The zone of dates in filters, and of times without one.
        clients: The entries of this server in the configurations of clients, of this user and in
            this directory; None where these can't be found.
        paste: The entry by which most clients start a server, with the options of this command.
    """

    versions: dict[str, str]
    platform: str
    time_zone: str
    paste: dict[str, Any]
    clients: list[ClientEntry] | None

    def to_dict(self) -> dict[str, Any]:
        """Return the installation as values that JSON can hold."""
        return asdict(self)

    def text(self) -> str:
        """Return the installation as lines for a person."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        told = ", ".join(
            f"{name} {number or 'not in this environment'}"
            for name, number in self.versions.items()
        )
        yield f"versions  {told}"
        yield f"system    {self.platform}; time zone {self.time_zone}"
        if self.clients is None:
            yield "client    not looked for: there is no home directory, or no current one"
        elif not self.clients:
            yield "client    none has an entry of this server: `uniqc-mcp install --list`"
        else:
            for client in self.clients:
                yield client.line()
        yield f"paste     {json.dumps(self.paste, ensure_ascii=False)}"


def examine_installation(arguments: Sequence[str], variables: Mapping[str, str]) -> Installation:
    """Return the installation that this process runs in.

    Args:
        arguments: Those of the server that a client should start.
        variables: The environment variables of that server.
    """
    command, *rest = [*_command(), *arguments]
    server: dict[str, Any] = {"command": command}
    if rest:
        server["args"] = rest
    if variables:
        server["env"] = dict(variables)
    return Installation(
        versions={
            "uniqc-mcp": __version__,
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            "mcp": _version_of("mcp"),
            "uniqc": _version_of(_UNIQC),
        },
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        time_zone=local_zone(utc_now()),
        clients=_clients(),
        paste={"mcpServers": {"uniqc": server}},
    )


def _clients() -> list[ClientEntry] | None:
    try:
        machine = Machine.here()
    except (OSError, RuntimeError):  # no current directory, or no home
        return None
    return [ClientEntry.of(entry) for entry in configured_clients(machine)]


def _version_of(distribution: str) -> str:
    """Return the version that is installed, without importing it; empty if none is."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _command() -> list[str]:
    """Return the command of this process, by its whole path: clients have another PATH."""
    started = Path(sys.argv[0])
    places = [str(started)] if started.stem == _SCRIPT else []
    for place in (*places, str(Path(sys.executable).with_name(_SCRIPT)), _SCRIPT):
        if found := shutil.which(place):
            return [os.path.abspath(found)]  # noqa: PTH100 - resolve() would leave a venv's link
    return [sys.executable, "-m", "uniqc_mcp"]
