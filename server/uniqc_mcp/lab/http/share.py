"""The door for machines: ``POST /share/v1/compare`` and ``POST /share/v1/push``."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import anyio
import anyio.to_thread
from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from uniqc_mcp.lab.access.requester import requesting_owner
from uniqc_mcp.lab.errors import LabError, LabOutOfStepError, LabRefusedError
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
"""Messages of one worker that are read and written at the same time."""

MAX_OF_AN_OWNER: Final = 2
"""Those of one owner, whose network may be slow, so that others are not kept waiting by it."""

_SECONDS_FOR_A_PLACE: Final = 5.0
"""Seconds that a message waits for its turn before it is to come again.

Machines that were started together compare at the same moment, and each comparison is short.
"""

_SECONDS_FOR_A_PART: Final = 10.0
"""Seconds without anything of a body, after which its machine has gone."""

_SECONDS_FOR_A_BODY: Final = 120.0
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


_NOT_TAKEN: Final = (
    TooLargeError,
    TimeoutError,
    ClientDisconnect,
    ValidationError,
    LabRefusedError,
    LabOutOfStepError,
)
"""Faults of a message or of its machine; those of the database are other errors."""


class ShareEndpoints:
    """The two addresses that a machine sends its tasks to. The owner is the token's.

    Args:
        receiver: Takes the messages.
        max_at_once: Most messages that are handled at the same time.
    """

    def __init__(self, receiver: Receives, *, max_at_once: int = MAX_AT_ONCE) -> None:
        self._receiver = receiver
        self._places = anyio.Semaphore(max_at_once)
        self._places_of: dict[str, anyio.Semaphore] = {}

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
        owner = requesting_owner()
        async with AsyncExitStack() as places:
            with anyio.move_on_after(_SECONDS_FOR_A_PLACE) as waiting:
                # Before the body is read: bodies that wait for their turn would fill the memory.
                await places.enter_async_context(self._of_an_owner(owner))
                await places.enter_async_context(self._places)
            if waiting.cancelled_caught:
                return problem(429, "The server is busy.", retry_after=_SECONDS_TO_WAIT)
            try:
                message = kind.model_validate_json(await _body(request))
                answer = await anyio.to_thread.run_sync(receive, owner, message)
            except _NOT_TAKEN as error:
                return _refusal(error)
            except LabError:
                logger.exception("a message of a machine was not taken")
                return unavailable("The database can't take it now.")
        return Response(answer.model_dump_json(), media_type="application/json")

    def _of_an_owner(self, owner: str) -> anyio.Semaphore:
        """Return the places of one owner; owners are as many as have tokens."""
        return self._places_of.setdefault(owner, anyio.Semaphore(MAX_OF_AN_OWNER))


def _refusal(
    error: TooLargeError
    | TimeoutError
    | ClientDisconnect
    | ValidationError
    | LabRefusedError
    | LabOutOfStepError,
) -> Response:
    """Return the answer on a message that was not taken."""
    match error:
        case TooLargeError():
            return problem(413, f"A message may have {MAX_BATCH_BYTES} bytes at most.")
        case ValidationError():
            return problem(422, _in_words(error))
        case LabRefusedError():
            return problem(422, str(error))
        case LabOutOfStepError():
            return problem(409, str(error))
        case ClientDisconnect():
            return problem(400, "The message ended before its end.")
        case TimeoutError():
            return problem(408, "The message came too slowly.", retry_after=_SECONDS_TO_WAIT)


async def _body(request: Request) -> bytes:
    """Return the body of a request.

    Raises:
        TooLargeError: It has more than ``MAX_BATCH_BYTES``; the rest is not read.
        TimeoutError: It comes too slowly, or no longer.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BATCH_BYTES:
        raise TooLargeError
    body, parts = bytearray(), request.stream()
    with anyio.fail_after(_SECONDS_FOR_A_BODY):
        while True:
            with anyio.fail_after(_SECONDS_FOR_A_PART):
                part = await anext(parts, None)
            if part is None:
                return bytes(body)
            if len(body) + len(part) > MAX_BATCH_BYTES:
                raise TooLargeError
            body += part


def _in_words(error: ValidationError) -> str:
    """Return what is wrong with a message by its fields, without what stands in them."""
    problems = [
        f"{'.'.join(map(str, one['loc'])) or 'message'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    more = len(problems) - _MAX_PROBLEMS
    others = f"; and {more} more" if more > 0 else ""
    return f"The message is not valid. {'; '.join(problems[:_MAX_PROBLEMS])}{others}."
