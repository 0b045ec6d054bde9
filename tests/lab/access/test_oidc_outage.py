"""A provider that is slow or away, and tokens of unknown keys that anybody may send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx2
import pytest
from tests.lab.access.test_oidc import AUDIENCE, ISSUER, Provider, claims, signed

from uniqc_mcp.lab.access import oidc
from uniqc_mcp.lab.access.oidc import OidcSettings, OidcTokens
from uniqc_mcp.lab.errors import LabUnavailableError

if TYPE_CHECKING:
    from uniqc_mcp.lab.access.requester import Grant


async def test_known_keys_stay_in_use_for_a_while_without_the_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = Provider()
    tokens = provider.tokens()
    assert await tokens.grant_of(signed(claims())) is not None
    provider.status = 503
    monkeypatch.setattr(oidc, "_SECONDS_OF_KEYS", -1)
    monkeypatch.setattr(oidc, "_SECONDS_BETWEEN_FETCHES", -1)
    assert await tokens.grant_of(signed(claims())) is not None
    monkeypatch.setattr(oidc, "_SECONDS_WITHOUT_PROVIDER", 0)
    with pytest.raises(LabUnavailableError):
        await tokens.grant_of(signed(claims()))
    provider.status = 200
    assert await tokens.grant_of(signed(claims())) is not None


async def test_a_provider_that_is_away_is_not_asked_for_each_token() -> None:
    provider = Provider()
    provider.status = 503
    tokens = provider.tokens()
    for number in range(20):
        with pytest.raises(LabUnavailableError):
            await tokens.grant_of(signed(claims(), key_id=f"unknown-{number}"))
    assert len(provider.asked) == 1


async def test_holders_of_known_keys_do_not_wait_for_the_fetch_of_an_unknown_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider, slow, asked = Provider(), False, anyio.Event()

    async def answer(request: httpx2.Request) -> httpx2.Response:
        if slow:
            asked.set()
            await anyio.sleep_forever()
        return provider.answer(request)

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    tokens = OidcTokens(OidcSettings(issuer=ISSUER, audience=AUDIENCE), client)
    assert await tokens.grant_of(signed(claims())) is not None
    monkeypatch.setattr(oidc, "_SECONDS_BETWEEN_FETCHES", -1)
    slow = True
    granted: list[Grant | None] = []
    async with anyio.create_task_group() as group:
        group.start_soon(tokens.grant_of, signed(claims(), key_id="unknown"))
        with anyio.fail_after(60):
            await asked.wait()
            granted.append(await tokens.grant_of(signed(claims())))
        group.cancel_scope.cancel()
    assert granted != [None]
