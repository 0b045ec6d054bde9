"""The door: a request goes on only with a token that is valid and allows what it asks for."""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.datastructures import Headers

from uniqc_mcp.lab.errors import LabError
from uniqc_mcp.lab.http.open_requests import OpenRequest
from uniqc_mcp.lab.http.problems import problem, unavailable

if TYPE_CHECKING:
    from starlette.responses import JSONResponse
    from starlette.types import ASGIApp, Receive, Scope, Send

    from uniqc_mcp.lab.access.requester import Grant, Verifier

SECONDS_BETWEEN_CHECKS: Final = 30.0
"""Interval in which the token of a request that goes on is checked again."""

_SCHEME: Final = "bearer "
_MAX_TOKEN_CHARACTERS: Final = 16_384
_MAX_KEPT: Final = 1_000

logger = logging.getLogger(__name__)


class RequireToken:
    """An application behind a token.

    A stream can stay open for days. Its token is checked again from time to time, and the stream
    ends once the token is expired or revoked.

    Args:
        app: The application.
        verifier: The kind of tokens.
        scope: What a token must allow.
        metadata_url: The address of the metadata for clients of an OIDC provider; empty where
            tokens are this server's own, as clients would then ignore a configured token.
        seconds_between_checks: Interval in which the token of an open request is checked.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: Verifier,
        *,
        scope: str,
        metadata_url: str = "",
        seconds_between_checks: float = SECONDS_BETWEEN_CHECKS,
    ) -> None:
        self._app = AuthContextMiddleware(app)
        self._verifier = verifier
        self._scope = scope
        self._metadata_url = metadata_url
        self._seconds_between_checks = seconds_between_checks
        # The SDK checks each value of one, which takes longer than to find it.
        self._user_of = lru_cache(maxsize=_MAX_KEPT)(_user_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        token = bearer_token(Headers(scope=scope))
        try:
            grant = await self._verifier.grant_of(token) if token else None
        except LabError:
            logger.exception("a token could not be checked")
            await unavailable("Tokens can't be checked now.")(scope, receive, send)
            return
        refusal = self._refusal(token, grant)
        if grant is None or refusal is not None:
            await (refusal or self._unauthorized(token))(scope, receive, send)
            return
        OpenRequest.of(scope).owner = grant.owner
        scope["user"] = self._user_of(grant)
        await self._while_valid(token, grant, scope, receive, send)

    async def _while_valid(
        self, token: str, grant: Grant, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Handle a request, and end it early if its token is no longer valid."""
        checks = list[asyncio.Task[None]]()

        def begin() -> None:
            check = asyncio.create_task(self._until_revoked(token, grant))
            check.add_done_callback(end)
            checks.append(check)

        def end(check: asyncio.Task[None]) -> None:
            if not check.cancelled():  # revoked, or a fault: nobody could tell from now on
                OpenRequest.of(scope).cut_off(self._unauthorized(token))

        # A timer, as few requests last so long: a task for each takes a tenth of its time.
        timer = asyncio.get_running_loop().call_later(self._seconds_between_checks, begin)
        try:
            await self._app(scope, receive, send)
        finally:
            timer.cancel()
            for check in checks:
                check.cancel()

    async def _until_revoked(self, token: str, grant: Grant) -> None:
        """Return once a token no longer grants what it did."""
        while await self._still_grants(token, grant):
            await anyio.sleep(self._seconds_between_checks)

    async def _still_grants(self, token: str, grant: Grant) -> bool:
        try:
            return await self._verifier.grant_of(token) == grant
        except LabError:
            # What was let in stays in while nothing can be checked: nothing can be read either.
            return True

    def _refusal(self, token: str, grant: Grant | None) -> JSONResponse | None:
        if grant is None:
            return self._unauthorized(token)
        if self._scope not in grant.scopes:
            challenge = self._challenge(error="insufficient_scope", scope=self._scope)
            return problem(
                403, f"This token does not allow {self._scope}.", headers={_CHALLENGE: challenge}
            )
        return None

    def _unauthorized(self, token: str) -> JSONResponse:
        if not token:
            return problem(
                401,
                "A token is needed: the header Authorization: Bearer TOKEN.",
                headers={_CHALLENGE: self._challenge()},
            )
        challenge = self._challenge(error="invalid_token")
        message = "The token is unknown, expired or revoked."
        return problem(401, message, headers={_CHALLENGE: challenge})

    def _challenge(self, **parts: str) -> str:
        """Return the challenge of RFC 6750, with the metadata of RFC 9728 if there are any."""
        named = {**parts, "resource_metadata": self._metadata_url}
        listed = ", ".join(f'{name}="{value}"' for name, value in named.items() if value)
        return f"Bearer {listed}".rstrip()


_CHALLENGE: Final = "WWW-Authenticate"


def _user_of(grant: Grant) -> AuthenticatedUser:
    """Return the requester as the SDK knows them."""
    return AuthenticatedUser(grant.access_token())


def bearer_token(headers: Headers) -> str:
    """Return the token of a request; empty without one."""
    value = headers.get("authorization", "")
    if value[: len(_SCHEME)].lower() != _SCHEME or len(value) > _MAX_TOKEN_CHARACTERS:
        return ""
    return value[len(_SCHEME) :].strip()
