"""The person that a request comes from, which is taken from its token here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

if TYPE_CHECKING:
    from datetime import datetime

READ: Final = "tasks:read"
SHARE: Final = "tasks:share"
SCOPES: Final = (READ, SHARE)


class NoRequesterError(RuntimeError):
    """A request that nobody's token came with, which must not have been let in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The rights of a valid token, and its owner.

    Attributes:
        owner: The person.
        name: The name of the token, which is no secret.
        scopes: What it allows, of :data:`SCOPES`.
        expires_at: The time from which it is refused; None for never.
    """

    owner: str
    name: str
    scopes: frozenset[str]
    expires_at: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        """Return whether it is refused from a time on."""
        return self.expires_at is not None and now >= self.expires_at

    def access_token(self) -> AccessToken:
        """Return the value by which the SDK knows a requester; it does not hold the token.

        The SDK lets a session go on only where all of name, issuer and subject are the same.
        """
        return AccessToken(
            token=self.name,
            client_id=self.name,
            scopes=sorted(self.scopes),
            expires_at=None if self.expires_at is None else int(self.expires_at.timestamp()),
            subject=self.owner,
        )


class Verifier(Protocol):
    """A kind of tokens."""

    async def grant_of(self, token: str) -> Grant | None:
        """Return what a token allows; None if it is unknown, expired or revoked.

        Raises:
            LabUnavailableError: It can't be told now.
        """
        ...


def requesting_owner() -> str:
    """Return the person that the request being handled comes from.

    Raises:
        NoRequesterError: There is none.
    """
    token = get_access_token()
    if token is None or not token.subject:
        raise NoRequesterError("a request without a requester reached a tool")
    return token.subject
