"""A connection that was begun by somebody else, as the stdio transport takes it over."""

from __future__ import annotations

from dataclasses import dataclass


class ClientLeft(Exception):  # noqa: N818 - it ends the program as planned and is no error
    """The client closed its end, and was answered whatever it asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """The state of a connection when the server takes it over. The default is a fresh one.

    Attributes:
        replayed: Lines that the client sent and that were answered. The server needs to know them;
            its answers to them are dropped, by :data:`REPLAYED_ID`.
        received: Bytes that were read and are still to be answered. They may end within a line.
        unsent: The rest of a line to the client, to be written before anything else.
        reason: Why the server takes over, for the log.
    """

    replayed: tuple[bytes, ...] = ()
    received: bytes = b""
    unsent: bytes = b""
    reason: str = ""


REPLAYED_ID = "uniqc-mcp: answered before"
"""The id of a replayed request, in place of the client's own, which it may use again."""

FRESH = Handover()
"""A connection on which nothing was said yet."""
