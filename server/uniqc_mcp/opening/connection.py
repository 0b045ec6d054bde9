"""The connection to a client before the server is loaded, on fd 0 and fd 1.

It writes nothing that would block. The first message that needs the server, an answer that the
client doesn't read, or a long line ends it, and the server takes over what is left.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from uniqc_mcp.opening.recording import as_json
from uniqc_mcp.protocol.handover import REPLAYED_ID, ClientLeft, Handover

if TYPE_CHECKING:
    from collections.abc import Generator

    from uniqc_mcp.opening.conversation import Conversation

_MAX_LINE_BYTES: Final = 64 * 1024
"""Bytes of the longest line that is read here. No message of an opening is as long."""

_STALL_SECONDS: Final = 0.05
"""Time after which an answer that the client doesn't read is left to the server."""


def converse(conversation: Conversation, stdin: int = 0, stdout: int = 1) -> Handover:
    """Answer the client until a message needs the server, and return what that has to know.

    Raises:
        ClientLeft: There is nothing more to be answered.
    """
    with _signals_wake() as woken:
        return _Connection(conversation, stdin, stdout, woken).serve()


class _Connection:
    def __init__(self, conversation: Conversation, stdin: int, stdout: int, woken: int) -> None:
        self._conversation = conversation
        self._stdin = stdin
        self._stdout = stdout
        self._woken = woken
        self._received = b""
        self._ended = False

    def serve(self) -> Handover:
        while True:
            line, newline, rest = self._received.partition(b"\n")
            if not newline and not self._ended:
                if len(line) > _MAX_LINE_BYTES:
                    return self._handover(self._received, reason="a long line")
                self._read()
                continue
            if not newline and not line.strip():
                raise ClientLeft
            answer = self._conversation.answer(line) if line.strip() else b""
            if answer is None:
                return self._handover(self._received, reason=self._conversation.stopped_at)
            self._received = rest
            if unsent := self._write(answer):
                return self._handover(rest, unsent, reason="the client does not read")
            if self._conversation.has_called:
                return self._handover(rest, reason="the first call is answered")

    def _read(self) -> None:
        # read() would not notice a signal that arrived just before it; select() does.
        readable, _, _ = select.select((self._stdin, self._woken), (), ())
        if self._stdin not in readable:
            return
        try:
            chunk = os.read(self._stdin, 65536)
        except BlockingIOError:
            return
        except OSError:  # a reset connection
            chunk = b""
        self._received += chunk
        self._ended = not chunk

    def _write(self, answer: bytes) -> bytes:
        """Write an answer, and return what the client has left unread for too long."""
        while answer:
            if not select.select((), (self._stdout,), (), _STALL_SECONDS)[1]:
                return answer
            try:
                # More could block, although the descriptor is writable.
                answer = answer[os.write(self._stdout, answer[: select.PIPE_BUF]) :]
            except BlockingIOError:
                return answer
            except OSError as error:
                raise ClientLeft from error
        return answer

    def _handover(self, received: bytes, unsent: bytes = b"", *, reason: str) -> Handover:
        said = self._conversation
        opening = said.opening and said.opening | {"id": REPLAYED_ID}
        replayed = tuple(as_json(line).encode() for line in (opening, said.initialized) if line)
        return Handover(replayed=replayed, received=received, unsent=unsent, reason=reason)


@contextmanager
def _signals_wake() -> Generator[int]:
    """Yield a descriptor that becomes readable with each signal."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.set_wakeup_fd(wake)
    try:
        yield woken
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wake)
