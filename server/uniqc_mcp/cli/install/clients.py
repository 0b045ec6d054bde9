"""All clients in which this server can be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uniqc_mcp.cli.install.terminal_clients import TERMINAL_CLIENTS
from uniqc_mcp.cli.install.window_clients import WINDOW_CLIENTS

if TYPE_CHECKING:
    from uniqc_mcp.cli.install.client import Client

CLIENTS: Final[dict[str, Client]] = {
    client.name: client for client in (*TERMINAL_CLIENTS, *WINDOW_CLIENTS)
}
"""The clients by their names on the command line."""
