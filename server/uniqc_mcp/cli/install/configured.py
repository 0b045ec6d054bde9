"""The clients that have an entry of this server."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from uniqc_mcp.cli.install.clients import CLIENTS
from uniqc_mcp.cli.install.entries import find_entry
from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.cli.install.client import Client, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredClient:
    """An entry of this server in the configuration of a client.

    Attributes:
        name: The name of the client on the command line.
        title: Its name in a sentence.
        scope: ``user``, ``project`` or ``local``.
        file: The file that has the entry.
        command: The command of the entry; empty if the file can't be read.
        args: The arguments of the command.
        exists: True if there is such a command and it can be run.
        is_on: True unless the entry is disabled.
        problem: Empty, or why the file or the entry can't be read.
    """

    name: str
    title: str
    scope: Scope
    file: Path
    command: str = ""
    args: tuple[str, ...] = ()
    exists: bool = False
    is_on: bool = True
    problem: str = ""


def configured_clients(machine: Machine | None = None) -> list[ConfiguredClient]:
    """Return the entries of this server in all clients and scopes.

    The files of the project are those of the current folder. A file that can't be read is one
    of them, with its problem, because it may hold an entry.
    """
    found = machine or Machine.here()
    return [entry for client in CLIENTS.values() for entry in entries_of(client, found)]


def entries_of(client: Client, machine: Machine) -> Iterator[ConfiguredClient]:
    """Yield the entries of this server in the scopes of one client.

    In the home directory the project's file may be the user's; then its entry is the user's.
    """
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for scope, target in client.targets.items():
        file = target.file(machine)
        place = (os.path.realpath(file), target.keys_above(machine))
        if place in seen:
            continue
        seen.add(place)
        same = ConfiguredClient(name=client.name, title=client.title, scope=scope, file=file)
        try:
            found = find_entry(client, scope, machine)
        except InstallError as error:
            yield replace(same, problem=str(error))
            continue
        if found.entry is None:
            continue
        if found.launch is None:
            yield replace(same, problem="The entry has no command in the known form.")
            continue
        yield replace(
            same,
            command=found.launch.command,
            args=found.launch.args,
            exists=can_be_run(found.launch.command, machine),
            is_on=not found.is_off,
        )


def can_be_run(command: str, machine: Machine) -> bool:
    """Return True if a command is a program, by its path or by its name on PATH."""
    if Path(command).is_absolute():
        return Path(command).is_file() and os.access(command, os.X_OK)
    return machine.which(command) is not None
