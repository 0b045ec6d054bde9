"""The stdio transport as a client sees it: real processes, pipes, sockets and terminals."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from uniqc_mcp.protocol import stdio_streams

if sys.platform != "win32":
    import fcntl
    import pty
    import tty

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows uses the SDK's own transport"
)

EAGER = [sys.executable, str(Path(__file__).with_name("stdio_probe.py"))]
STARTS = {"eager": EAGER, "recorded": [*EAGER, "--recorded"]}
PROBE: list[str] = []
"""The command that the current test starts."""

# Without a buffer, an early print would reach stdout before the transport takes it over.
ENVIRONMENT = os.environ | {"PYTHONUNBUFFERED": ""}
TIMEOUT = 120.0  # seconds; only a broken server takes so long
LONG_GRACE = ["--grace", "100"]
Message = dict[str, Any]


@pytest.fixture(autouse=True, params=STARTS)
def start(request: pytest.FixtureRequest) -> str:
    """Run each test with a server that is there at once, and with one that takes over."""
    PROBE[:] = STARTS[request.param]
    return str(request.param)


def request(method: str, params: Message, number: int | str) -> Message:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def call(number: int | str, tool: str, **arguments: object) -> Message:
    meta = {"progressToken": number}
    return request("tools/call", {"name": tool, "arguments": arguments, "_meta": meta}, number)


def cancel(number: int | str) -> Message:
    return {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": number},
    }


def lines(*messages: Message) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


NAME = {"name": "test", "version": "1"}
CLIENT: Message = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": NAME}
HANDSHAKE = lines(
    request("initialize", CLIENT, "handshake"),
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
)


SERVED_AT_ONCE = pytest.mark.parametrize("start", ["eager"], indirect=True)
"""For a test of a server that was sent no message that needs it."""


class Lines:
    """The lines that arrive at a descriptor, each awaited for up to TIMEOUT seconds."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.rest = b""

    def read_chunk(self) -> bool:
        ready, _, _ = select.select([self.fd], [], [], TIMEOUT)
        assert ready, f"nothing arrived; so far: {self.rest[-200:]!r}"
        try:
            chunk = os.read(self.fd, 65536)
        except OSError:  # the other end of a terminal is closed
            chunk = b""
        self.rest += chunk
        return bool(chunk)

    def next(self) -> bytes:
        while b"\n" not in self.rest:
            assert self.read_chunk(), f"ended in the middle of a line: {self.rest[-200:]!r}"
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def all(self) -> list[bytes]:
        while self.read_chunk():
            pass
        return self.rest.splitlines()


class Probe:
    """A running stdio_probe.py, and the client's ends of its descriptors."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: int, stdout: int) -> None:
        assert process.stderr is not None
        self.process = process
        self.stdin = stdin
        self.stdout = Lines(stdout)
        self.stderr = Lines(process.stderr.fileno())

    def send(self, *messages: Message | bytes) -> None:
        for message in messages:
            data = message if isinstance(message, bytes) else lines(message)
            while data:
                data = data[os.write(self.stdin, data) :]

    def receive(self) -> Message:
        message: Message = json.loads(self.stdout.next())
        return message

    def close_stdin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def send_until_full(self, data: bytes) -> int:
        """Send data until no more is accepted, and return the number of bytes sent."""
        sent = 0
        while sent < len(data) and select.select([], [self.stdin], [], 1.0)[1]:
            sent += os.write(self.stdin, data[sent : sent + select.PIPE_BUF])
        return sent

    def wait_for(self, word: bytes) -> None:
        while self.stderr.next() != word:
            pass

    def check_clean_exit(self) -> None:
        """Assert that it exits without errors, with its descriptors restored.

        A recorded start that was never taken over reports less, and nothing at all after a signal.
        """
        assert self.process.wait(TIMEOUT) == 0
        last = self.stderr.all()
        assert last[-2:] == [b"left", b"restored"] or last in ([b"never served"], [])
        assert not [line for line in last if b"Traceback" in line or b"rror" in line]


@contextmanager
def probe(*arguments: str) -> Generator[Probe]:
    pipe = subprocess.PIPE
    command = [*PROBE, *arguments]
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, env=ENVIRONMENT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Probe(process, process.stdin.fileno(), process.stdout.fileno())
        finally:
            process.kill()


@contextmanager
def probe_on(fd: int, client_end: int) -> Generator[Probe]:
    """Yield a probe that has `fd` as its stdin and stdout; `client_end` is the client's end."""
    pipe = subprocess.PIPE
    with subprocess.Popen(PROBE, stdin=fd, stdout=fd, stderr=pipe, bufsize=0) as process:
        try:
            yield Probe(process, client_end, client_end)
        finally:
            process.kill()


@contextmanager
def terminal() -> Generator[tuple[int, int]]:
    """Yield both ends of a terminal in raw mode."""
    client_end, server_end = pty.openpty()
    tty.setraw(server_end)
    try:
        yield client_end, server_end
    finally:
        os.close(client_end)
        os.close(server_end)


def run_probe(data: bytes, *arguments: str) -> list[Message]:
    """Return the messages that `printf data | probe` prints, however long the answers take."""
    command = [*PROBE, *LONG_GRACE, *arguments]
    done = subprocess.run(command, input=data, capture_output=True, timeout=TIMEOUT, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def by_id(messages: list[Message]) -> dict[int | str, Message]:
    answers = [message for message in messages if "method" not in message]
    assert len({message["id"] for message in answers}) == len(answers)
    return {message["id"]: message for message in answers}


def text_of(answer: Message) -> str:
    return str(answer["result"]["content"][0]["text"])


def test_piped_requests_are_all_answered() -> None:
    calls = [call(number, "answer") for number in range(50)]
    answers = by_id(run_probe(HANDSHAKE + lines(*calls)))
    assert {text_of(answers[number]) for number in range(50)} == {"42"}


def test_a_last_request_without_a_newline_is_answered() -> None:
    answers = by_id(run_probe(HANDSHAKE + lines(call(1, "answer")).rstrip()))
    assert text_of(answers[1]) == "42"


def test_requests_from_a_file_are_answered_into_a_file(tmp_path: Path) -> None:
    requests, answers = tmp_path / "requests", tmp_path / "answers"
    requests.write_bytes(HANDSHAKE + lines(*(call(number, "answer") for number in range(1000))))
    with requests.open("rb") as stdin, answers.open("wb") as stdout:
        command = [*PROBE, *LONG_GRACE]
        subprocess.run(command, stdin=stdin, stdout=stdout, timeout=TIMEOUT, check=True)
    answered = by_id([json.loads(line) for line in answers.read_bytes().splitlines()])
    assert answered.keys() == {"handshake", *range(1000)}


def test_the_null_device_works_as_stdin_and_stdout() -> None:
    null = subprocess.DEVNULL
    subprocess.run(PROBE, stdin=null, stdout=null, timeout=TIMEOUT, check=True)


def test_a_socket_pair_works_as_pipes_do() -> None:
    client_end, server_end = socket.socketpair()
    with client_end, server_end, probe_on(server_end.fileno(), client_end.fileno()) as server:
        server.send(HANDSHAKE, call(1, "text", size=1_000_000))
        answers = by_id([server.receive(), server.receive()])
        assert len(text_of(answers[1])) == 1_000_000
        client_end.shutdown(socket.SHUT_WR)
        server.check_clean_exit()


def test_a_terminal_works_and_keeps_its_flags() -> None:
    with terminal() as (client_end, server_end), probe_on(server_end, client_end) as server:
        flags = fcntl.fcntl(server_end, fcntl.F_GETFL)
        server.send(HANDSHAKE, call(1, "text", size=100_000))
        answers = by_id([server.receive(), server.receive()])
        assert len(text_of(answers[1])) == 100_000
        assert fcntl.fcntl(server_end, fcntl.F_GETFL) == flags
        server.process.send_signal(signal.SIGTERM)
        server.check_clean_exit()


def test_prints_and_output_of_children_go_to_stderr_only() -> None:
    with probe("--print-first", "before serving") as server:
        server.send(HANDSHAKE, call(1, "stray", words="not protocol"))
        assert server.receive()["id"] == "handshake"
        assert text_of(server.receive()) == "child 0"
        server.close_stdin()
        assert server.stdout.all() == []
        assert server.process.wait(TIMEOUT) == 0
        printed = server.stderr.all()
        assert printed[0].startswith(b"before serving")
        assert printed.count(b"not protocol") == 2


@SERVED_AT_ONCE
def test_prints_never_reach_stdout_even_when_stderr_is_closed() -> None:
    with probe("--print-first", "before serving") as server:
        server.send(HANDSHAKE)
        server.wait_for(b"before servingentered")
        assert server.process.stderr is not None
        server.process.stderr.close()
        server.send(call(1, "stray", words="not protocol"))
        assert by_id([server.receive(), server.receive()]).keys() == {"handshake", 1}
        server.close_stdin()
        assert server.stdout.all() == []


def close_stdin(server: Probe) -> None:
    server.close_stdin()


def interrupt(server: Probe) -> None:
    server.process.send_signal(signal.SIGINT)


def terminate(server: Probe) -> None:
    server.process.send_signal(signal.SIGTERM)


def close_stdout(server: Probe) -> None:
    assert server.process.stdout is not None
    server.process.stdout.close()
    with suppress(BrokenPipeError):
        server.send_until_full(PING)


# A server that took over is the same as one that was there at once, so each pair need not be tried.
WHILE_A_TOOL_RUNS = pytest.mark.parametrize(
    ("start", "tool"), [("eager", "query"), ("recorded", "wait")], indirect=["start"]
)
ENDS = pytest.mark.parametrize("end", [close_stdin, interrupt, terminate, close_stdout])


def test_a_second_is_enough_for_its_last_answers() -> None:
    # The tests below wait for its end as long as a busy machine needs.
    seconds = stdio_streams._GRACE_SECONDS + stdio_streams._LAST_WRITE_SECONDS  # pyright: ignore[reportPrivateUsage]
    assert seconds <= 0.5


@ENDS
def test_it_ends_when_idle(end: Callable[[Probe], None]) -> None:
    with probe() as server:
        server.send(HANDSHAKE)
        assert server.receive()["id"] == "handshake"
        end(server)
        server.check_clean_exit()


@ENDS
@WHILE_A_TOOL_RUNS
def test_it_ends_while_a_tool_runs(end: Callable[[Probe], None], tool: str) -> None:
    with probe() as server:
        server.send(HANDSHAKE, call(1, tool))
        assert server.receive()["id"] == "handshake"
        server.wait_for(b"waiting")
        end(server)
        server.check_clean_exit()


@ENDS
@WHILE_A_TOOL_RUNS
def test_it_ends_when_the_client_has_stopped_reading(
    end: Callable[[Probe], None], tool: str
) -> None:
    with probe() as server:
        server.send(HANDSHAKE, call(1, tool), call(2, "text", size=1_000_000))
        server.wait_for(b"waiting")
        assert server.send_until_full(PING * 10_000) < len(PING * 10_000)
        end(server)
        server.check_clean_exit()


@SERVED_AT_ONCE
@ENDS
def test_it_ends_when_the_client_does_not_read_stderr(
    end: Callable[[Probe], None],
) -> None:
    with probe() as server:
        server.wait_for(b"entered")
        assert server.send_until_full(b"{\n" * 100_000) < 200_000
        end(server)
        server.check_clean_exit()


@pytest.mark.parametrize("end", [interrupt, terminate])
def test_a_signal_ends_it_when_nobody_reads_its_terminal(end: Callable[[Probe], None]) -> None:
    with terminal() as (client_end, server_end), probe_on(server_end, client_end) as server:
        server.send(HANDSHAKE, call(1, "text", size=1_000_000), call(2, "wait"))
        server.wait_for(b"waiting")
        end(server)
        server.check_clean_exit()


def test_a_thread_that_reports_progress_stops_when_the_client_cancels_it() -> None:
    with probe() as server:
        server.send(HANDSHAKE, call(1, "progress", steps=10**9))
        assert server.receive()["id"] == "handshake"
        assert server.receive()["method"] == "notifications/progress"
        server.send(cancel(1))
        server.close_stdin()
        server.stdout.all()
        server.check_clean_exit()


@SERVED_AT_ONCE
def test_a_signal_before_the_first_request_leaves_the_lifespan() -> None:
    with probe() as server:
        server.wait_for(b"entered")
        terminate(server)
        server.check_clean_exit()


def test_a_call_that_is_running_at_a_signal_is_answered_with_an_error() -> None:
    with probe() as server:
        server.send(HANDSHAKE, call(1, "wait"))
        assert server.receive()["id"] == "handshake"
        server.wait_for(b"waiting")
        terminate(server)
        assert server.receive()["error"]["message"] == "Connection closed"


PARSE_ERROR, INVALID_REQUEST, INTERNAL_ERROR = -32700, -32600, -32603
PING = b'{"jsonrpc":"2.0","id":"after","method":"ping"}\n'


UNREADABLE: list[tuple[bytes, int, int | str | None]] = [
    (b"{", PARSE_ERROR, None),
    (b"hello", PARSE_ERROR, None),
    (b"NaN", PARSE_ERROR, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":NaN}}', PARSE_ERROR, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"} {}', PARSE_ERROR, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', PARSE_ERROR, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', PARSE_ERROR, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"\\udc00"}', PARSE_ERROR, None),
    (b"[" * 10_000 + b"]" * 10_000, PARSE_ERROR, None),
    (b"1" * 10_000, INVALID_REQUEST, None),
    ('{"jsonrpc":"2.0"}'.encode("utf-16"), PARSE_ERROR, None),
    (b"1", INVALID_REQUEST, None),
    (b"null", INVALID_REQUEST, None),
    (b"{}", INVALID_REQUEST, None),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', INVALID_REQUEST, None),
    (b'{"jsonrpc":"2.0","id":1}', INVALID_REQUEST, 1),
    (b'{"jsonrpc":"2.0","id":"one","method":1}', INVALID_REQUEST, "one"),
    (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', INVALID_REQUEST, 1),
    (b'{"id":1,"method":"ping"}', INVALID_REQUEST, 1),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', INVALID_REQUEST, 1),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', INVALID_REQUEST, None),
    (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', INVALID_REQUEST, None),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', INVALID_REQUEST, None),
    (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', INVALID_REQUEST, None),
    (b'{"jsonrpc":"2.0","id":1,"error":"not ours to echo"}', INVALID_REQUEST, None),
]


def test_a_line_that_is_not_a_message_gets_an_error_and_the_next_one_is_served() -> None:
    with probe() as server:
        for line, code, number in UNREADABLE:
            server.send(line + b"\n" + PING)
            refusal, answer = server.receive(), server.receive()
            assert (refusal["error"]["code"], refusal.get("id")) == (code, number), line[:80]
            assert refusal["error"]["message"]
            assert answer["id"] == "after"


def test_a_byte_order_mark_carriage_returns_and_blank_lines_are_accepted() -> None:
    requests = HANDSHAKE + b"\n\r\n \t\n" + lines(call(1, "answer"))
    answers = run_probe(b"\xef\xbb\xbf" + requests.replace(b"\n", b"\r\n"))
    assert by_id(answers).keys() == {"handshake", 1}


def test_a_line_over_the_limit_is_skipped_with_an_error_that_names_the_limit() -> None:
    longest = lines(request("ping", {"filler": "x" * 900}, 1))
    refusal, *answers = run_probe(
        b"x" * 5_000_000 + b"\n" + longest + PING, "--max-line-bytes", "1000"
    )
    assert "id" not in refusal
    assert refusal["error"]["code"] == INVALID_REQUEST
    assert "1000 bytes" in refusal["error"]["message"]
    assert by_id(answers).keys() == {1, "after"}


def test_a_line_may_be_at_most_16_mib_long() -> None:
    longest = lines(request("ping", {"filler": ""}, 1))
    longest = longest.replace(b'""', b'"' + b"x" * (16 * 1024 * 1024 + 1 - len(longest)) + b'"')
    answer, refusal = run_probe(longest + b" " + longest)
    assert answer["id"] == 1
    assert "16777216 bytes" in refusal["error"]["message"]


def test_an_answer_that_cannot_be_encoded_becomes_an_error() -> None:
    answers = by_id(run_probe(HANDSHAKE + lines(call(1, "lone_surrogate"), call(2, "answer"))))
    assert answers[1]["error"]["code"] == INTERNAL_ERROR
    assert text_of(answers[2]) == "42"


def test_200_calls_that_report_progress_from_threads_are_all_answered() -> None:
    with probe() as server:
        server.send(HANDSHAKE, *(call(number, "progress", steps=5) for number in range(200)))
        messages = [server.receive() for _ in range(1 + 200 * 6)]
        answers = by_id(messages)
        assert {text_of(answers[number]) for number in range(200)} == {"done"}
        steps = [message["params"] for message in messages if "method" in message]
        for number in range(200):
            mine = [step["progress"] for step in steps if step["progressToken"] == number]
            assert mine == [0, 1, 2, 3, 4]


def test_reading_pauses_while_the_client_does_not_read_and_no_answer_is_lost() -> None:
    calls = lines(*(call(number, "text", size=3_000) for number in range(2_000)))
    with probe() as server:
        server.send(HANDSHAKE)
        sent = server.send_until_full(calls)
        assert sent < len(calls)
        unsent = calls[sent:]
        answers: list[Message] = []
        while len(answers) < 2_001:
            if unsent and select.select([], [server.stdin], [], 0)[1]:
                unsent = unsent[os.write(server.stdin, unsent[: select.PIPE_BUF]) :]
            answers.append(server.receive())
        answered = by_id(answers)
        assert {len(text_of(answered[number])) for number in range(2_000)} == {3_000}


def test_a_half_written_line_of_a_cancelled_call_is_finished() -> None:
    with probe() as server:
        server.send(HANDSHAKE, call(1, "announce", size=1_000_000))
        assert server.receive()["id"] == "handshake"
        assert server.stdout.read_chunk()
        server.send(cancel(1), call(2, "wait"))
        server.wait_for(b"waiting")
        server.send(call(3, "answer"))
        assert len(server.receive()["params"]["message"]) == 1_000_000
        assert text_of(server.receive()) == "42"


def test_cancelled_calls_do_not_slow_down_later_ones() -> None:
    calls = range(300)
    with probe() as server:
        server.send(HANDSHAKE, *(call(number, "wait") for number in calls))
        server.send(*(cancel(number) for number in calls), PING)
        assert by_id([server.receive(), server.receive()]).keys() == {"handshake", "after"}
        # Each takes 5 s or more if cancelled calls were kept, and else as long as the machine does.
        assert any(seconds_for_pings(server, 500) < 4 for _ in range(5))


def seconds_for_pings(server: Probe, count: int) -> float:
    began = time.monotonic()
    server.send(*(request("ping", {}, number) for number in range(count)))
    assert len(by_id([server.receive() for _ in range(count)])) == count
    return time.monotonic() - began


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the size of a pipe")
def test_an_empty_pipe_has_room_for_its_whole_size() -> None:
    out_of, into = os.pipe()
    try:
        size = fcntl.fcntl(into, fcntl.F_GETPIPE_SZ)
        assert stdio_streams._room(into) == size > select.PIPE_BUF  # pyright: ignore[reportPrivateUsage]
        os.write(into, b"x" * stdio_streams._room(into))  # pyright: ignore[reportPrivateUsage]
        assert not select.select((), (into,), (), 0)[1]
        os.read(out_of, size - 1)
        assert stdio_streams._room(into) == select.PIPE_BUF  # pyright: ignore[reportPrivateUsage]
    finally:
        os.close(out_of)
        os.close(into)


def test_a_socket_has_room_for_pipe_buf() -> None:
    client_end, server_end = socket.socketpair()
    with client_end, server_end:
        server_end.send(b"unread")
        assert stdio_streams._room(client_end.fileno()) == select.PIPE_BUF  # pyright: ignore[reportPrivateUsage]
