"""The SDK's object of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp.server.connection import Connection
    from mcp.server.session import ServerSession


def connection_of(session: ServerSession) -> Connection:
    """Return the connection that a request came by.

    A session is one request's, and a connection lasts from the handshake to the end. Clients of
    2026-07-28 have no handshake: each request has a connection, and those of one pipe share its
    channel.
    """
    # The SDK has no public way from a request to its connection.
    return session._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
