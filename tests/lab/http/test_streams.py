"""Subscriptions, waits, cursors and sessions: each belongs to the person who began it."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp_types import ResourceUpdatedNotification
from tests.contract.records import StoredJob, StoredTask
from tests.server.watching import A_WHILE, PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from tests.lab.conftest import Lab
    from tests.lab.http.serving import Person
    from tests.server.conftest import Mode

# The SDK deprecates resources/subscribe, but older revisions have nothing else.
pytestmark = pytest.mark.filterwarnings("ignore:resources/:mcp.MCPDeprecationWarning")

ACTIVE = "uniqc://tasks/active"
STORE = "uniqc://store"
ALICES = StoredTask(task_id="uqt_of_alice", jobs=(StoredJob(platform_task_id="job-1"),))
BOBS = StoredTask(task_id="uqt_of_bob", jobs=(StoredJob(platform_task_id="job-2"),))


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """Run with the modern and with the legacy protocol."""
    era: Mode = request.param
    return era


@asynccontextmanager
async def subscribed(person: Person, mode: Mode, uris: Sequence[str]) -> AsyncGenerator[None]:
    async with AsyncExitStack() as stack:
        if mode == "legacy":
            for uri in uris:
                await person.client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated] - see above
        else:
            await stack.enter_async_context(person.client.listen(resource_subscriptions=[*uris]))
        yield


def told(person: Person) -> set[str]:
    return {
        str(message.params.uri)
        for message in person.told
        if isinstance(message, ResourceUpdatedNotification)
    }


async def test_a_change_is_told_to_its_owner_alone(lab: Lab, mode: Mode) -> None:
    lab.share("alice", ALICES)
    lab.share("bob", BOBS)
    of_bob = "uniqc://task/uqt_of_bob"
    async with (
        lab.serving() as at,
        at.person(lab.token("alice"), mode) as alice,
        at.person(lab.token("bob"), mode) as bob,
        subscribed(alice, mode, [ACTIVE, STORE, of_bob]),
        subscribed(bob, mode, [ACTIVE, STORE, of_bob]),
    ):
        lab.share("bob", replace(BOBS, status="success"))
        await until(lambda: told(bob) >= {ACTIVE, STORE, of_bob})
        await anyio.sleep(A_WHILE)
        assert told(alice) == set()
        lab.share("alice", replace(ALICES, status="failed"))
        await until(lambda: told(alice) >= {ACTIVE, STORE})
        assert of_bob not in told(alice)


async def test_a_subscription_ends_to_tell_of_what_is_no_longer_shared(
    lab: Lab, mode: Mode
) -> None:
    lab.share("bob", BOBS, audience="lab")
    of_bob = "uniqc://task/uqt_of_bob"
    async with (
        lab.serving() as at,
        at.person(lab.token("alice"), mode) as alice,
        subscribed(alice, mode, [of_bob]),
    ):
        lab.share("bob", replace(BOBS, update_time="2026-08-01T10:00:00+00:00"), audience="lab")
        await until(lambda: told(alice) == {of_bob})
        lab.share("bob", audience="me")
        await anyio.sleep(4 * A_WHILE)
        alice.told.clear()
        lab.share("bob", replace(BOBS, status="success"))
        await anyio.sleep(4 * A_WHILE)
        assert told(alice) == set()


async def test_a_wait_ends_by_a_change_of_the_requesters_own(lab: Lab, mode: Mode) -> None:
    lab.share("alice", ALICES, replace(ALICES, task_id="uqt_alice_2"))
    lab.share("bob", BOBS)
    answers: list[Any] = []
    async with lab.serving() as at, at.person(lab.token("alice"), mode) as alice:

        async def wait() -> None:
            answers.append(await alice.ask("wait_for_tasks", timeout_seconds=30))

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                group.start_soon(wait)
                await anyio.sleep(A_WHILE)
                lab.share("bob", replace(BOBS, status="success"))
                await anyio.sleep(2 * A_WHILE)
                assert answers == []
                lab.share("alice", replace(ALICES, status="success"))
    ((text, answer),) = answers
    assert [(one["task_id"], one["owner"]) for one in answer["changes"]] == [
        ("uqt_of_alice", "alice")
    ]
    assert "of alice" in text
    assert "bob" not in text


async def test_a_cursor_of_another_leads_to_ones_own_tasks_alone(lab: Lab, mode: Mode) -> None:
    lab.share("alice", *(replace(ALICES, task_id=f"uqt_alice_{n}") for n in range(5)))
    lab.share("bob", *(replace(BOBS, task_id=f"uqt_bob_{n}") for n in range(5)))
    async with (
        lab.serving() as at,
        at.person(lab.token("alice"), mode) as alice,
        at.person(lab.token("bob"), mode) as bob,
    ):
        _, page = await alice.ask("list_tasks", limit=2)
        taken = await bob.call("list_tasks", limit=2, cursor=page["next_cursor"])
        assert "alice" not in taken.model_dump_json()
        _, waited = await alice.ask("wait_for_tasks", timeout_seconds=1)
        taken = await bob.call("wait_for_tasks", timeout_seconds=1, cursor=waited["cursor"])
        assert "alice" not in taken.model_dump_json()


async def test_a_session_of_another_is_none(lab: Lab) -> None:
    lab.share("alice", ALICES)
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    call: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "list_tasks", "arguments": {}},
    }
    accepts = {"Accept": "application/json, text/event-stream"}
    async with lab.serving() as at:
        async with at.http(lab.token("alice"), **accepts) as alice:
            session = (await alice.post("/mcp", json=hello)).headers["mcp-session-id"]
            ours = {"mcp-session-id": session}
            assert (await alice.post("/mcp", json=call, headers=ours)).status_code == 200
        for token in (lab.token("bob"), lab.token("alice")):
            async with at.http(token, **accepts) as other:
                answer = await other.post("/mcp", json=call, headers=ours)
                assert answer.status_code == 404
                unknown = {"mcp-session-id": "0" * 32}
                assert answer.text == (await other.post("/mcp", json=call, headers=unknown)).text


async def test_a_stream_ends_once_its_token_is_revoked(lab: Lab, mode: Mode) -> None:
    lab.share("alice", ALICES)
    token = lab.token("alice")
    async with (
        lab.serving(seconds_between_checks=0.1) as at,
        at.http(token, Accept="text/event-stream, application/json") as http,
    ):
        method, body = ("GET", None) if mode == "legacy" else ("POST", _LISTEN)
        headers = await _headers(http, mode)
        with anyio.fail_after(PATIENCE):
            async with http.stream(method, "/mcp", headers=headers, json=body) as stream:
                assert stream.status_code == 200
                lab.revoke("alice")
                async for _ in stream.aiter_bytes():
                    pass
        assert (await http.post("/mcp", json=_LISTEN, headers=headers)).status_code == 401


_META: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
_LISTEN: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "subscriptions/listen",
    "params": {"_meta": _META, "notifications": {"resourceSubscriptions": [ACTIVE]}},
}


async def _headers(http: Any, mode: Mode) -> dict[str, str]:
    if mode == "auto":
        return {"mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen"}
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    answer = await http.post("/mcp", json=hello)
    return {"mcp-session-id": answer.headers["mcp-session-id"]}
