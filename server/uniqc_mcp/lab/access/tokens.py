"""This server's own tokens: random texts of which only a digest is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.access.requester import SCOPES, Grant
from uniqc_mcp.lab.database.shared_lookups import SharedLookups
from uniqc_mcp.lab.database.viewer import NOBODY, check_owner
from uniqc_mcp.lab.errors import LabRefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from psycopg import Connection

    from uniqc_mcp.lab.database.pool import Database

PREFIX: Final = "uqm_"
"""The beginning of every token, by which scanners for leaked credentials find one."""

SECONDS_KEPT: Final = 5.0
"""Seconds that a token counts as checked, and so the time until a revoked one is refused."""

_BYTES: Final = 32
_ID_CHARACTERS: Final = 12
_MAX_KEPT: Final = 10_000
_UNCHECKED: Final = (0.0, None)

_COLUMNS: Final = "token_id, digest, owner, label, scopes, created_at, expires_at, revoked_at"
_FIND: Final = f"SELECT {_COLUMNS} FROM token WHERE token_id = ANY(%s)"  # noqa: S608 - constants
_LIST: Final = f"SELECT {_COLUMNS} FROM token ORDER BY owner ASC, created_at ASC"  # noqa: S608
_ADD: Final = f"INSERT INTO token ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, NULL)"  # noqa: S608
_REVOKE: Final = """
    UPDATE token SET revoked_at = %s
    WHERE revoked_at IS NULL AND (token_id = %s OR owner = %s) RETURNING token_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token as the database keeps it, without its text.

    Attributes:
        token_id: The beginning of its digest, which names it in logs and lists.
        digest: Its SHA-256 in hexadecimal digits. A token has 256 random bits, so that no slower
            function is needed.
        owner: The person.
        label: What it is for, in the operator's words.
        scopes: What it allows.
        created_at: When it was made.
        expires_at: From when it is refused; None for never.
        revoked_at: When it was revoked; None for a valid one.
    """

    token_id: str
    digest: str
    owner: str
    label: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def grant_at(self, now: datetime) -> Grant | None:
        """Return what it allows at a time; None if it is expired or revoked."""
        if self.revoked_at is not None:
            return None
        grant = Grant(
            owner=self.owner,
            name=self.token_id,
            scopes=frozenset(self.scopes),
            expires_at=self.expires_at,
        )
        return None if grant.is_expired(now) else grant


def add_token(
    connection: Connection[Any],
    owner: str,
    *,
    scopes: Iterable[str],
    label: str = "",
    expires_at: datetime | None = None,
) -> tuple[str, StoredToken]:
    """Make a token; return it, which is kept nowhere, and what is kept of it.

    Args:
        connection: Of the owner of the tables.
        owner: The person.
        scopes: What it is to allow.
        label: What it is for.
        expires_at: From when it is refused; None for never.

    Raises:
        LabRefusedError: There is no scope, or one that is none.
        InvalidValueError: The name of the owner can't be one.
    """
    allowed = tuple(sorted(set(scopes)))
    if not allowed or not set(allowed) <= set(SCOPES):
        raise LabRefusedError(f"The scopes of a token are of {', '.join(SCOPES)}.")
    token = f"{PREFIX}{secrets.token_urlsafe(_BYTES)}"
    digest = _digest(token)
    stored = StoredToken(
        token_id=digest[:_ID_CHARACTERS],
        digest=digest,
        owner=check_owner(owner),
        label=label,
        scopes=allowed,
        created_at=datetime.now(UTC),
        expires_at=expires_at,
        revoked_at=None,
    )
    values = (stored.token_id, digest, owner, label, [*allowed], stored.created_at, expires_at)
    with connection.transaction():
        connection.execute(_ADD, values)
    return token, stored


def list_tokens(connection: Connection[Any]) -> Sequence[StoredToken]:
    """Return what is kept of all tokens, by their owners."""
    with connection.transaction():
        return [_stored(row) for row in connection.execute(_LIST)]


def revoke_tokens(
    connection: Connection[Any], *, token_id: str = "", owner: str = ""
) -> Sequence[str]:
    """Revoke one token by its id, or all of a person; return the ids of those revoked now."""
    values = (datetime.now(UTC), token_id, owner)
    with connection.transaction():
        return [row[0] for row in connection.execute(_REVOKE, values)]


class StaticTokens:
    """The tokens in a database, as the server checks them.

    Args:
        database: The database.
        seconds_kept: Seconds that a token counts as checked.
    """

    def __init__(self, database: Database, *, seconds_kept: float = SECONDS_KEPT) -> None:
        self._database = database
        self._seconds_kept = seconds_kept
        self._checked: dict[str, tuple[float, Grant]] = {}
        self._looking_up = SharedLookups(self._find)

    async def grant_of(self, token: str) -> Grant | None:
        """Return what a token allows; None if it is unknown, expired or revoked."""
        if not token.startswith(PREFIX):
            return None
        digest, now = _digest(token), time.monotonic()
        until, grant = self._checked.get(digest, _UNCHECKED)
        if grant is None or now >= until:
            stored = await self._looking_up.result(digest)
            grant = None if stored is None else stored.grant_at(datetime.now(UTC))
            if grant is None:
                return None
            self._keep(digest, now + self._seconds_kept, grant)
        return None if grant.is_expired(datetime.now(UTC)) else grant

    def _find(self, digests: Collection[str]) -> Mapping[str, StoredToken]:
        """Return those of these tokens that there are, by their digests."""
        ids = [digest[:_ID_CHARACTERS] for digest in digests]
        found = {row[0]: _stored(row) for row in self._database.ask(NOBODY, (_FIND, (ids,)))}
        return {
            digest: stored
            for digest in digests
            # The id finds the row. What is secret is compared in a time that tells nothing of it.
            if (stored := found.get(digest[:_ID_CHARACTERS])) is not None
            and hmac.compare_digest(stored.digest, digest)
        }

    def _keep(self, digest: str, until: float, grant: Grant) -> None:
        if len(self._checked) >= _MAX_KEPT:
            self._checked.clear()
        self._checked[digest] = until, grant


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _stored(row: Sequence[Any]) -> StoredToken:
    token_id, digest, owner, label, scopes, created_at, expires_at, revoked_at = row
    return StoredToken(
        token_id=token_id,
        digest=digest,
        owner=owner,
        label=label,
        scopes=tuple(scopes),
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
