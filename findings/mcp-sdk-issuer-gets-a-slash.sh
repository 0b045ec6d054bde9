#!/usr/bin/env bash
# mcp 2.3.0: what its server tells of an OIDC provider is refused by its own client.
#
# create_protected_resource_routes takes the provider as an AnyHttpUrl, which adds a slash to an address
# without a path. The provider's own metadata name it without the slash, as RFC 8414, section 3.3, compares
# byte for byte. The client does so since 2.x, and ends with "metadata issuer mismatch": nobody can sign in.
# Seen with the certified oidc-provider 8.8.1; python-sdk#1919 is open. An address that was made with
# pydantic's url_preserve_empty_path keeps its form.
# Seen on 2026-11-29 with CPython 3.11 on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q mcp==2.3.0
"$work/venv/bin/python" - <<'PYTHON'
import asyncio

import httpx2
from mcp.client.auth.exceptions import OAuthFlowError
from mcp.client.auth.utils import validate_metadata_issuer
from mcp.server.auth.routes import create_protected_resource_routes
from mcp.shared.auth import OAuthMetadata
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter
from starlette.applications import Starlette

PROVIDER = "https://id.example.org"
RESOURCE = AnyHttpUrl("https://lab.example.org/mcp")
its_own = OAuthMetadata.model_validate(
    {
        "issuer": PROVIDER,
        "authorization_endpoint": f"{PROVIDER}/auth",
        "token_endpoint": f"{PROVIDER}/token",
        "response_types_supported": ["code"],
    }
)


async def told(provider):
    app = Starlette(routes=create_protected_resource_routes(RESOURCE, [provider]))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://lab.example.org") as http:
        answer = await http.get("/.well-known/oauth-protected-resource/mcp")
    return answer.json()["authorization_servers"][0]


def outcome(advertised):
    try:
        validate_metadata_issuer(its_own, advertised)
    except OAuthFlowError as error:
        return f"refused: {error}"
    return "taken"


exact = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))
found = {}
for name, provider in (
    ("AnyHttpUrl(...)", AnyHttpUrl(PROVIDER)),
    ("url_preserve_empty_path", exact.validate_python(PROVIDER)),
):
    advertised = asyncio.run(told(provider))
    found[name] = outcome(advertised)
    print(f"{name:24} tells {advertised!r:28} {found[name]}")
assert found["AnyHttpUrl(...)"].startswith("refused"), "no longer so"
assert found["url_preserve_empty_path"] == "taken"
PYTHON
