"""The clients on this machine, and which of them have our entry, as lines and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.cli.install.clients import CLIENTS
from uniqc_mcp.cli.install.configured import entries_of
from uniqc_mcp.cli.install.evidence import evidence_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.cli.install.configured import ConfiguredClient
    from uniqc_mcp.cli.install.machine import Machine


_STATES: Final = {
    (True, True): "installed, configured",
    (True, False): "installed",
    (False, True): "configured here, but the client itself was not seen",
    (False, False): "not found",
}
"""The words for a client by whether it was seen and whether it has an entry."""


def listed(machine: Machine) -> list[dict[str, Any]]:
    """Return of each client its name, what shows that it is here, and our entries in it."""
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
                "seen": None if (seen := evidence_of(client, machine)) is None else str(seen),
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
        seen = evidence_of(client, machine) is not None
        yield f"{client.name:{width}}  {_STATES[seen, bool(entries)]}"
        for entry in entries:
            yield f"{'':{width}}  {entry.scope}: {entry.file}: {_told(entry)}"


def _told(entry: ConfiguredClient) -> str:
    if entry.problem:
        return entry.problem
    command = " ".join([entry.command, *entry.args])
    if not entry.exists:
        return f"{command} - THERE IS NO SUCH COMMAND"
    return command if entry.is_on else f"{command} - disabled"
