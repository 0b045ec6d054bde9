"""The objects that live as long as the server, and those that live as long as a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from uniqc_mcp.protocol.connections import connection_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server.session import ServerSession
    from mcp.shared.dispatcher import Outbound

    from uniqc_mcp.cancelled_waits import CancelledWaits
    from uniqc_mcp.settings import ClearSettings
    from uniqc_mcp.subscriptions.subscriber import Subscriptions
    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_store import PendingPlans


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """The state of one connection, which no other connection is told.

    Attributes:
        watcher: The watcher of the store that its waits and subscriptions are about.
        subscriptions: The resources that the client subscribed to.
        cancelled_waits: The waits that the client cancelled.
    """

    watcher: StoreWatcher
    subscriptions: Subscriptions
    cancelled_waits: CancelledWaits


class Connections:
    """The states of the connections of one server: one over stdio, many over HTTP.

    A connection is known by its channel, over which the server sends what is no answer. Clients of
    2026-07-28 have one over stdio only. Over HTTP each of their requests is a connection of its
    own, so that nothing is kept from one to the next.

    Args:
        begin: Returns the state of a new connection.
    """

    def __init__(self, begin: Callable[[], ConnectionState]) -> None:
        """Begin without any."""
        self._begin = begin
        self._states: WeakKeyDictionary[Outbound, ConnectionState] = WeakKeyDictionary()

    def state_of(self, session: ServerSession) -> ConnectionState:
        """Return the state of the connection that a request came by."""
        connection = connection_of(session)
        if not connection.has_standalone_channel:
            return self._begin()
        state = self._states.get(connection.outbound)
        if state is None:
            state = self._states[connection.outbound] = self._begin()
        return state


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """The server's lifespan context, which every request context refers to.

    Attributes:
        connections: The state of each connection.
        clearing: The operator's limits on clearing; None if the server only reads.
        pending_plans: The plans that wait for their commit; None if the server only reads.
    """

    connections: Connections
    clearing: ClearSettings | None
    pending_plans: PendingPlans | None

    def subscriptions_of(self, session: ServerSession) -> Subscriptions:
        """Return the subscriptions of the client that a request came from."""
        return self.connections.state_of(session).subscriptions
