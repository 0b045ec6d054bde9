"""The door for machines: ``POST /share/v1/compare`` and ``POST /share/v1/push``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import anyio
import anyio.to_thread
from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from uniqc_mcp.lab.access.requester import requesting_owner
from uniqc_mcp.lab.errors import LabError, LabRefusedError
from uniqc_mcp.lab.exchange import (
    COMPARE_PATH,
    MAX_BATCH_BYTES,
    PUSH_PATH,
    Compare,
    Compared,
    Push,
    Pushed,
)
from uniqc_mcp.lab.http.problems import problem, unavailable

if TYPE_CHECKING:
    from collections.abc import Callable


MAX_AT_ONCE: Final = 4
"""Messages of one worker that are written at the same time; all others are to come again."""

_SECONDS_TO_WAIT: Final = 2.0
_MAX_PROBLEMS: Final = 3

Message = TypeVar("Message", Compare, Push)

logger = logging.getLogger(__name__)


class Receives(Protocol):
    """Whoever takes the messages of machines."""

    def compare(self, owner: str, message: Compare) -> Compared:
        """Return what is held where it differs."""
        ...

    def push(self, owner: str, message: Push) -> Pushed:
        """Keep tasks, and return once they are kept."""
        ...


class TooLargeError(Exception):
    """A body of more than ``MAX_BATCH_BYTES``."""


class ShareEndpoints:
    """The two addresses that a machine sends its tasks to. The owner is the token's.

    Args:
        receiver: Takes the messages.
        max_at_once: Most messages that are handled at the same time.
    """

    def __init__(self, receiver: Receives, *, max_at_once: int = MAX_AT_ONCE) -> None:
        self._receiver = receiver
        self._places = anyio.Semaphore(max_at_once)

    def routes(self) -> list[Route]:
        """Return the routes, which need a token before them."""
        return [
            Route(f"/{COMPARE_PATH}", self._compare, methods=["POST"]),
            Route(f"/{PUSH_PATH}", self._push, methods=["POST"]),
        ]

    async def _compare(self, request: Request) -> Response:
        return await self._answer(request, Compare, self._receiver.compare)

    async def _push(self, request: Request) -> Response:
        return await self._answer(request, Push, self._receiver.push)

    async def _answer(
        self,
        request: Request,
        kind: type[Message],
        receive: Callable[[str, Message], Compared | Pushed],
    ) -> Response:
        try:
            # Before the body is read: bodies that wait for their turn would fill the memory.
            self._places.acquire_nowait()
        except anyio.WouldBlock:
            return problem(429, "The server is busy.", retry_after=_SECONDS_TO_WAIT)
        try:
            message = kind.model_validate_json(await _body(request))
            answer = await anyio.to_thread.run_sync(receive, requesting_owner(), message)
        except (TooLargeError, ValidationError, ClientDisconnect, LabError) as error:
            return _refusal(error)
        finally:
            self._places.release()
        return Response(answer.model_dump_json(), media_type="application/json")


def _refusal(error: Exception) -> Response:
    """Return the answer on a message that was not taken."""
    match error:
        case TooLargeError():
            return problem(413, f"A message may have {MAX_BATCH_BYTES} bytes at most.")
        case ValidationError():
            return problem(422, _in_words(error))
        case LabRefusedError():
            return problem(422, str(error))
        case ClientDisconnect():
            return problem(400, "The message ended before its end.")
        case _:
            logger.error("a message of a machine was not taken", exc_info=error)
            return unavailable("The database can't take it now.")


async def _body(request: Request) -> bytes:
    """Return the body of a request.

    Raises:
        TooLargeError: It has more than ``MAX_BATCH_BYTES``; the rest is not read.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BATCH_BYTES:
        raise TooLargeError
    body = bytearray()
    async for part in request.stream():
        if len(body) + len(part) > MAX_BATCH_BYTES:
            raise TooLargeError
        body += part
    return bytes(body)


def _in_words(error: ValidationError) -> str:
    """Return what is wrong with a message by its fields, without what stands in them."""
    problems = [
        f"{'.'.join(map(str, one['loc'])) or 'message'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    more = len(problems) - _MAX_PROBLEMS
    others = f"; and {more} more" if more > 0 else ""
    return f"The message is not valid. {'; '.join(problems[:_MAX_PROBLEMS])}{others}."
