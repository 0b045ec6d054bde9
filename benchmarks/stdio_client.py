"""A client that exchanges bytes over pipes, so that no SDK's client is timed."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

MAX_WAIT_SECONDS = 120.0
_REVISION = "2025-06-18"
"""The protocol revision that most clients use."""


class ServerSilentError(Exception):
    """A server ended or did not answer. The text has the end of its stderr."""


def request_line(number: int, method: str, params: Mapping[str, object]) -> bytes:
    """Return one request as it goes over the wire."""
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def call_line(tool: str, arguments: Mapping[str, object]) -> bytes:
    """Return a call of a tool, as bytes that can be sent again and again."""
    return request_line(1, "tools/call", {"name": tool, "arguments": arguments})


class RawServer:
    """A server over stdio, which ends with the ``with`` block."""

    def __init__(
        self, command: Sequence[str | os.PathLike[str]], *, env: Mapping[str, str] | None = None
    ) -> None:
        """Start the server."""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            env=None if env is None else dict(env),
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise ServerSilentError("no pipes")
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._wire_in, self._wire_out = self._stdin.fileno(), self._stdout.fileno()

    @property
    def pid(self) -> int:
        """The id of the server's process."""
        return self._process.pid

    def exchange(self, line: bytes) -> bytes:
        """Send one line, and return the next line of the server."""
        os.write(self._wire_in, line)
        chunks: list[bytes] = []
        while not chunks or not chunks[-1].endswith(b"\n"):
            ready, _, _ = select.select([self._wire_out], [], [], MAX_WAIT_SECONDS)
            chunk = os.read(self._wire_out, 1 << 20) if ready else b""
            if not chunk:
                raise ServerSilentError(self._last_words())
            chunks.append(chunk)
        return b"".join(chunks)

    def initialize(self) -> bytes:
        """Initialize the session, and return the answer to that request."""
        client = {"name": "benchmark", "version": "0"}
        params = {"protocolVersion": _REVISION, "capabilities": {}, "clientInfo": client}
        answer = self.exchange(request_line(0, "initialize", params))
        os.write(self._wire_in, b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        return answer

    def result(self, line: bytes) -> Any:
        """Return the result of a request.

        Raises:
            ServerSilentError: The answer is a protocol error.
        """
        answer = json.loads(self.exchange(line))
        if "result" not in answer:
            raise ServerSilentError(f"no result but {answer}")
        return answer["result"]

    def close(self) -> None:
        """End the server as a client does, by closing its stdin."""
        self._stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
        self._errors.close()

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
        self.close()

    def _last_words(self) -> str:
        self._errors.seek(0)
        errors = self._errors.read().decode(errors="replace").strip()
        return f"no answer; its stderr: {errors[-500:] or 'empty'}"
