"""Telling clients which resources have changed, on either generation of the protocol.

Clients of 2026-07-28 open a stream with ``subscriptions/listen``; older ones subscribe to one
address after the other with ``resources/subscribe``. Both are told the address that they gave, in
the very form that they gave it in. Who reads slowly is told once of what changed often.
"""

from __future__ import annotations

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

from uniqc_mcp.protocol.errors import invalid
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.subscriptions.watched_uris import ACTIVE, STORE, WatchedUris, can_change

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext
    from mcp.server.session import ServerSession

    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_store import TaskStore

Ctx: TypeAlias = "ServerRequestContext[Any, Any]"

MAX_ADDRESSES = 1_000
"""Addresses that one client may subscribe to."""


class Subscriptions:
    """What one client listens to.

    Args:
        store: Where an address that gives a platform's id leads to its task.
        live: What watches it.
    """

    def __init__(self, store: TaskStore, watcher: StoreWatcher) -> None:
        self._store = store
        self._watcher = watcher
        self._older = WatchedUris(store, watcher)
        self._telling_older = False
        # What a client asks for takes effect in the order in which it asks.
        self._turn = anyio.Lock()

    async def listen(self, ctx: Ctx, params: SubscriptionsListenRequestParams) -> NoReturn:
        """Serve one stream of 2026-07-28, until the client closes it or the server ends.

        It is acknowledged with just the addresses that can change. The lists of tools, resources
        and prompts never do.
        """
        asked = params.notifications.resource_subscriptions or ()
        uris = [uri for uri in dict.fromkeys(asked) if can_change(uri)][:MAX_ADDRESSES]
        stream = _Stream(ctx)
        watched = WatchedUris(self._store, self._watcher)
        try:
            await watched.add(uris)
            await stream.acknowledge(uris)
            await watched.tell(stream.tell)
        finally:
            watched.clear()
        await anyio.sleep_forever()
        raise AssertionError("sleeping never ends")

    async def subscribe(self, ctx: Ctx, params: SubscribeRequestParams) -> EmptyResult:
        """Begin to tell a client of an older revision of one address."""
        uri = params.uri
        if not can_change(uri):
            raise invalid(
                f"{quoted(uri)} is nothing to subscribe to; there are {STORE}, {ACTIVE} and "
                "uniqc://task/TASK_ID."
            )
        async with self._turn:
            if uri in self._older:
                return EmptyResult()
            if len(self._older) == MAX_ADDRESSES:
                raise invalid(f"No more than {MAX_ADDRESSES} addresses can be subscribed to.")
            await self._older.add([uri])
            if not self._telling_older:
                self._watcher.tasks.start_soon(self._tell_older, ctx.session)
                self._telling_older = True
        return EmptyResult()

    async def unsubscribe(self, params: UnsubscribeRequestParams) -> EmptyResult:
        """Tell it no more."""
        async with self._turn:
            self._older.remove(params.uri)
        return EmptyResult()

    async def _tell_older(self, session: ServerSession) -> None:
        """By the session of any request: they all lead to the one client."""
        try:
            while self._older:
                await self._older.tell(session.send_resource_updated)
            self._telling_older = False
        finally:
            self._older.clear()


class _Stream:
    """What a client of 2026-07-28 reads: each line says which of its requests it belongs to."""

    def __init__(self, ctx: Ctx) -> None:
        if ctx.request_id is None:
            raise invalid("subscriptions/listen is a request, and needs an id.")
        self._session = ctx.session
        self._id = ctx.request_id
        self._meta: dict[str, Any] = {SUBSCRIPTION_ID_META_KEY: self._id}

    async def acknowledge(self, uris: list[str]) -> None:
        honored = SubscriptionFilter(resource_subscriptions=uris or None)
        params = SubscriptionsAcknowledgedNotificationParams(
            notifications=honored, _meta=self._meta
        )
        await self._session.send_notification(
            SubscriptionsAcknowledgedNotification(params=params), self._id
        )

    async def tell(self, uri: str) -> None:
        params = ResourceUpdatedNotificationParams(uri=uri, _meta=self._meta)
        await self._session.send_notification(ResourceUpdatedNotification(params=params), self._id)
