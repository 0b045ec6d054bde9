"""The protocol's requests about subscriptions, registered on the SDK's low-level server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mcp_types import (
    DiscoverResult,
    EmptyResult,
    RequestParams,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    UnsubscribeRequestParams,
)

from uniqc_mcp.protocol.errors import with_request_errors

if TYPE_CHECKING:
    from mcp.server.context import HandlerResult, ServerRequestContext
    from mcp.server.lowlevel import Server
    from mcp.server.session import ServerSession

    from uniqc_mcp.subscriptions.subscriber import Subscriptions


class HasSubscriptions(Protocol):
    """A lifespan context that holds the subscriptions of each client."""

    def subscriptions_of(self, session: ServerSession) -> Subscriptions:
        """Return the subscriptions of the client that a request came from."""
        ...


Context = TypeVar("Context", bound=HasSubscriptions)


def serve_subscriptions(server: Server[Context]) -> None:
    """Register the handlers of both versions, and advertise only what can change.

    Raises:
        RuntimeError: The server has no handler of ``server/discover`` to build on.
    """
    sdk_discover = server.get_request_handler("server/discover")
    if sdk_discover is None:
        raise RuntimeError("the SDK serves server/discover by itself")

    async def listen(
        ctx: ServerRequestContext[Context, Any], params: SubscriptionsListenRequestParams
    ) -> HandlerResult:
        await ctx.lifespan_context.subscriptions_of(ctx.session).listen(ctx, params)

    async def subscribe(
        ctx: ServerRequestContext[Context, Any], params: SubscribeRequestParams
    ) -> EmptyResult:
        return await ctx.lifespan_context.subscriptions_of(ctx.session).subscribe(ctx, params)

    async def unsubscribe(
        ctx: ServerRequestContext[Context, Any], params: UnsubscribeRequestParams
    ) -> EmptyResult:
        return await ctx.lifespan_context.subscriptions_of(ctx.session).unsubscribe(params)

    async def discover_what_changes(
        ctx: ServerRequestContext[Context, Any], params: RequestParams
    ) -> HandlerResult:
        discovered = await sdk_discover.handler(ctx, params)
        if isinstance(discovered, DiscoverResult):
            # With streams, the SDK advertises that every list may change. These never do.
            capabilities = discovered.capabilities
            for lists in (capabilities.tools, capabilities.prompts, capabilities.resources):
                if lists is not None:
                    lists.list_changed = False
        return discovered

    server.add_request_handler(
        "subscriptions/listen", SubscriptionsListenRequestParams, with_request_errors(listen)
    )
    server.add_request_handler(
        "resources/subscribe", SubscribeRequestParams, with_request_errors(subscribe)
    )
    server.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)
    server.add_request_handler("server/discover", RequestParams, discover_what_changes)
