"""The two streams of the stdio transport: requests that are read, and answers that are written."""

import asyncio
import os
import select
import sys
from array import array
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Final

import anyio
import anyio.lowlevel
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import jsonrpc

from uniqc_mcp.protocol.handover import FRESH, REPLAYED_ID, Handover
from uniqc_mcp.protocol.jsonrpc import Unreadable, read_message, too_long, write_message

if sys.platform != "win32":
    import fcntl
    import termios

_GRACE_SECONDS: Final = 0.4
"""Time to answer what was asked before stdin ended."""

_LAST_WRITE_SECONDS: Final = 0.1
"""Time for a client that is not reading, once serving is over."""

_STALL_SECONDS: Final = 0.05
"""Time after which a write that makes no progress may mean that the client has left."""

_PAUSE_SECONDS: Final = 0.01

_MAX_IN_FLIGHT: Final = 256
"""Requests without an answer, past which reading slows down."""

_MAX_UNSENT_BYTES: Final = 1024 * 1024
"""Bytes that wait to be written, past which reading stops."""


class Requests(ObjectReceiveStream[SessionMessage | Exception]):
    """The messages of the client. The SDK stops serving when this stream ends.

    Args:
        stdin: The descriptor to read.
        stdout: The descriptor to write answers to.
        max_line_bytes: The longest line that is read.
        handover: The state in which the connection is taken over.
    """

    def __init__(
        self, stdin: int, stdout: int, max_line_bytes: int, handover: Handover = FRESH
    ) -> None:
        self.answers = Answers(
            stdout,
            on_stall=self._notice_hang_up,
            on_broken=self.end,
            unsent=handover.unsent,
        )
        self._fd = stdin
        self._max_line_bytes = max_line_bytes
        self._line = bytearray()
        self._lines = deque(handover.replayed)
        self._all_read = False
        self._end_at = inf
        self._receiving = anyio.CancelScope()
        self._metadata = ServerMessageMetadata(on_request_unanswered=self.answers.forgive)
        self._cut(handover.received)

    def end(self, *, within: float = 0) -> None:
        """End the stream in so many seconds, or sooner where that was asked before."""
        self._end_at = min(self._end_at, anyio.current_time() + within)
        self._receiving.deadline = self._end_at
        self.answers.give_up_at(self._end_at + _LAST_WRITE_SECONDS)

    async def receive(self) -> SessionMessage:
        """Return the next message.

        Raises:
            anyio.EndOfStream: The client has left, or serving is to end.
        """
        scope = anyio.CancelScope(deadline=self._end_at)
        try:
            with suppress(anyio.BrokenResourceError), scope as self._receiving:
                return await self._next_message()
        except anyio.get_cancelled_exc_class():
            self.end()  # Cancelled from outside, so answers must not delay the end either.
            raise
        raise anyio.EndOfStream

    async def aclose(self) -> None:
        """End the stream now."""
        self.end()

    async def _next_message(self) -> SessionMessage:
        while True:
            # One turn of the event loop for each line, so that a flood of lines delays nobody.
            await anyio.lowlevel.checkpoint()
            await self._hold_back()
            while not self._lines:
                await self._read()
            line = self._lines.popleft()
            if len(line) > self._max_line_bytes:
                await self.answers.write(too_long(self._max_line_bytes))
                continue
            message = read_message(line)
            if isinstance(message, Unreadable):
                await self.answers.write(message.answer)
                if message.failed is None:
                    continue
                message = message.failed
            self.answers.owed += isinstance(message, jsonrpc.JSONRPCRequest)
            return SessionMessage(message, self._metadata)

    async def _hold_back(self) -> None:
        """Stop reading while too many requests are unanswered or too many bytes are unsent."""
        if self.answers.owed >= _MAX_IN_FLIGHT and not _hung_up(self._fd):
            # A pause, not a stop: the next line may cancel all of them.
            await anyio.sleep(_PAUSE_SECONDS)
        while self.answers.unsent >= _MAX_UNSENT_BYTES:
            await anyio.sleep(_PAUSE_SECONDS)

    def _notice_hang_up(self) -> None:
        # While reading has stopped, nothing else would notice the end of stdin.
        if _hung_up(self._fd):
            self.end(within=_GRACE_SECONDS)

    async def _read(self) -> None:
        while self._all_read:
            if not self.answers.owed and not self.answers.unsent:
                raise anyio.EndOfStream
            await anyio.sleep(_PAUSE_SECONDS)
        # select() first: epoll refuses files that never block, such as /dev/null.
        if select.select((self._fd,), (), (), 0)[0]:
            await anyio.lowlevel.checkpoint()
        else:
            await anyio.wait_readable(self._fd)
        try:
            chunk = os.read(self._fd, 65536)
        except BlockingIOError:
            return
        except OSError:  # a reset connection, or a terminal that was closed
            chunk = b""
        self._cut(chunk or b"\n")
        if not chunk:
            self._all_read = True
            self.end(within=_GRACE_SECONDS)

    def _cut(self, chunk: bytes) -> None:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._keep(end)
            if len(self._line) > self._max_line_bytes or self._line.strip():
                self._lines.append(bytes(self._line))
            self._line.clear()
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        # One byte over the limit is kept, which marks the line as too long.
        self._line += piece[: self._max_line_bytes + 1 - len(self._line)]


class Answers(ObjectSendStream[SessionMessage]):
    """The lines to the client, each written whole before the next one begins.

    Args:
        stdout: The descriptor to write.
        on_stall: Called when a write makes no progress.
        on_broken: Called once when the client can't be reached any more.
        unsent: The rest of a line that was begun, to be written before anything else.
    """

    def __init__(
        self,
        stdout: int,
        *,
        on_stall: Callable[[], None],
        on_broken: Callable[[], None],
        unsent: bytes = b"",
    ) -> None:
        self.owed = 0
        """Requests that were handed to the server and have no answer yet."""
        self.unsent = 0
        """Bytes that wait to be written; each line counts as 1 KiB at least."""
        self._fd = stdout
        self._on_stall = on_stall
        self._on_broken = on_broken
        self._broken = False
        # anyio.Lock spins in a task that a worker thread starts after its request was cancelled
        # (anyio 4.16), so this is asyncio's.
        self._turn = asyncio.Lock()
        self._give_up_at = inf
        self._writing = anyio.CancelScope()
        # Reading must not wait for it: the client may write more before it reads.
        self._beginning = asyncio.ensure_future(self._write_line(unsent)) if unsent else None

    async def forgive(self) -> None:
        """Count one answer less, because the client cancelled its request."""
        self.owed -= 1

    def give_up_at(self, time: float) -> None:
        """Stop waiting for the client at this time of the event loop's clock."""
        self._give_up_at = self._writing.deadline = time

    async def send(self, item: SessionMessage) -> None:
        """Write a message of the server, unless it answers a request that was answered before."""
        message = item.message
        if isinstance(message, jsonrpc.JSONRPCResponse | jsonrpc.JSONRPCError):
            self.owed -= 1
            if message.id == REPLAYED_ID:
                return
        await self.write(message)

    async def aclose(self) -> None:
        """Write nothing more."""
        self._broken = True

    async def wait_for_beginning(self) -> None:
        """Return once the line that was begun before is written or given up."""
        if self._beginning is not None:
            await self._beginning

    async def write(self, message: jsonrpc.JSONRPCMessage) -> None:
        """Write a message as one line.

        Raises:
            anyio.BrokenResourceError: The client can't be reached any more.
        """
        await self._write_line(write_message(message))
        # A tool that only writes must let other tasks and signals run, and stay cancellable.
        await anyio.lowlevel.checkpoint()
        if self._broken:
            raise anyio.BrokenResourceError

    async def _write_line(self, line: bytes) -> None:
        size = max(len(line), 1024)  # a waiting task takes more memory than a short line
        self.unsent += size
        try:
            async with self._turn:
                await self._put(memoryview(line))
        finally:
            self.unsent -= size

    async def _put(self, line: memoryview) -> None:
        # Shielded: half a line, left by a cancelled tool, would corrupt the next one.
        self._writing = anyio.CancelScope(shield=True, deadline=self._give_up_at)
        with suppress(OSError), self._writing:
            while line and not self._broken:
                if not select.select((), (self._fd,), (), 0)[1]:
                    with anyio.move_on_after(_STALL_SECONDS) as stall:
                        await anyio.wait_writable(self._fd)
                    if stall.cancelled_caught:
                        self._on_stall()
                    continue
                try:
                    # O_NONBLOCK would affect every process that shares this file description.
                    line = line[os.write(self._fd, line[: _room(self._fd)]) :]
                except BlockingIOError:
                    await anyio.sleep(_PAUSE_SECONDS)
        if line and not self._broken:
            self._broken = True
            self._on_broken()


def _room(fd: int) -> int:
    """Return how many bytes can be written without blocking, once the descriptor is writable."""
    if sys.platform == "linux":
        unread = array("i", [0])
        with suppress(OSError):  # not a pipe
            fcntl.ioctl(fd, termios.FIONREAD, unread)
            size = fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)
            return select.PIPE_BUF if unread[0] else size
    return select.PIPE_BUF  # of pipes and sockets alike


def _hung_up(fd: int) -> bool:
    """Return whether the other end is closed, even if some of its data is still unread."""
    poll = select.poll()
    # A socket that is shut in one direction reports only POLLRDHUP.
    poll.register(fd, select.POLLHUP | getattr(select, "POLLRDHUP", 0))
    return bool(poll.poll(0))
