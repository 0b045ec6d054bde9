"""The versions, the time zone and the command of this machine, as ``doctor`` tells them."""

from __future__ import annotations

import json
import platform
import shlex
import sqlite3
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp import __version__
from uniqc_mcp.cli.install.configured import configured_clients
from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.machine import Machine
from uniqc_mcp.cli.install.this_command import this_launch
from uniqc_mcp.responses.times import local_zone, utc_now
from uniqc_mcp.safety.display import tilde, without_home
from uniqc_mcp.safety.redaction import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from uniqc_mcp.cli.install.configured import ConfiguredClient

_NO_DIRECTORY: Final = "there is no home directory, or no current one"

_UNIQC: Final = "unified-quantum"
"""uniqc's name on PyPI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEntry:
    """The entry of this server in the configuration of a client.

    Attributes:
        client: The name of the client.
        file: The file that has the entry.
        command: The command of the entry with its options, as a line; empty if it can't be read.
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
        started = shlex.join([entry.command, *entry.args]) if entry.command else ""
        return cls(
            client=entry.title,
            file=tilde(entry.file),
            command=safe_text(without_home(started)).text,
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
        paste: The entry by which most clients start a server, with the options of this command;
            None where there is no command that lasts.
        problem: Why there is no entry to paste; empty if there is.
    """

    versions: dict[str, str]
    platform: str
    time_zone: str
    paste: dict[str, Any] | None
    problem: str
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
            yield f"client    not looked for: {_NO_DIRECTORY}"
        elif not self.clients:
            yield "client    none has an entry of this server: `uniqc-mcp install --list`"
        else:
            for client in self.clients:
                yield client.line()
        if self.paste is None:
            yield f"paste     none: {self.problem}"
        else:
            yield f"paste     {json.dumps(self.paste, ensure_ascii=False)}"


def examine_installation(arguments: Sequence[str], variables: Mapping[str, str]) -> Installation:
    """Return the installation that this process runs in.

    Args:
        arguments: Those of the server that a client should start.
        variables: The environment variables of that server.
    """
    machine = _machine()
    paste, problem = _paste(machine, arguments, variables)
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
        clients=None if machine is None else [*map(ClientEntry.of, configured_clients(machine))],
        paste=paste,
        problem=problem,
    )


def _machine() -> Machine | None:
    """Return this machine; None without a home directory or a current one."""
    try:
        return Machine.here()
    except (OSError, RuntimeError):
        return None


def _paste(
    machine: Machine | None, arguments: Sequence[str], variables: Mapping[str, str]
) -> tuple[dict[str, Any] | None, str]:
    """Return the entry that most clients take, or None and why there is none."""
    if machine is None:
        return None, _NO_DIRECTORY
    try:
        launch = this_launch(tuple(arguments), machine, sys.argv[0])
    except InstallError as error:
        return None, str(error)
    server: dict[str, Any] = {"command": launch.command}
    if launch.args:
        server["args"] = list(launch.args)
    if variables:
        server["env"] = dict(variables)
    return {"mcpServers": {"uniqc": server}}, ""


def _version_of(distribution: str) -> str:
    """Return the version that is installed, without importing it; empty if none is."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
