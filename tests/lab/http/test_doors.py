"""Who is let in at which address, and what everybody else is told."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.http.doors import Doors

from uniqc_mcp.lab.access.requester import READ, SHARE
from uniqc_mcp.lab.errors import LabSchemaError, LabUnavailableError
from uniqc_mcp.lab.http import health
from uniqc_mcp.lab.serving.log import JsonLines

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESSES = ("/mcp", "/share/v1/compare", "/share/v1/push")
SECRET = "uqm_SECRET"  # noqa: S105 - a test's


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", f"Bearer {'x' * 20_000}"], ids=lambda h: h[:9]
)
async def test_without_a_token_nobody_gets_in(doors: Doors, address: str, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    async with doors.http(**headers) as http:
        answer = await http.post(address, json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer TOKEN" in answer.json()["error"]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_unknown_token_is_refused_and_not_repeated(doors: Doors, address: str) -> None:
    async with doors.http(SECRET) as http:
        answer = await http.post(address, json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert SECRET not in answer.text + repr(answer.headers)


@pytest.mark.parametrize(
    ("address", "scope"), [("/mcp", SHARE), ("/share/v1/push", READ), ("/share/v1/compare", READ)]
)
async def test_a_token_for_something_else_is_refused(
    doors: Doors, address: str, scope: str
) -> None:
    doors.grants.add(SECRET, "alice", scope)
    async with doors.http(SECRET) as http:
        answer = await http.post(address, json={})
    assert answer.status_code == 403
    assert "insufficient_scope" in answer.headers["www-authenticate"]


async def test_tokens_of_this_server_come_with_no_metadata_of_a_provider(doors: Doors) -> None:
    async with doors.http() as http:
        for path in (
            "/.well-known/oauth-protected-resource/mcp",
            "/.well-known/oauth-protected-resource",
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
        ):
            assert (await http.get(path)).status_code == 404
        assert "resource_metadata" not in repr((await http.post("/mcp", json={})).headers)


async def test_a_provider_is_named_to_clients_by_the_public_address() -> None:
    url = "https://lab.example.org"
    doors = Doors(public_url=url, issuer="https://id.example.org")
    async with doors.http() as http:
        challenge = (await http.post("/mcp", json={})).headers["www-authenticate"]
        assert f"{url}/.well-known/oauth-protected-resource/mcp" in challenge
        told = (await http.get("/.well-known/oauth-protected-resource/mcp")).json()
    assert told["resource"] == f"{url}/mcp"
    assert told["authorization_servers"] == ["https://id.example.org"]


async def test_tokens_that_cannot_be_checked_are_no_wrong_ones(doors: Doors) -> None:
    doors.grants.fault = LabUnavailableError("host=secret-host")
    async with doors.http(SECRET) as http:
        answer = await http.post("/mcp", json={})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert "secret-host" not in answer.text


async def test_health_says_what_is_wrong_and_no_address(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_SECONDS_KEPT", 0.0)
    monkeypatch.setattr(health, "_SECONDS_TO_ANSWER", 60)  # whatever a busy machine needs
    async with doors.http() as http:
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        doors.problem = LabSchemaError(0, 1)
        answer = await http.get("/healthz")
        assert answer.status_code == 503
        assert "lab init" in answer.json()["error"]
        doors.problem = LabUnavailableError("host=secret-host password=hunter2")
        answer = await http.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["error"] == "The database can't be reached."


async def test_a_database_that_does_not_answer_keeps_nobody_waiting(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_SECONDS_TO_ANSWER", 0.05)
    go_on = threading.Event()
    monkeypatch.setattr(doors, "check", lambda: go_on.wait(300))
    async with doors.http() as http:
        answer = await http.get("/healthz")
    go_on.set()
    assert answer.status_code == 503
    assert "did not answer within" in answer.json()["error"]


async def test_other_addresses_do_not_exist(doors: Doors) -> None:
    async with doors.http() as http:
        for path in ("/", "/share", "/share/v1", "/sse", "/register", "/token", "/mcp/x"):
            assert (await http.post(path, json={})).status_code == 404, path
        assert (await http.get("/share/v1/push")).status_code == 405


async def test_a_slash_at_the_end_sends_nobody_to_another_address(doors: Doors) -> None:
    async with doors.http(SECRET, Host="evil.example") as http:
        assert (await http.post("/mcp/", json={})).status_code == 401
        for path in ("/share/v1/push/", "/healthz/"):
            answer = await http.post(path, json={})
            assert (answer.status_code, answer.headers.get("location")) == (404, None)


async def test_the_log_has_a_line_of_each_request_and_nothing_secret(
    doors: Doors, caplog: pytest.LogCaptureFixture
) -> None:
    doors.grants.add(SECRET, "alice")
    with caplog.at_level(logging.DEBUG):
        async with doors.http(SECRET) as http:
            await http.post("/share/v1/push?name=hunter2", json={"store_id": "hunter2"})
    lines: list[Mapping[str, Any]] = [
        json.loads(JsonLines().format(record)) for record in caplog.records
    ]
    (line,) = [one for one in lines if one["message"] == "request"]
    assert line["path"] == "/share/v1/push"
    assert (line["owner"], line["status"], line["method"]) == ("alice", 422, "POST")
    assert line["ms"] >= 0
    ours = [one for one in lines if not one["logger"].startswith("httpx2")]
    assert "hunter2" not in repr(ours)
    assert SECRET not in repr(ours)
