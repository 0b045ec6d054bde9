"""Tokens of an OIDC provider: signed, and checked by the keys that the provider publishes."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import httpx2
import jwt

from uniqc_mcp.lab.access.requester import SCOPES, Grant
from uniqc_mcp.lab.database.viewer import check_owner
from uniqc_mcp.lab.errors import LabUnavailableError
from uniqc_store import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""The signatures that are taken: none that a published key alone could make."""

DEFAULT_OWNER_CLAIM: Final = "sub"
"""The claim that names the person: with the issuer the only one that a provider never reuses.

OpenID Connect Core, section 5.7, says so, and that ``preferred_username`` and ``email`` must not
be relied on as unique.
"""

_DISCOVERY: Final = "/.well-known/openid-configuration"
_SECONDS_OF_KEYS: Final = 600.0
_SECONDS_BETWEEN_FETCHES: Final = 10.0
"""Shortest time between two fetches of the keys, which a token of an unknown key asks for."""

_SECONDS_WITHOUT_PROVIDER: Final = 3_600.0
"""Seconds that keys stay in use while the provider gives no others."""

_SECONDS_OF_A_FETCH: Final = 5.0
_MAX_BYTES: Final = 1_000_000
_LEEWAY: Final = 30
"""Seconds by which the clocks of the provider and of this machine may differ."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """The provider, and what its tokens must say.

    Attributes:
        issuer: The provider's address, as its tokens name it.
        audience: The name by which its tokens are meant for this server.
        owner_claim: The claim that names the person.
    """

    issuer: str
    audience: str
    owner_claim: str = DEFAULT_OWNER_CLAIM


class OidcTokens:
    """The tokens of one provider. It issues them, and this server never does.

    Args:
        settings: The provider.
        client: For the provider's keys; None for one of its own.
    """

    def __init__(self, settings: OidcSettings, client: httpx2.AsyncClient | None = None) -> None:
        self._settings = settings
        self._client = client or httpx2.AsyncClient(timeout=_SECONDS_OF_A_FETCH)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._failed = False
        self._fetching = anyio.Lock()

    async def grant_of(self, token: str) -> Grant | None:
        """Return what a token allows; None if it is not valid.

        Raises:
            LabUnavailableError: The provider's keys can't be had.
        """
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")))
            if key is None or header.get("alg") not in ALGORITHMS:
                return None
            claims = cast("Mapping[str, Any]", self._decoded(token, key))
        except jwt.PyJWTError as error:
            logger.info("a token was refused: %s", type(error).__name__)
            return None
        return _grant(claims, self._settings.owner_claim)

    def _decoded(self, token: str, key: jwt.PyJWK) -> object:
        """Return the claims of a token whose signature, issuer, audience and times are right."""
        return jwt.decode(
            token,
            key,
            # PyJWT compares the token's algorithm with these, and the key's own with the token's.
            algorithms=[*ALGORITHMS],
            issuer=self._settings.issuer,
            audience=self._settings.audience,
            leeway=_LEEWAY,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )

    async def _key(self, key_id: str) -> jwt.PyJWK | None:
        """Return the key with a name, fetched again where it is unknown or old.

        Anybody can send a token of an unknown key. Holders of others do not wait for that fetch.
        """
        known = self._keys.get(key_id)
        if known is not None and self._age < _SECONDS_OF_KEYS:
            return known
        async with self._fetching:
            if time.monotonic() - self._tried_at > _SECONDS_BETWEEN_FETCHES:
                await self._try_to_fetch()
        known = self._keys.get(key_id)
        if self._failed and (known is None or self._age > _SECONDS_WITHOUT_PROVIDER):
            raise LabUnavailableError("the OIDC provider's keys can't be had")
        return known

    @property
    def _age(self) -> float:
        return time.monotonic() - self._fetched_at

    async def _try_to_fetch(self) -> None:
        self._tried_at = time.monotonic()
        try:
            self._keys = await self._fetch()
        except LabUnavailableError as error:
            self._failed = True
            logger.warning("%s", error)
        else:
            self._failed = False
            self._fetched_at = time.monotonic()

    async def _fetch(self) -> dict[str, jwt.PyJWK]:
        issuer = self._settings.issuer
        try:
            found = await self._json(f"{issuer.rstrip('/')}{_DISCOVERY}")
            if found.get("issuer") != issuer:
                raise LabUnavailableError("the OIDC provider names another issuer")
            published = jwt.PyJWKSet.from_dict(await self._json(str(found["jwks_uri"])))
        except (httpx2.HTTPError, ValueError, TypeError, KeyError, jwt.PyJWTError) as error:
            detail = f"the keys of the OIDC provider can't be had: {type(error).__name__}"
            raise LabUnavailableError(detail) from error
        return {key.key_id or "": key for key in published.keys if key.key_type != "oct"}

    async def _json(self, url: str) -> dict[str, Any]:
        answer = await self._client.get(url, follow_redirects=False)
        answer.raise_for_status()
        if len(answer.content) > _MAX_BYTES:
            raise ValueError("too long")
        found = answer.json()
        if not isinstance(found, dict):
            raise TypeError("not an object")
        return cast("dict[str, Any]", found)


def _grant(claims: Mapping[str, Any], owner_claim: str) -> Grant | None:
    """Return what valid claims allow; None if they name nobody."""
    owner = claims.get(owner_claim)
    if owner_claim == "email" and claims.get("email_verified") is not True:
        return None
    try:
        check_owner(owner if isinstance(owner, str) else "")
    except InvalidValueError:
        logger.warning("a token has no usable claim %s", owner_claim)
        return None
    named: object = claims.get("scope", claims.get("scp", ""))
    scopes = named.split() if isinstance(named, str) else ()
    if isinstance(named, list):
        scopes = [str(one) for one in cast("list[object]", named)]
    subject = f"{claims['iss']} {claims['sub']}"
    return Grant(
        owner=str(owner),
        # A new token of the same person goes on with the session of the one before.
        name=f"oidc-{hashlib.sha256(subject.encode()).hexdigest()[:12]}",
        scopes=frozenset(scopes) & frozenset(SCOPES),
        expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
    )
