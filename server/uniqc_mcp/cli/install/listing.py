"""The clients on this machine, and which of them have our entry, as lines and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from uniqc_mcp.cli.install.clients import CLIENTS
from uniqc_mcp.cli.install.configured import entries_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.cli.install.configured import ConfiguredClient
    from uniqc_mcp.cli.install.machine import Machine


def listed(machine: Machine) -> list[dict[str, Any]]:
    """Return of each client its name, if it is here, and our entries in it."""
    found: list[dict[str, Any]] = []
    for client in CLIENTS.values():
        entries = [asdict(entry) for entry in entries_of(client, machine)]
        for entry in entries:
            entry["file"] = str(entry["file"])
            del entry["name"], entry["title"]
        found.append(
            {
                "client": client.name,
                "title": client.title,
                "is_here": client.is_here(machine),
                "scopes": list(client.targets),
                "entries": entries,
            }
        )
    return found


def listed_lines(machine: Machine) -> Iterator[str]:
    """Yield a line for each client, and one below it for each entry of ours."""
    width = max(map(len, CLIENTS))
    for client in CLIENTS.values():
        entries = list(entries_of(client, machine))
        here = "installed" if client.is_here(machine) else "not found"
        state = "" if not entries else ", configured"
        yield f"{client.name:{width}}  {here}{state}"
        for entry in entries:
            yield f"{'':{width}}  {entry.scope}: {entry.file}: {_told(entry)}"


def _told(entry: ConfiguredClient) -> str:
    if entry.problem:
        return entry.problem
    command = " ".join([entry.command, *entry.args])
    if not entry.exists:
        return f"{command} - THERE IS NO SUCH COMMAND"
    return command if entry.is_on else f"{command} - disabled"
