"""A client that exchanges bytes over HTTP, so that no SDK's client is timed."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final, Self

from uniqc_mcp.lab.exchange import PUSH_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

CONNECTIONS: Final = 32
_REVISION: Final = "2026-07-28"
_SECONDS: Final = 60
_PREFIX: Final = "io.modelcontextprotocol"


class HttpServerFailedError(Exception):
    """A server ended, did not answer, or answered with an error."""


class HttpServer:
    """A server of `http_server`, which ends with the ``with`` block, and connections to it."""

    def __init__(self, kind: str, answers: Path, *, database: str, token: str) -> None:
        """Start the server and connect."""
        self._token = token
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.http_server", kind, answers],
            stdout=subprocess.PIPE,
            env={**os.environ, "UNIQC_MCP_LAB_DATABASE": database},
            text=True,
        )
        if self._process.stdout is None or not (port := self._process.stdout.readline()):
            raise HttpServerFailedError(f"{kind} did not start")
        self._address = ("127.0.0.1", int(port))
        self._sockets: list[socket.socket] = []
        self.connect()

    def connect(self) -> None:
        """Open the connections, and those again that the server closed after some idle seconds."""
        kept = [connection for connection in self._sockets if _is_open(connection)]
        missing = range(CONNECTIONS - len(kept))
        new = [socket.create_connection(self._address, timeout=_SECONDS) for _ in missing]
        self._sockets = [*kept, *new]

    def request(self, tool: str, arguments: Mapping[str, object]) -> bytes:
        """Return a call of a tool, as bytes that can be sent again and again."""
        meta = {
            f"{_PREFIX}/protocolVersion": _REVISION,
            f"{_PREFIX}/clientInfo": {"name": "benchmark", "version": "0"},
            f"{_PREFIX}/clientCapabilities": {},
        }
        params = {"name": tool, "arguments": arguments, "_meta": meta}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        body = json.dumps(message, separators=(",", ":")).encode()
        headers = (
            "Accept: application/json, text/event-stream",
            f"MCP-Protocol-Version: {_REVISION}",
            "Mcp-Method: tools/call",
            f"Mcp-Name: {tool}",
        )
        return self._post("/mcp", self._token, body, headers)

    def push(self, token: str, message: bytes) -> None:
        """Send what a machine sends, with a token of its own.

        Raises:
            HttpServerFailedError: It was not taken, or not all of it.
        """
        answer = json.loads(self.exchange(self._post(f"/{PUSH_PATH}", token, message)))
        if answer["refused"]:
            raise HttpServerFailedError(f"refused: {answer}")

    def _post(self, path: str, token: str, body: bytes, headers: Sequence[str] = ()) -> bytes:
        lines = (
            f"POST {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self._address[1]}",
            f"Authorization: Bearer {token}",
            "Content-Type: application/json",
            *headers,
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join((*lines, "", "")).encode() + body

    def exchange(self, request: bytes) -> bytes:
        """Send a request on one connection, and return the body of its answer."""
        self._sockets[0].sendall(request)
        return _body(self._sockets[0])

    def exchange_all(self, request: bytes) -> None:
        """Send a request on each connection at once, and read all answers."""
        for connection in self._sockets:
            connection.sendall(request)
        for connection in self._sockets:
            _body(connection)

    def result(self, request: bytes) -> Any:
        """Return the result of a request.

        Raises:
            HttpServerFailedError: The answer is an error.
        """
        answer = json.loads(self.exchange(request))
        if "result" not in answer or answer["result"].get("isError"):
            raise HttpServerFailedError(f"no result but {answer}")
        return answer["result"]

    def __enter__(self) -> Self:
        """Return the server."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the server."""
        for connection in self._sockets:
            connection.close()
        self._process.terminate()
        self._process.wait(timeout=_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _is_open(connection: socket.socket) -> bool:
    """Return whether a connection is open; close it if the server has."""
    # All answers were read, so what can be read is its end.
    ready, _, _ = select.select([connection], [], [], 0)
    if ready:
        connection.close()
    return not ready


def _body(connection: socket.socket) -> bytes:
    """Return the body of one answer, whose length its headers say."""
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(connection)
    headers = received[:end].lower()
    if not headers.startswith(b"http/1.1 200") or b"content-length:" not in headers:
        raise HttpServerFailedError(received.decode(errors="replace"))
    size = int(headers.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    body = received[end + 4 :]
    while len(body) < size:
        body += _more(connection)
    return body


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(1 << 18)
    if not received:
        raise HttpServerFailedError("the server closed the connection")
    return received
