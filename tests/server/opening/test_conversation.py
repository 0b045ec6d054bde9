"""Where the opening answers, the server would have answered the same; else the server is asked."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.record_opening import LISTS, NOW, REVISIONS, live_answers, server_with

from uniqc_mcp.opening.conversation import Conversation
from uniqc_mcp.opening.recording import RecordedAnswers, read_recording
from uniqc_mcp.settings import Settings

if TYPE_CHECKING:
    from uniqc_mcp.task_server import TaskServer

Message = dict[str, Any]
HANDSHAKES, MODERN = REVISIONS[:-1], REVISIONS[-1]
VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
INFO = "io.modelcontextprotocol/clientInfo"
INITIALIZED: Message = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def conversation() -> Conversation:
    return Conversation(RecordedAnswers(read_recording(), Settings(), lambda: NOW))


@cache
def server() -> TaskServer:
    return server_with(Settings())


def as_line(message: object) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode()


def name_of(message: object) -> str:
    return as_line(message)[-60:].decode(errors="replace")


def request(method: str, params: object = None, number: object = 1) -> Message:
    message: Message = {"jsonrpc": "2.0", "id": number, "method": method}
    return message if params is None else {**message, "params": params}


def handshake(**changes: object) -> Message:
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    }
    return request("initialize", {**params, **changes}, "opening")


def enveloped(method: str, number: object = 1, **changes: object) -> Message:
    meta: Message = {VERSION: MODERN, CAPABILITIES: {}, INFO: {"name": "x", "version": "1"}}
    return request(method, {"_meta": {**meta, **changes}}, number)


async def check(*messages: object) -> int:
    """Return how many messages the opening answers, once each answer is seen to be the server's."""
    talk = conversation()
    answered: list[bytes] = []
    lines: list[bytes] = []
    for line in map(as_line, messages):
        answer = talk.answer(line)
        if answer is None:
            break
        lines.append(line)
        answered += [answer] if answer else []
    assert await live_answers(server(), lines) == answered
    return len(lines)


CLIENTS: dict[str, Message] = {
    "claude-code": {
        "capabilities": {"roots": {}, "elicitation": {"form": {}, "url": {}}},
        "clientInfo": {
            "name": "claude-code",
            "title": "Claude Code",
            "version": "2.1.0",
            "description": "Anthropic's agentic coding tool",
            "websiteUrl": "https://claude.com/claude-code",
        },
    },
    "vscode": {
        "capabilities": {
            "roots": {"listChanged": True},
            "sampling": {"context": {}, "tools": {}},
            "elicitation": {"form": {"applyDefaults": True}, "url": {}},
            "tasks": {"list": {}, "cancel": {}, "requests": {"elicitation": {"create": {}}}},
            "extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html"]}},
        },
    },
    "experimental": {"capabilities": {"experimental": {"x": {"on": True, "n": [1, None, "ä"]}}}},
    "other capabilities": {"capabilities": {"unheardOf": {"x": 1}}},
}


@pytest.mark.parametrize("revision", HANDSHAKES)
@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS.keys())
async def test_a_client_with_a_handshake_is_answered_until_it_calls(
    client: dict[str, object], revision: str
) -> None:
    opening = handshake(**client, protocolVersion=revision)
    listings = [request(method, number=number) for number, method in enumerate(LISTS)]
    pings = [request("ping", {}, "p"), request("ping", {"_meta": {"progressToken": 1}})]
    talk = [opening, INITIALIZED, *listings, *pings]
    assert await check(*talk, request("tools/call", {"name": "count_tasks"})) == len(talk)


async def test_a_client_that_never_says_that_it_is_initialized_is_answered() -> None:
    assert await check(handshake(), request("tools/list"), request("prompts/list", {})) == 3


@pytest.mark.parametrize("opening", ["server/discover", *LISTS])
async def test_a_client_without_a_handshake_is_answered_until_it_calls(opening: str) -> None:
    listings = [enveloped(method, number=number) for number, method in enumerate(LISTS)]
    talk = [enveloped(opening), *listings, enveloped("server/discover", progressToken="p")]
    assert await check(*talk, enveloped("tools/call")) == len(talk)


NOT_PLAIN: list[bytes | Message] = [
    b"{",
    b"[]",
    b"NaN",
    b"\xff",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    {},
    {**request("ping"), "jsonrpc": "1.0"},
    {**request("ping"), "more": 1},
    request("ping", number=None),
    request("ping", number=True),
    request("ping", number=1.5),
    request("ping", number=2**60),
    request("ping", []),
    request("ping", {"x": 1}),
    request("ping", {"_meta": {"x": 1}}),
    request("ping", {"_meta": {"progressToken": True}}),
    b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":NaN}}',
    request("tools/list", {"cursor": "x"}),
    request("tools/call", {"name": "count_tasks"}),
    request("resources/read", {"uri": "uniqc://store"}),
    request("logging/setLevel", {"level": "info"}),
    request("server/discover"),
    request("nonsense"),
    handshake(),
    enveloped("tools/list"),
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
    {"jsonrpc": "2.0", "id": 1, "result": {}},
]


@pytest.mark.parametrize("message", NOT_PLAIN, ids=name_of)
async def test_any_other_message_after_the_handshake_is_left_to_the_server(message: object) -> None:
    assert await check(handshake(), INITIALIZED, message) == 2


NO_OPENINGS = [
    request("ping"),
    request("tools/list"),
    INITIALIZED,
    handshake(protocolVersion="2099-01-01"),
    handshake(protocolVersion=MODERN),
    handshake(protocolVersion=1),
    handshake(capabilities=None),
    handshake(capabilities={"roots": True}),
    handshake(capabilities={"roots": {"listChanged": "x"}}),
    handshake(capabilities={"experimental": {"x": 1}}),
    handshake(clientInfo={"name": "x"}),
    handshake(clientInfo={"name": "x", "version": 1}),
    handshake(clientInfo={"name": "x", "version": "1", "icons": 5}),
    handshake(_meta={VERSION: MODERN}),
    enveloped("server/discover", **{VERSION: "2099-01-01"}),
    enveloped("server/discover", **{VERSION: "2025-06-18"}),
    enveloped("server/discover", **{VERSION: 5}),
    enveloped("server/discover", **{CAPABILITIES: None}),
    enveloped("server/discover", **{INFO: {"name": "x"}}),
    enveloped("ping"),
    enveloped("tools/call"),
]


@pytest.mark.parametrize("message", NO_OPENINGS, ids=name_of)
async def test_any_other_opening_is_left_to_the_server(message: object) -> None:
    assert await check(message) == 0


async def test_a_connection_keeps_to_the_protocol_that_opened_it() -> None:
    assert await check(enveloped("server/discover"), handshake()) == 1
    assert await check(enveloped("server/discover"), request("tools/list")) == 1
    assert await check(handshake(), enveloped("tools/list")) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        *("roots", "sampling", "elicitation", "tasks", "experimental", "extensions", "list"),
        *("listChanged", "applyDefaults", "context", "tools", "url", "requests", "form", "other"),
    ]
)
EMPTY: Message = {}
OBJECTS = st.recursive(
    st.dictionaries(NAMES, JSON, max_size=1) | st.just(EMPTY),
    lambda inner: st.dictionaries(NAMES, inner | st.booleans(), max_size=3),
    max_leaves=8,
)
TEXTS = st.text(max_size=3) | st.text(max_size=3) | JSON
INFOS = st.fixed_dictionaries(
    {"name": TEXTS, "version": TEXTS},
    optional={"title": TEXTS, "description": TEXTS, "websiteUrl": TEXTS, "icons": JSON},
)
random_input = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@random_input
@given(capabilities=OBJECTS | JSON)
async def test_the_server_accepts_all_capabilities_that_are_answered(capabilities: object) -> None:
    await check(handshake(capabilities=capabilities), request("tools/list"))
    await check(enveloped("server/discover", **{CAPABILITIES: capabilities}))


@random_input
@given(info=INFOS | JSON)
async def test_the_server_accepts_all_names_of_clients_that_are_answered(info: object) -> None:
    await check(handshake(clientInfo=info), request("tools/list"))
    await check(enveloped("server/discover", **{INFO: info}))


@random_input
@given(value=JSON | st.text() | st.integers())
async def test_the_server_accepts_all_ids_and_tokens_that_are_answered(value: object) -> None:
    meta = {"progressToken": value}
    await check(handshake(_meta=meta), request("ping", {"_meta": meta}), request("ping", {}, value))
    await check(enveloped("server/discover", value, progressToken=value))
