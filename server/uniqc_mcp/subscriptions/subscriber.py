"""Notifications of changed resources, in both versions of the protocol.

Clients of 2026-07-28 open a stream with ``subscriptions/listen``. Older ones subscribe to one URI
after the other with ``resources/subscribe``. Both receive each URI in the form that they gave. A
client that reads slowly gets one notification for several changes of a resource.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import anyio
from mcp.server.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import (
    EmptyResult,
    ResourceUpdatedNotification,
    ResourceUpdatedNotificationParams,
    SubscribeRequestParams,
    SubscriptionFilter,
    SubscriptionsAcknowledgedNotification,
    SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams,
    UnsubscribeRequestParams,
)

from uniqc_mcp.protocol.connections import connection_of
from uniqc_mcp.protocol.errors import invalid
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.subscriptions.watched_uris import ACTIVE, STORE, WatchedUris, can_change

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from mcp.server.context import ServerRequestContext
    from mcp.server.session import ServerSession

    from uniqc_mcp.questions.store import ReadableStore
    from uniqc_mcp.subscriptions.watcher import StoreWatcher

Ctx: TypeAlias = "ServerRequestContext[Any, Any]"

TASK_IDS_META_KEY = "uniqc-mcp/taskIds"
"""The key in the metadata of a notification under which the tasks that changed are named."""

MAX_NAMED = 100
"""The most tasks that a notification names."""

MAX_URIS = 1_000
"""URIs that one client may subscribe to."""


class Subscriptions:
    """The subscriptions of one client.

    A stream of 2026-07-28 is a request that stays open, so :meth:`listen` holds its URIs itself
    and sends from within it. The subscriptions of an older client outlive their requests: they
    share one set of URIs, and one task that sends while that set is not empty.

    Args:
        store: The store in which a platform's id in a URI leads to its task.
        watcher: The watcher of that store.
    """

    def __init__(self, store: ReadableStore, watcher: StoreWatcher) -> None:
        """Make the subscriptions of a client that has none yet."""
        self._store = store
        self._watcher = watcher
        self._older_uris = WatchedUris(store, watcher)
        self._older_updates: anyio.CancelScope | None = None
        self._ends_with_connection = False
        # Requests take effect in the order in which the client made them.
        self._request_lock = anyio.Lock()

    async def listen(self, ctx: Ctx, params: SubscriptionsListenRequestParams) -> NoReturn:
        """Serve one stream of 2026-07-28, until the client closes it or the server ends.

        The acknowledgement holds only the URIs whose resources can change. The lists of tools,
        resources and prompts never do.
        """
        requested = params.notifications.resource_subscriptions or ()
        uris = [uri for uri in dict.fromkeys(requested) if can_change(uri)][:MAX_URIS]
        stream = _Stream(ctx)
        watched = WatchedUris(self._store, self._watcher)
        try:
            await watched.add(uris)
            await stream.acknowledge(uris)
            await watched.send_updates(stream.send_update)
        finally:
            watched.clear()
        await anyio.sleep_forever()
        raise AssertionError("sleeping never ends")

    async def subscribe(self, ctx: Ctx, params: SubscribeRequestParams) -> EmptyResult:
        """Add one URI for a client of an older version.

        Raises:
            MCPError: The resource cannot change, there are too many subscriptions, or no update
                could reach the client.
        """
        uri = params.uri
        if not can_change(uri):
            raise invalid(
                f"{quoted(uri)} is nothing to subscribe to; there are {STORE}, {ACTIVE} and "
                "uniqc://task/TASK_ID."
            )
        if not connection_of(ctx.session).has_standalone_channel:
            raise invalid(
                "No update could reach this client: its connection ends with each request. Read "
                "the resource again instead."
            )
        async with self._request_lock:
            if uri in self._older_uris:
                return EmptyResult()
            if len(self._older_uris) == MAX_URIS:
                raise invalid(f"No more than {MAX_URIS} addresses can be subscribed to.")
            await self._older_uris.add([uri])
            if self._older_updates is None:
                self._begin_older_updates(ctx.session)
        return EmptyResult()

    async def unsubscribe(self, params: UnsubscribeRequestParams) -> EmptyResult:
        """Remove one URI of a client of an older version, if it is subscribed to."""
        async with self._request_lock:
            self._older_uris.remove(params.uri)
        return EmptyResult()

    def _begin_older_updates(self, session: ServerSession) -> None:
        """Send updates until no URI is left, or until the connection or the server ends.

        The session of any request of a connection leads to its client.
        """
        if not self._ends_with_connection:
            connection_of(session).exit_stack.callback(self._end_older_updates)
            self._ends_with_connection = True
        self._older_updates = anyio.CancelScope()
        self._watcher.tasks.start_soon(self._send_older_updates, session, self._older_updates)

    def _end_older_updates(self) -> None:
        if self._older_updates is not None:
            self._older_updates.cancel()

    async def _send_older_updates(self, session: ServerSession, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                while self._older_uris:
                    await self._older_uris.send_updates(partial(_send_older_update, session))
                self._older_updates = None
        finally:
            self._older_uris.clear()


async def _send_older_update(session: ServerSession, uri: str, task_ids: AbstractSet[str]) -> None:
    params = ResourceUpdatedNotificationParams(uri=uri, _meta=_changed_tasks(task_ids) or None)
    await session.send_notification(ResourceUpdatedNotification(params=params))


def _changed_tasks(task_ids: AbstractSet[str]) -> dict[str, Any]:
    """Return the ids of the tasks that changed as metadata of a notification; empty without any.

    The protocol leaves `_meta` to the two sides. All ids are there, or none.
    """
    if not 0 < len(task_ids) <= MAX_NAMED:
        return {}
    sanitizer = Sanitizer()
    return {TASK_IDS_META_KEY: [sanitizer.one_line("task_id", one) for one in sorted(task_ids)]}


class _Stream:
    """A stream of 2026-07-28: each notification names the request that it belongs to."""

    def __init__(self, ctx: Ctx) -> None:
        """Open the stream of a request."""
        if ctx.request_id is None:
            raise invalid("subscriptions/listen is a request, and needs an id.")
        self._session = ctx.session
        self._id = ctx.request_id
        self._meta: dict[str, Any] = {SUBSCRIPTION_ID_META_KEY: self._id}

    async def acknowledge(self, uris: list[str]) -> None:
        """Send the URIs that are watched."""
        honored = SubscriptionFilter(resource_subscriptions=uris or None)
        params = SubscriptionsAcknowledgedNotificationParams(
            notifications=honored, _meta=self._meta
        )
        await self._session.send_notification(
            SubscriptionsAcknowledgedNotification(params=params), self._id
        )

    async def send_update(self, uri: str, task_ids: AbstractSet[str]) -> None:
        """Send the URI of a resource that has changed, with the tasks that did."""
        meta = {**self._meta, **_changed_tasks(task_ids)}
        params = ResourceUpdatedNotificationParams(uri=uri, _meta=meta)
        await self._session.send_notification(ResourceUpdatedNotification(params=params), self._id)
