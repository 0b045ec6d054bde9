"""The requests that are open: each is logged, and none outlives the server."""

from __future__ import annotations

import asyncio
import logging
import time
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import anyio

from uniqc_mcp.lab.http.authentication import OWNER_KEY
from uniqc_mcp.lab.http.problems import CompletedAnswer, unavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

SECONDS_TO_FINISH: Final = 1.0
"""Seconds that requests get when the server ends. Streams, which have no end, get none."""

FIELDS: Final = "fields"
"""The attribute of a log record that holds the fields of its line."""

logger = logging.getLogger(__name__)


class OpenRequests:
    """An application whose open requests can be ended.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: dict[anyio.CancelScope, bool] = {}
        self._ending = False
        # Once, as making an answer takes a twentieth of the time of a request.
        self._ends = unavailable("The server ends; try again when it is back.")

    def end(self) -> None:
        """End streams now and everything else in a moment, and take no request any more."""
        self._ending = True
        self._cancel(streams_only=True)
        asyncio.get_running_loop().call_later(SECONDS_TO_FINISH, self._cancel)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answer = time.monotonic(), CompletedAnswer(send)
        try:
            await self._handle(scope, receive, answer)
        finally:
            fields = {
                "request": token_hex(16),
                "method": scope["method"],
                "path": scope["path"],  # without the query, whose values may be anybody's
                "owner": scope.get(OWNER_KEY, ""),
                "client": (scope.get("client") or ("",))[0],
                "status": answer.status,
                "ms": round(1000 * (time.monotonic() - began), 1),
            }
            logger.info("request", extra={FIELDS: fields})

    async def _handle(self, scope: Scope, receive: Receive, answer: CompletedAnswer) -> None:
        if self._ending:
            await self._ends(scope, receive, answer.send)
            return
        with anyio.CancelScope() as cancelling:
            # Clients of older revisions keep a GET open for messages that nobody asked for.
            self._open[cancelling] = scope["method"] == "GET"
            try:
                await self._app(scope, receive, answer.send)
            finally:
                del self._open[cancelling]
        if cancelling.cancelled_caught:
            await answer.complete(self._ends)

    def _cancel(self, *, streams_only: bool = False) -> None:
        for cancelling, is_stream in list(self._open.items()):
            if is_stream or not streams_only:
                cancelling.cancel()
