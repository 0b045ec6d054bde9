"""The names by which a server is called: its public one and those of this machine, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.lab.conftest import Lab

PUBLIC = "https://lab.example.org"
DISCOVER: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "server/discover",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "server/discover",
}


@pytest.mark.parametrize(
    ("public_url", "headers", "status"),
    [
        (PUBLIC, {"Host": "lab.example.org"}, 200),
        (PUBLIC, {"Host": "lab.example.org:443"}, 200),
        (PUBLIC, {"Host": "127.0.0.1:8765"}, 200),  # as a proxy on this machine may write it
        (PUBLIC, {"Host": "lab.example.org", "Origin": PUBLIC}, 200),
        (PUBLIC, {"Host": "lab.example.org", "Origin": "https://evil.example"}, 403),
        (PUBLIC, {"Host": "lab.example.org", "Origin": "http://lab.example.org"}, 403),
        (f"{PUBLIC}:8443", {"Host": "lab.example.org"}, 200),  # nginx leaves the port out
        (f"{PUBLIC}:8443", {"Host": "lab.example.org:8443", "Origin": f"{PUBLIC}:8443"}, 200),
        (PUBLIC, {"Host": "evil.example"}, 421),
        (PUBLIC, {"Host": "lab.example.org.evil.example"}, 421),
        ("", {"Host": "localhost:1234"}, 200),
        ("", {"Host": "lab.example.org"}, 421),
    ],
    ids=str,
)
async def test_a_request_is_answered_by_the_name_that_it_calls(
    lab: Lab, public_url: str, headers: dict[str, str], status: int
) -> None:
    async with lab.serving(public_url=public_url) as at, at.http(lab.token("alice")) as http:
        answer = await http.post("/mcp", json=DISCOVER, headers={**HEADERS, **headers})
    assert answer.status_code == status, answer.text
