"""Answers to the question for consent that are anything but the number, as they come over stdio.

The command runs in a process of its own, one for each protocol revision. The client is written in
lines of JSON, because the SDK's own client can't send most of these answers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any, Self

import pytest
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    PROTOCOL_VERSION_META_KEY,
)
from tests.clearing_cache import Cache

from uniqc_mcp.clearing.verdicts import REFUSALS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

MODERN = "2026-07-28"
REVISIONS = (MODERN, "2025-11-25", "2025-06-18")
CLIENT = {"name": "lines", "version": "0"}
ELICITS: dict[str, dict[str, str]] = {"elicitation": {}}
HUGE = "9" * 5_000

DECLINED = REFUSALS["declined"]
CANCELLED = REFUSALS["cancelled"]
WRONG_NUMBER = REFUSALS["wrong number"]
NO_NUMBER = REFUSALS["no number"]
MALFORMED = REFUSALS["malformed answer"]


class AskedClient:
    """A client that announces elicitation and answers the question with a given text of JSON."""

    def __init__(self, process: subprocess.Popen[str], revision: str) -> None:
        self.process = process
        self.revision = revision
        self.number = 0
        if revision != MODERN:
            self.request(
                "initialize",
                {"protocolVersion": revision, "capabilities": ELICITS, "clientInfo": CLIENT},
            )
            self.send('{"jsonrpc": "2.0", "method": "notifications/initialized"}')

    @classmethod
    @contextmanager
    def of(cls, cache: Cache, revision: str) -> Generator[Self]:
        """Start the command on a cache, and kill it at the end."""
        options = ["--cache-dir", str(cache.directory), "--allow-clear", "success"]
        with subprocess.Popen(
            [sys.executable, "-m", "uniqc_mcp", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as process:
            yield cls(process, revision)
            process.kill()

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        stdout: IO[str] | None = self.process.stdout
        assert stdout is not None
        message: dict[str, Any] = json.loads(stdout.readline())
        return message

    def request(self, method: str, params: dict[str, Any], more: str = "") -> dict[str, Any]:
        """Send a request and return the next message, which is its answer or a question."""
        self.number += 1
        if self.revision == MODERN:
            params["_meta"] = {
                PROTOCOL_VERSION_META_KEY: MODERN,
                CLIENT_CAPABILITIES_META_KEY: ELICITS,
                CLIENT_INFO_META_KEY: CLIENT,
            }
        written = json.dumps(params)[:-1] + more + "}"
        self.send(
            f'{{"jsonrpc": "2.0", "id": {self.number}, "method": "{method}", "params": {written}}}'
        )
        return self.receive()

    def call(self, arguments: dict[str, str], more: str = "") -> dict[str, Any]:
        return self.request("tools/call", {"name": "clear_tasks", "arguments": arguments}, more)

    def commit(self, response: str) -> dict[str, Any]:
        """Plan, commit, and answer the question with a response.

        Args:
            response: The text after the id in a JSON-RPC response: ``"result": …``.
        """
        plan = self.call({})["result"]["structuredContent"]
        arguments = {"plan_id": plan["plan_id"]}
        question = self.call(arguments)
        if self.revision != MODERN:
            assert question["method"] == "elicitation/create"
            self.send(f'{{"jsonrpc": "2.0", "id": {json.dumps(question["id"])}, {response}}}')
            return self.receive()
        assert question["result"]["resultType"] == "input_required"
        (key,) = question["result"]["inputRequests"]
        state = json.dumps(question["result"]["requestState"])
        # An embedded answer is the result itself; an error has no place there but this.
        entry = response.removeprefix('"result": ') if '"result"' in response else f"{{{response}}}"
        more = f', "requestState": {state}, "inputResponses": {{{json.dumps(key)}: {entry}}}'
        return self.call(arguments, more)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """Return a cache of five tasks, of which no test may clear any."""
    return Cache(tmp_path_factory.mktemp("consent") / "cache").fill(5)


@pytest.fixture(scope="module")
def asked_client(untouched: Cache) -> Generator[Callable[[str], AskedClient]]:
    """Return a function from a protocol revision to a client; they share one process each."""
    with ExitStack() as running:
        clients: dict[str, AskedClient] = {}

        def client_of(revision: str) -> AskedClient:
            if revision not in clients:
                clients[revision] = running.enter_context(AskedClient.of(untouched, revision))
            return clients[revision]

        yield client_of


def accepted(number: str) -> str:
    return f'"result": {{"action": "accept", "content": {{"tasks_to_clear": {number}}}}}'


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize(
    ("response", "refusal"),
    [
        ('"result": {"action": "decline"}', DECLINED),
        ('"result": {"action": "cancel"}', CANCELLED),
        (accepted("4"), WRONG_NUMBER),
        (accepted(HUGE[:4_000]), WRONG_NUMBER),
        (accepted(HUGE), NO_NUMBER),
        (accepted(f'"{HUGE}"'), NO_NUMBER),
        (accepted('""'), NO_NUMBER),
        (accepted('"five"'), NO_NUMBER),
        (accepted("null"), NO_NUMBER),
        (accepted("1e999"), NO_NUMBER),
        (accepted("true"), NO_NUMBER),
        (accepted('["5"]'), NO_NUMBER),
        ('"result": {"action": "accept", "content": {}}', NO_NUMBER),
        ('"result": {"action": "accept", "content": {"other": 5}}', NO_NUMBER),
        ('"result": {"action": "accept"}', MALFORMED),
        ('"result": {"action": "accept", "content": null}', MALFORMED),
        ('"result": {"action": "accept", "content": 5}', MALFORMED),
        ('"result": {"action": "accept", "content": [5]}', MALFORMED),
        (accepted('{"a": 5}'), MALFORMED),
        (accepted("[[5]]"), MALFORMED),
        ('"result": {"action": "approve", "content": {"tasks_to_clear": 5}}', MALFORMED),
        ('"result": {"action": null}', MALFORMED),
        ('"result": {"content": {"tasks_to_clear": 5}}', MALFORMED),
        ('"result": {"roots": []}', MALFORMED),
        ('"result": {}', MALFORMED),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_any_answer_but_the_number_removes_nothing_and_says_why(
    untouched: Cache,
    asked_client: Callable[[str], AskedClient],
    revision: str,
    response: str,
    refusal: tuple[str, str],
) -> None:
    before = untouched.store_files()
    message = asked_client(revision).commit(response)
    assert_refused(message, *refusal)
    assert untouched.store_files() == before


def assert_refused(message: dict[str, Any], state: str, reason: str) -> None:
    """Assert that both channels of an answer hold the state or the reason of a refusal."""
    assert "error" not in message, message
    result = message["result"]
    assert not result.get("isError"), result
    answer, (content,) = result["structuredContent"], result["content"]
    assert (answer["state"], answer["cleared"]) == (state, 0)
    assert "receipt" not in answer
    assert answer["message"] == reason
    assert content["text"].startswith(reason)


@pytest.mark.parametrize("revision", REVISIONS[1:])
@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ('{"code": -32601, "message": "Method not found"}', 'code -32601, "Method not found"'),
        ('{"code": -1, "message": "User rejected"}', 'code -1, "User rejected"'),
        (
            '{"code": 7, "message": "token=QXZQXZQXZ9 {detail} \\u202e", "data": [1]}',
            'code 7, "token=[redacted] {detail} "',
        ),
    ],
)
def test_a_clients_error_to_the_question_is_named_in_the_answer(
    untouched: Cache,
    asked_client: Callable[[str], AskedClient],
    revision: str,
    error: str,
    shown: str,
) -> None:
    before = untouched.store_files()
    message = asked_client(revision).commit(f'"error": {error}')
    state, reason = REFUSALS["client error"]
    assert_refused(message, state, reason.format(detail=shown))
    assert untouched.store_files() == before


@pytest.mark.parametrize("revision", REVISIONS[1:])
@pytest.mark.parametrize("response", ['"result": null', '"result": []', '"error": "no"'])
def test_a_response_that_is_no_message_ends_the_wait_for_it(
    untouched: Cache,
    asked_client: Callable[[str], AskedClient],
    revision: str,
    response: str,
) -> None:
    before = untouched.store_files()
    client = asked_client(revision)
    complaint = client.commit(response)
    assert (complaint.get("id"), complaint["error"]["code"]) == (None, -32600)
    message = client.receive()
    state, reason = REFUSALS["client error"]
    detail = 'code -32600, "its response is not a JSON-RPC 2.0 message"'
    assert_refused(message, state, reason.format(detail=detail))
    assert untouched.store_files() == before


def test_an_error_embedded_in_a_repeated_call_is_a_malformed_answer(
    untouched: Cache, asked_client: Callable[[str], AskedClient]
) -> None:
    before = untouched.store_files()
    error = '"error": {"code": -32601, "message": "Method not found"}'
    assert_refused(asked_client(MODERN).commit(error), *MALFORMED)
    assert untouched.store_files() == before


def test_answers_that_are_no_object_are_malformed(
    untouched: Cache, asked_client: Callable[[str], AskedClient]
) -> None:
    before = untouched.store_files()
    client = asked_client(MODERN)
    plan = client.call({})["result"]["structuredContent"]
    arguments = {"plan_id": plan["plan_id"]}
    state = json.dumps(client.call(arguments)["result"]["requestState"])
    message = client.call(arguments, f', "requestState": {state}, "inputResponses": [5]')
    assert_refused(message, *MALFORMED)
    assert untouched.store_files() == before


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_right_number_still_clears(cache: Cache, revision: str) -> None:
    cache.fill(5)
    with AskedClient.of(cache, revision) as client:
        message = client.commit(accepted("5"))
    assert message["result"]["structuredContent"]["cleared"] == 5
    assert cache.ids() == []


@pytest.mark.parametrize("verdict", ["declined", "cancelled"])
def test_a_no_is_not_ascribed_to_the_user_and_names_the_operators_option(verdict: str) -> None:
    reason = {**REFUSALS}[verdict][1]  # type: ignore[index]  # a verdict, from the table above
    assert "The user declined" not in reason
    assert "a client that runs without one" in reason
    assert "--confirm plan" in reason


def test_a_request_with_a_number_of_5000_digits_is_answered_by_its_id(
    asked_client: Callable[[str], AskedClient],
) -> None:
    client = asked_client(REVISIONS[1])
    more = f', "arguments": {{"limit": {HUGE}}}'
    message = client.request("tools/call", {"name": "list_tasks"}, more)
    assert message["id"] == client.number
    assert "limit must be an integer" in message["result"]["content"][0]["text"]
