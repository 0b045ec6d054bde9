"""The opening on real pipes: what it loads, how it ends, and how the server takes over."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.record_opening import LISTS, NOW

from uniqc_mcp.opening import start
from uniqc_mcp.opening.connection import converse
from uniqc_mcp.opening.conversation import Conversation
from uniqc_mcp.opening.recording import RecordedAnswers, read_recording
from uniqc_mcp.protocol.handover import REPLAYED_ID, ClientLeft, Handover
from uniqc_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows starts the server at once")

TIMEOUT = 120.0
COMMAND = [sys.executable, "-m", "uniqc_mcp"]
CLIENT = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "x", "version": "1"},
}


def request(number: int | str, method: str, **params: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def lines(*messages: object) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
HANDSHAKE = lines(request("handshake", "initialize", **CLIENT), INITIALIZED)
LISTINGS = lines(*(request(method, method) for method in LISTS))
CALL = lines(request("call", "tools/call", name="count_tasks", arguments={}))


def conversation() -> Conversation:
    return Conversation(RecordedAnswers(read_recording(), Settings(), lambda: NOW))


def converse_in_pieces(pieces: Sequence[bytes]) -> tuple[Handover | None, bytes]:
    """Return how a conversation ends that is sent in pieces, and what was answered."""
    client_end, server_end = socket.socketpair()
    received: list[bytes] = []

    def send() -> None:
        for piece in pieces:
            client_end.send(piece)
        client_end.shutdown(socket.SHUT_WR)
        while chunk := client_end.recv(65536):
            received.append(chunk)

    with client_end:
        client = threading.Thread(target=send)
        client.start()
        handover = None
        with closing(server_end):
            try:
                handover = converse(conversation(), server_end.fileno(), server_end.fileno())
            except ClientLeft:
                assert not server_end.recv(1)
            server_end.shutdown(socket.SHUT_WR)
            client.join()
    return handover, b"".join(received)


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_messages_may_arrive_in_pieces(size: int) -> None:
    talk = HANDSHAKE + b"\r\n \n" + LISTINGS
    pieces = [talk[at : at + size] for at in range(0, len(talk), size)]
    handover, answers = converse_in_pieces(pieces)
    assert handover is None
    assert [json.loads(line)["id"] for line in answers.splitlines()] == ["handshake", *LISTS]


def test_a_last_request_without_a_newline_is_answered() -> None:
    handover, answers = converse_in_pieces([HANDSHAKE + LISTINGS.rstrip()])
    assert handover is None
    assert len(answers.splitlines()) == 5


def test_nothing_is_answered_to_a_client_that_says_nothing() -> None:
    assert converse_in_pieces([]) == (None, b"")
    assert converse_in_pieces([b"\n \n"]) == (None, b"")


@pytest.mark.parametrize("after", [b"", LISTINGS, LISTINGS.rstrip(), LISTINGS[:40]])
def test_the_server_gets_the_handshake_and_all_that_is_unanswered(after: bytes) -> None:
    handover, answers = converse_in_pieces([HANDSHAKE + LISTINGS + CALL + after])
    assert len(answers.splitlines()) == 5
    assert handover is not None
    assert handover.received.startswith(CALL)
    assert handover.reason == "tools/call"
    opening, initialized = map(json.loads, handover.replayed)
    assert opening == request(REPLAYED_ID, "initialize", **CLIENT)
    assert initialized == INITIALIZED


def test_a_handshake_that_was_not_ended_is_not_ended_for_the_server() -> None:
    handover, _ = converse_in_pieces([HANDSHAKE.splitlines(keepends=True)[0] + CALL])
    assert handover is not None
    assert [json.loads(line)["method"] for line in handover.replayed] == ["initialize"]


def test_a_long_line_is_left_to_the_server() -> None:
    handover, answers = converse_in_pieces([HANDSHAKE, b"x" * 200_000])
    assert len(answers.splitlines()) == 1
    assert handover is not None
    assert handover.received == b"x" * len(handover.received)
    assert handover.reason == "a long line"


def test_an_answer_that_the_client_does_not_read_is_left_to_the_server() -> None:
    out_of, into = os.pipe()
    reads, writes = os.pipe()
    asked = LISTINGS * 50
    try:
        os.write(writes, HANDSHAKE + asked)
        handover = converse(conversation(), reads, into)
        assert handover.unsent
        os.set_blocking(out_of, False)
        sent = b""
        while len(chunk := os.read(out_of, 1 << 20)) == 1 << 20:
            sent += chunk
        sent += chunk
        answered = len((sent + handover.unsent).splitlines()) - 1
        assert handover.received.count(b"\n") + answered == asked.count(b"\n")
        assert json.loads((sent + handover.unsent).splitlines()[-1])["result"]
    finally:
        for fd in (out_of, into, reads, writes):
            os.close(fd)


def test_a_client_that_closed_its_end_is_not_answered() -> None:
    out_of, into = os.pipe()
    reads, writes = os.pipe()
    os.close(out_of)
    os.write(writes, HANDSHAKE)
    with pytest.raises(ClientLeft):
        converse(conversation(), reads, into)
    for fd in (into, reads, writes):
        os.close(fd)


@contextmanager
def serving(cache_dir: Path, *options: str) -> Generator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [*COMMAND, "--cache-dir", str(cache_dir), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def send(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)


def receive(process: subprocess.Popen[bytes]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_the_listings_load_neither_the_sdk_nor_the_store(tmp_path: Path) -> None:
    code = (
        "import sys\nbefore = set(sys.modules)\nfrom uniqc_mcp.cli.commands import cli\n"
        "cli(['serve', *sys.argv[1:]], standalone_mode=False)\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--cache-dir", str(tmp_path)],
        input=HANDSHAKE + LISTINGS,
        capture_output=True,
        timeout=TIMEOUT,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 5
    loaded = set(done.stderr.decode().split())
    assert start.__name__ in loaded
    packages = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert packages == {"uniqc_mcp", "uniqc_store", "click"}
    assert not loaded & {"uniqc_store.store", "uniqc_mcp.server", "asyncio", "logging"}


OPENINGS = {"before it said anything": b"", "after the listings": HANDSHAKE + LISTINGS}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_after_the_listings(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path) as process:
        send(process, HANDSHAKE + LISTINGS)
        for _ in range(5):
            receive(process)
        process.send_signal(number)
        assert process.wait(TIMEOUT) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_while_the_server_is_loaded(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path, "--log-level", "debug") as process:
        send(process, HANDSHAKE + CALL)
        receive(process)
        assert process.stderr is not None
        assert b"the first call is answered" in process.stderr.readline()
        process.send_signal(number)
        assert process.wait(TIMEOUT) == 0
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("talk", OPENINGS.values(), ids=OPENINGS.keys())
def test_the_end_of_stdin_ends_it_cleanly(tmp_path: Path, talk: bytes) -> None:
    with serving(tmp_path) as process:
        _, errors = process.communicate(talk, timeout=TIMEOUT)
        assert (process.returncode, errors) == (0, b"")


@pytest.mark.parametrize("options", [(), ("--eager",)], ids=["recorded", "eager"])
def test_both_starts_answer_alike(tmp_path: Path, options: tuple[str, ...]) -> None:
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}}
    talk = [
        *(request("handshake", "initialize", **CLIENT), INITIALIZED),
        *(request(method, method) for method in LISTS),
        *(cancelled, request("handshake", "tools/list"), request("ping", "ping")),
        *(request(number, "tools/list") for number in range(200)),
    ]
    asked = [message["id"] for message in talk if "id" in message]
    with serving(tmp_path, *options) as process:
        send(process, lines(*talk))
        # While stdin is open: after its end, what takes longer than a moment is not answered.
        answered = [receive(process) for _ in asked]
        rest, _ = process.communicate(timeout=TIMEOUT)
    assert rest == b""
    assert sorted(map(str, asked)) == sorted(str(answer["id"]) for answer in answered)
    assert all("result" in answer for answer in answered)
    lists = {json.dumps(each["result"]) for each in answered if "tools" in each["result"]}
    assert len(lists) == 1


def test_an_answer_that_was_begun_is_finished_by_the_server(tmp_path: Path) -> None:
    talk = HANDSHAKE + LISTINGS * 40 + CALL
    with serving(tmp_path, "--log-level", "debug") as process:
        send(process, talk)
        assert process.stderr is not None
        assert b"the client does not read" in process.stderr.readline()
        answers = [receive(process) for _ in range(talk.count(b"\n") - 1)]
        assert {answer["id"] for answer in answers} == {"handshake", "call", *LISTS}
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0


@pytest.mark.parametrize("end", ["close", "signal"])
def test_it_ends_while_an_answer_is_unread(tmp_path: Path, end: str) -> None:
    with serving(tmp_path, "--log-level", "debug") as process:
        send(process, HANDSHAKE + LISTINGS * 40)
        assert process.stderr is not None
        while b"Using selector" not in (line := process.stderr.readline()):
            assert line, "it ended before the server was loaded"
        if end == "close":
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
