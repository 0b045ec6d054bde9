"""Tokens of an OIDC provider: only its own signature, for this server, and in time."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

from uniqc_mcp.lab.access.oidc import OidcSettings, OidcTokens
from uniqc_mcp.lab.access.requester import READ, SHARE, Grant
from uniqc_mcp.lab.errors import LabUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

ISSUER = "https://id.example.org/realms/lab"
AUDIENCE = "https://lab.example.org/mcp"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def published(key_id: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """Return the public half of a key as a provider publishes it."""
    if isinstance(key, rsa.RSAPrivateKey):
        made = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    else:
        made = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    return {**made, "kid": key_id, "use": "sig"}


class Provider:
    """A provider whose answers a test chooses, with the requests that it got."""

    def __init__(self) -> None:
        self.keys = [published("rsa", RSA), published("ec", EC)]
        self.issuer = ISSUER
        self.asked: list[str] = []
        self.status = 200

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        if self.status != 200:
            return httpx2.Response(self.status)
        if request.url.path.endswith("/.well-known/openid-configuration"):
            found: Mapping[str, Any] = {
                "issuer": self.issuer,
                "jwks_uri": "https://id.example.org/keys",
            }
            return httpx2.Response(200, json=found)
        return httpx2.Response(200, json={"keys": self.keys})

    def tokens(self, **settings: str) -> OidcTokens:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer))
        return OidcTokens(OidcSettings(issuer=ISSUER, audience=AUDIENCE, **settings), client)


@pytest.fixture
def provider() -> Provider:
    return Provider()


def claims(**changed: Any) -> dict[str, Any]:
    right = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "3f2a",
        "exp": int(time.time()) + 300,
        "scope": f"openid {READ}",
        "preferred_username": "alice",
    }
    return {name: value for name, value in {**right, **changed}.items() if value is not None}


def signed(
    payload: Mapping[str, Any], *, key: Any = RSA, key_id: str = "rsa", algorithm: str = "RS256"
) -> str:
    return jwt.encode(dict(payload), key, algorithm=algorithm, headers={"kid": key_id})


@pytest.mark.parametrize(
    ("key", "key_id", "algorithm"), [(RSA, "rsa", "RS256"), (EC, "ec", "ES256")]
)
async def test_a_valid_token_grants_its_subject_its_scopes(
    provider: Provider, key: Any, key_id: str, algorithm: str
) -> None:
    token = signed(claims(), key=key, key_id=key_id, algorithm=algorithm)
    grant = await provider.tokens().grant_of(token)
    assert grant is not None
    assert (grant.owner, grant.scopes) == ("3f2a", frozenset({READ}))
    assert token not in repr(grant.access_token())


async def test_scopes_may_be_a_list(provider: Provider) -> None:
    grant = await provider.tokens().grant_of(signed(claims(scope=None, scp=[READ, SHARE, "x"])))
    assert grant is not None
    assert grant.scopes == {READ, SHARE}


async def test_another_claim_names_the_owner_if_the_operator_says_so(provider: Provider) -> None:
    tokens = provider.tokens(owner_claim="preferred_username")
    grant = await tokens.grant_of(signed(claims()))
    assert grant is not None
    assert grant.owner == "alice"
    assert await tokens.grant_of(signed(claims(preferred_username=None))) is None
    assert await tokens.grant_of(signed(claims(preferred_username=7))) is None
    assert await tokens.grant_of(signed(claims(preferred_username="a\nbob"))) is None


@pytest.mark.parametrize(
    ("verified", "granted"), [(True, True), (False, False), (None, False), ("true", False)]
)
async def test_an_address_counts_only_if_the_provider_verified_it(
    provider: Provider, verified: object, granted: object
) -> None:
    tokens = provider.tokens(owner_claim="email")
    token = signed(claims(email="alice@example.org", email_verified=verified))
    assert (await tokens.grant_of(token) is not None) == granted


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://id.example.org/realms/other"},
        {"aud": "https://other.example.org/mcp"},
        {"aud": None},
        {"sub": None},
        {"exp": None},
        {"exp": 1_000_000_000},  # in 2001
        {"nbf": 4_000_000_000},  # in 2096
    ],
    ids=str,
)
async def test_a_token_for_others_or_out_of_time_grants_nothing(
    provider: Provider, changed: Mapping[str, Any]
) -> None:
    assert await provider.tokens().grant_of(signed(claims(**changed))) is None


async def test_a_forged_signature_grants_nothing(provider: Provider) -> None:
    tokens = provider.tokens()
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    encoded = base64url_encode
    unsigned = b".".join(
        encoded(json.dumps(part).encode()) for part in ({"alg": "none", "kid": "rsa"}, claims())
    )
    body = encoded(json.dumps(claims()).encode())
    head = encoded(json.dumps({"alg": "HS256", "kid": "rsa"}).encode())
    mac = HMACAlgorithm(HMACAlgorithm.SHA256)
    with_public_key = b".".join([head, body, encoded(mac.sign(head + b"." + body, public))])
    forged = [
        signed(claims(), key=stranger),
        signed(claims(), key=EC, algorithm="ES256"),  # says that it is signed by the other key
        signed(claims(), key_id="unknown"),
        f"{unsigned.decode()}.",
        with_public_key.decode(),
        "not.a.token",
        "uqm_" + "A" * 43,
    ]
    for token in forged:
        assert await tokens.grant_of(token) is None, token


async def test_a_shared_secret_among_the_keys_is_not_used(provider: Provider) -> None:
    secret = b"secret-that-the-provider-published"
    encoded = base64url_encode(secret).decode()
    provider.keys.append({"kty": "oct", "k": encoded, "kid": "shared"})
    token = signed(claims(), key=secret, key_id="shared", algorithm="HS256")
    assert await provider.tokens().grant_of(token) is None


async def test_keys_are_fetched_once_and_again_for_an_unknown_one_but_not_each_time(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = provider.tokens()
    for _ in range(3):
        assert await tokens.grant_of(signed(claims())) is not None
    assert len(provider.asked) == 2
    new = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    provider.keys.append(published("new", new))
    token = signed(claims(), key=new, key_id="new")
    assert await tokens.grant_of(token) is None
    assert len(provider.asked) == 2
    monkeypatch.setattr("uniqc_mcp.lab.access.oidc._SECONDS_BETWEEN_FETCHES", 0)
    assert await tokens.grant_of(token) is not None
    assert len(provider.asked) == 4


@pytest.mark.parametrize("fault", ["status", "issuer", "keys"])
async def test_a_provider_that_gives_no_keys_is_told_and_is_no_refusal(
    provider: Provider, fault: str
) -> None:
    setattr(provider, fault, {"status": 503, "issuer": "https://evil.example", "keys": []}[fault])
    with pytest.raises(LabUnavailableError):
        await provider.tokens().grant_of(signed(claims()))


async def test_a_new_token_of_the_same_person_is_the_same_requester(provider: Provider) -> None:
    tokens = provider.tokens()
    first, second = [
        await tokens.grant_of(signed(claims(exp=int(time.time()) + seconds, jti=str(seconds))))
        for seconds in (100, 200)
    ]
    assert isinstance(first, Grant)
    assert isinstance(second, Grant)
    assert first.name == second.name
    other = await tokens.grant_of(signed(claims(sub="bob")))
    assert other is not None
    assert other.name != first.name
