"""The requests that are open: each is logged, and none outlives the server."""

from __future__ import annotations

import asyncio
import logging
import time
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import anyio

from uniqc_mcp.lab.http.problems import CompletedAnswer, unavailable

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

SECONDS_TO_FINISH: Final = 1.0
"""Seconds that requests get when the server ends. Streams, which have no end, get none."""

FIELDS: Final = "fields"
"""The attribute of a log record that holds the fields of its line."""

_KEY: Final = "uniqc_mcp.request"
"""The key in the scope of a request under which it stands as an ``OpenRequest``."""

logger = logging.getLogger(__name__)


class OpenRequest:
    """A request that can be cut off, whose answer is completed all the same.

    One for the end of the server and the end of a token: a cancel scope for each takes a fiftieth
    of the time of a request.

    Args:
        is_stream: Whether it stays open for messages that nobody asked for.

    Attributes:
        owner: The owner of its token, for the log; empty before the token was checked.
    """

    def __init__(self, *, is_stream: bool) -> None:
        self.is_stream = is_stream
        self.owner = ""
        self.cancelling = anyio.CancelScope()
        self.answer_if_cut_off: Response | None = None

    @staticmethod
    def of(scope: Scope) -> OpenRequest:
        """Return the request that is being handled in a scope."""
        request: OpenRequest = scope[_KEY]
        return request

    def cut_off(self, answer: Response) -> None:
        """End it with an answer, which is given if no other has begun."""
        self.answer_if_cut_off = answer
        self.cancelling.cancel()


class OpenRequests:
    """An application whose open requests can be ended.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: set[OpenRequest] = set()
        self._ending = False
        # Once, as making an answer takes a twentieth of the time of a request.
        self._ends = unavailable("The server ends; try again when it is back.")

    def end(self) -> None:
        """End streams now and everything else in a moment, and take no request any more."""
        self._ending = True
        self._cut_off(streams_only=True)
        asyncio.get_running_loop().call_later(SECONDS_TO_FINISH, self._cut_off)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answer = time.monotonic(), CompletedAnswer(send)
        # Clients of older revisions keep a GET open for messages that nobody asked for.
        request = OpenRequest(is_stream=scope["method"] == "GET")
        scope[_KEY] = request
        try:
            await self._handle(request, scope, receive, answer)
        finally:
            if logger.isEnabledFor(logging.INFO):
                _log(request, scope, answer.status, seconds=time.monotonic() - began)

    async def _handle(
        self, request: OpenRequest, scope: Scope, receive: Receive, answer: CompletedAnswer
    ) -> None:
        if self._ending:
            await self._ends(scope, receive, answer.send)
            return
        with request.cancelling:
            self._open.add(request)
            try:
                await self._app(scope, receive, answer.send)
            finally:
                self._open.discard(request)
        if request.cancelling.cancelled_caught:
            await answer.complete(request.answer_if_cut_off or self._ends)

    def _cut_off(self, *, streams_only: bool = False) -> None:
        for request in list(self._open):
            if request.is_stream or not streams_only:
                request.cut_off(self._ends)


def _log(request: OpenRequest, scope: Scope, status: int, *, seconds: float) -> None:
    fields = {
        "request": token_hex(16),
        "method": scope["method"],
        "path": scope["path"],  # without the query, whose values may be anybody's
        "owner": request.owner,
        "client": (scope.get("client") or ("",))[0],
        "status": status,
        "ms": round(1000 * seconds, 1),
    }
    logger.info("request", extra={FIELDS: fields})
