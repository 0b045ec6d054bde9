"""``GET /healthz``: whether this server can answer, for whoever restarts or routes to it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
from starlette.responses import JSONResponse, Response

from uniqc_mcp.lab.errors import LabError, LabSchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

HEALTH: Final = "/healthz"

_SECONDS_TO_ANSWER: Final = 1.0
"""Seconds that the database has to answer in."""

_SECONDS_KEPT: Final = 1.0
"""Seconds that an answer is good for."""

logger = logging.getLogger(__name__)


class Health:
    """The address that tells whether the database answers, and nothing else about it.

    Everybody may ask. So the database is asked once a second at most.

    Args:
        check: Returns if the database answers and has the tables of this release.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._asking = anyio.Lock()
        self._problem = ""
        self._good_until = 0.0

    async def answer(self, _: Request) -> Response:
        """Return 200, or 503 with the reason."""
        async with self._asking:
            if time.monotonic() >= self._good_until:
                self._problem = await self._ask()
                self._good_until = time.monotonic() + _SECONDS_KEPT
            found = self._problem
        if found:
            return JSONResponse({"status": "unavailable", "error": found}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def _ask(self) -> str:
        """Return why the database can't be used; empty if it can."""
        with anyio.move_on_after(_SECONDS_TO_ANSWER):
            try:
                # What the thread still waits for is abandoned, as the caller is to be told.
                await anyio.to_thread.run_sync(self._check, abandon_on_cancel=True)
            except LabSchemaError as error:
                return str(error)
            except LabError:
                logger.exception("the database does not answer")
                return "The database can't be reached."
            return ""
        return f"The database did not answer within {_SECONDS_TO_ANSWER:g} s."
