"""The wire: an MCP server on this process's stdin and stdout, without a worker thread.

The SDK's transport reads and writes on worker threads, out of the forty that `def` tools run
on too: with enough of those reporting progress, none is left to write. It also leaves lines
unanswered that it cannot read, and hangs on SIGINT until stdin closes (python-sdk 2751, 3551).
Windows has no way to wait for a pipe without a thread; there, the SDK's transport serves.
"""

import asyncio
import os
import select
import signal
import sys
from array import array
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from math import inf
from typing import Any, Final

import anyio
import anyio.lowlevel
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.server import MCPServer
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import jsonrpc

from uniqc_mcp.protocol.jsonrpc import Unreadable, read_message, too_long, write_message

if sys.platform != "win32":
    import fcntl
    import termios

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""The longest line that is read; a longer one is answered with an error and skipped."""

_GRACE_SECONDS: Final = 0.4  # for answers to what was asked before stdin ended
_LAST_WORDS_SECONDS: Final = 0.1  # for a client that is not reading, once serving is over
_STALL_SECONDS: Final = 0.05  # after which a client that has left may be the reason
_PAUSE_SECONDS: Final = 0.01
_MAX_IN_FLIGHT: Final = 256  # requests, past which reading slows down
_MAX_UNSENT_BYTES: Final = 1024 * 1024  # past which reading stops


async def serve_stdio(server: MCPServer[Any], *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
    """Serve `server` over stdin and stdout until the client leaves or a signal says stop.

    Returns within a second of SIGINT or SIGTERM, of an answer that finds the client gone, or
    of reading stdin's end; what is in flight at that end has a moment to be answered. The
    lifespan is left as usual and may await. Being asked to stop is no failure, and clients
    report other exit statuses as crashes: a program that ends with this exits with 0.
    A `def` tool runs on a thread and holds up the end until it returns, unless it looks at
    `anyio.from_thread.check_cancelled()` now and then.

    While serving, fd 0 is /dev/null and fd 1 is stderr: whatever prints, the client reads
    the protocol only. Needs asyncio, and the main thread, where signals arrive.
    """
    if sys.platform == "win32":
        await server.run_stdio_async()
        return
    if sys.__stdin__ is None or sys.__stdout__ is None:
        return  # Closed by whoever started us: there is nobody to serve.
    # MCPServer itself runs over no streams but the SDK's own.
    lowlevel = server._lowlevel_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    with _claimed_wire() as (stdin, stdout):
        requests = _Requests(stdin, stdout, max_line_bytes)
        with _on_stop_signal(requests.end):
            options = lowlevel.create_initialization_options()
            await lowlevel.run(requests, requests.answers, options)


@contextmanager
def _on_stop_signal(stop: Callable[[], None]) -> Generator[None]:
    # Not anyio's receiver: it needs a task group, and that would wrap the server's errors.
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextmanager
def _claimed_wire() -> Generator[tuple[int, int]]:
    """Stdin and stdout as descriptors of our own, with fd 0 and fd 1 diverted meanwhile."""
    # Not below 3: where stderr is closed, the wire would become it.
    stdin, stdout = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (0, 1))
    opened = [stdin, stdout, null := os.open(os.devnull, os.O_RDWR)]
    wire = stdout
    if os.isatty(stdout):
        # A writable terminal may still block a write, and the user's shell shares this one's
        # flags: O_NONBLOCK needs an opening of our own.
        with suppress(OSError):
            wire = os.open(os.ttyname(stdout), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            opened.append(wire)
    try:
        os.dup2(null, 0)
        try:
            os.dup2(2, 1)
        except OSError:  # There is no stderr.
            os.dup2(null, 1)
        _flush_prints(null)
        yield stdin, wire
    finally:
        _flush_prints(null)
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        for fd in opened:
            os.close(fd)


def _flush_prints(null: int) -> None:
    """Empty Python's own buffers into the diverted fd 1; later they would reach the wire."""
    for stream in (sys.stdout, sys.__stdout__):
        if stream is not None and not stream.closed:
            try:
                stream.flush()
            except OSError:  # Nobody reads stderr.
                os.dup2(null, 1)
                stream.flush()


class _Requests(ObjectReceiveStream[SessionMessage | Exception]):
    """What the client sends. It ends when serving is to end, and the SDK does the rest."""

    def __init__(self, stdin: int, stdout: int, max_line_bytes: int) -> None:
        self.answers = _Answers(stdout, on_stall=self._notice_hang_up, on_broken=self.end)
        self._fd = stdin
        self._max_line_bytes = max_line_bytes
        self._line = bytearray()
        self._lines: deque[bytes] = deque()
        self._all_read = False
        self._end_at = inf
        self._receiving = anyio.CancelScope()
        self._metadata = ServerMessageMetadata(on_request_unanswered=self.answers.forgive)

    def end(self, *, within: float = 0) -> None:
        self._end_at = min(self._end_at, anyio.current_time() + within)
        self._receiving.deadline = self._end_at
        self.answers.give_up_at(self._end_at + _LAST_WORDS_SECONDS)

    async def receive(self) -> SessionMessage:
        scope = anyio.CancelScope(deadline=self._end_at)
        try:
            with suppress(anyio.BrokenResourceError), scope as self._receiving:
                return await self._next_message()
        except anyio.get_cancelled_exc_class():
            self.end()  # Cancelled from outside: no answer may hold that up for longer either.
            raise
        raise anyio.EndOfStream

    async def aclose(self) -> None:
        self.end()

    async def _next_message(self) -> SessionMessage:
        while True:
            # One turn of the loop a line: no flood of them may keep others from running.
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
                continue
            self.answers.owed += isinstance(message, jsonrpc.JSONRPCRequest)
            return SessionMessage(message, self._metadata)

    async def _hold_back(self) -> None:
        """Leave what the client sent where it is, while we cannot keep up or it does not."""
        if self.answers.owed >= _MAX_IN_FLIGHT and not _hung_up(self._fd):
            # A pause and no stop: the next line may be the one that cancels all of these.
            await anyio.sleep(_PAUSE_SECONDS)
        while self.answers.unsent >= _MAX_UNSENT_BYTES:
            await anyio.sleep(_PAUSE_SECONDS)

    def _notice_hang_up(self) -> None:
        # While reading has stopped, nothing else would tell the end of stdin.
        if _hung_up(self._fd):
            self.end(within=_GRACE_SECONDS)

    async def _read(self) -> None:
        while self._all_read:
            if not self.answers.owed and not self.answers.unsent:
                raise anyio.EndOfStream
            await anyio.sleep(_PAUSE_SECONDS)
        # select() first, since epoll refuses what never blocks: regular files, /dev/null.
        if select.select((self._fd,), (), (), 0)[0]:
            await anyio.lowlevel.checkpoint()
        else:
            await anyio.wait_readable(self._fd)
        try:
            chunk = os.read(self._fd, 65536)
        except BlockingIOError:
            return
        except OSError:  # A connection that was reset, a terminal that was hung up.
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
        # Of a line over the limit, one byte too many is kept, to tell by.
        self._line += piece[: self._max_line_bytes + 1 - len(self._line)]


class _Answers(ObjectSendStream[SessionMessage]):
    """What the client is sent: whole lines, each written before the next one is begun."""

    def __init__(
        self, stdout: int, *, on_stall: Callable[[], None], on_broken: Callable[[], None]
    ) -> None:
        self.owed = 0
        """How many requests the server has been handed and has not made an answer to."""
        self.unsent = 0
        """How many bytes wait to be written, counting 1 KiB at least for each line."""
        self._fd = stdout
        self._on_stall = on_stall
        self._on_broken = on_broken
        self._broken = False
        # Not anyio's: in a task that a worker thread starts once its request is cancelled, that
        # spins for a cancellation which never comes (anyio 4.16).
        self._turn = asyncio.Lock()
        self._give_up_at = inf
        self._writing = anyio.CancelScope()

    async def forgive(self) -> None:
        """Owe one answer less: the client has cancelled its request."""
        self.owed -= 1

    def give_up_at(self, time: float) -> None:
        self._give_up_at = self._writing.deadline = time

    async def send(self, item: SessionMessage) -> None:
        self.owed -= isinstance(item.message, jsonrpc.JSONRPCResponse | jsonrpc.JSONRPCError)
        await self.write(item.message)

    async def aclose(self) -> None:
        self._broken = True

    async def write(self, message: jsonrpc.JSONRPCMessage) -> None:
        line = write_message(message)
        size = max(len(line), 1024)  # The task that waits with it takes more than a short line.
        self.unsent += size
        try:
            async with self._turn:
                await self._put(memoryview(line))
        finally:
            self.unsent -= size
        # A tool that only ever writes must let others run, signals too, and can be cancelled.
        await anyio.lowlevel.checkpoint()
        if self._broken:
            raise anyio.BrokenResourceError

    async def _put(self, line: memoryview) -> None:
        # Shielded: half a line, left by a tool that is cancelled, would spoil the next.
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
                    # O_NONBLOCK would reach everyone who shares this opening.
                    line = line[os.write(self._fd, line[: _room(self._fd)]) :]
                except BlockingIOError:
                    await anyio.sleep(_PAUSE_SECONDS)
        if line and not self._broken:
            self._broken = True
            self._on_broken()


def _room(fd: int) -> int:
    """Bytes that can be written without blocking, where some can."""
    if sys.platform == "linux":
        unread = array("i", [0])
        with suppress(OSError):  # It is no pipe.
            fcntl.ioctl(fd, termios.FIONREAD, unread)
            size = fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)
            return select.PIPE_BUF if unread[0] else size
    return select.PIPE_BUF  # of pipes and sockets alike


def _hung_up(fd: int) -> bool:
    """Whether the other end is closed, however much of what it sent is still unread."""
    poll = select.poll()
    # A socket that is shut in one direction reports only POLLRDHUP.
    poll.register(fd, select.POLLHUP | getattr(select, "POLLRDHUP", 0))
    return bool(poll.poll(0))
