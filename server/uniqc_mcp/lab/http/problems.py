"""Answers of HTTP that are no success, and the end of one that is cut off."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from uniqc_mcp.lab.exchange import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.types import Message, Send


def problem(
    status: int,
    error: str,
    *,
    retry_after: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the answer on a problem, with ``Retry-After`` if trying again helps."""
    all_headers = dict(headers or {})
    if retry_after is not None:
        all_headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    body = Problem(error=error, retry_after=retry_after).model_dump(exclude_none=True)
    return JSONResponse(body, status_code=status, headers=all_headers)


def unavailable(error: str, *, retry_after: float = 5.0) -> JSONResponse:
    """Return the answer while the database or the server itself can't answer."""
    return problem(503, error, retry_after=retry_after)


class CompletedAnswer:
    """The sending half of a request that may be cut off, whose answer is completed all the same.

    Args:
        send: Sends a part of the answer.
    """

    def __init__(self, send: Send) -> None:
        """Begin with nothing sent."""
        self._send = send
        self._complete = False
        self.status = 0

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            self._complete = True
        await self._send(message)

    async def complete(self, otherwise: Response) -> None:
        """End the answer where it is, or give another where it has not begun."""
        if self._complete:
            return
        if self.status:
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await otherwise({"type": "http"}, _no_more, self.send)


async def _no_more() -> Message:
    return {"type": "http.disconnect"}
