"""The stdio transport: an MCP server on this process's stdin and stdout, without worker threads.

The SDK's own transport reads and writes on worker threads. It shares a pool of forty with `def`
tools, and when enough of those report progress, no thread is left to write. It also leaves
unreadable lines unanswered and hangs on SIGINT until stdin closes (python-sdk 2751, 3551).
Windows can't wait for a pipe without a thread, so the SDK's transport serves there.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, Final

from mcp.server import MCPServer

from uniqc_mcp.protocol.handover import FRESH, Handover
from uniqc_mcp.protocol.stdio_streams import Requests

if sys.platform != "win32":
    import fcntl

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""Bytes of the longest line that is read; a longer one is skipped and answered with an error."""


async def serve_stdio(
    server: MCPServer[Any], *, handover: Handover = FRESH, max_line_bytes: int = MAX_LINE_BYTES
) -> None:
    """Serve over stdin and stdout until the client leaves or a signal arrives.

    Returns within a second of SIGINT, SIGTERM, the end of stdin, or an answer that finds the
    client gone. Requests in flight at the end of stdin get a moment to be answered. The lifespan
    ends as usual and may await. A `def` tool delays the end until its thread returns, unless it
    calls `anyio.from_thread.check_cancelled()` now and then.

    A program should exit with status 0 afterwards: clients report any other as a crash.

    While serving, fd 0 is /dev/null and fd 1 is stderr. Whatever a library prints, the client reads
    the protocol only. Needs asyncio and the main thread, which receives signals.

    Args:
        server: The server.
        handover: The state of a connection that was begun before.
        max_line_bytes: The longest line that is read; longer ones are answered with an error.
    """
    if sys.platform == "win32":
        await server.run_stdio_async()
        return
    if sys.__stdin__ is None or sys.__stdout__ is None:
        return  # The parent process closed them, so there is no client.
    # MCPServer can run over the SDK's own streams only.
    lowlevel = server._lowlevel_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    with _claimed_wire() as (stdin, stdout):
        requests = Requests(stdin, stdout, max_line_bytes, handover)
        with _on_stop_signal(requests.end):
            options = lowlevel.create_initialization_options()
            await lowlevel.run(requests, requests.answers, options)
            await requests.answers.wait_for_beginning()


@contextmanager
def _on_stop_signal(stop: Callable[[], None]) -> Generator[None]:
    # anyio's signal receiver needs a task group, which would wrap the server's errors.
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
    """Yield private descriptors of stdin and stdout, while fd 0 and fd 1 are diverted."""
    # At least 3: where stderr is closed, the wire would otherwise become fd 2.
    stdin, stdout = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (0, 1))
    opened = [stdin, stdout, null := os.open(os.devnull, os.O_RDWR)]
    wire = stdout
    if os.isatty(stdout):
        # A writable terminal may still block a write. Its flags are shared with the user's shell,
        # so O_NONBLOCK is set on a separate open file description.
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
    """Flush Python's buffers into the diverted fd 1; later they would reach the wire."""
    for stream in (sys.stdout, sys.__stdout__):
        if stream is not None and not stream.closed:
            try:
                stream.flush()
            except OSError:  # Nobody reads stderr.
                os.dup2(null, 1)
                stream.flush()
