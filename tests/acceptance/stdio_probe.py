"""A small server on this transport, which test_stdio.py starts in a new process.

It reports its state to the tests on stderr, one word per line.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.from_thread
import anyio.lowlevel
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

from uniqc_mcp.opening.start import answer_opening
from uniqc_mcp.protocol import stdio_streams
from uniqc_mcp.protocol.handover import FRESH, ClientLeft
from uniqc_mcp.protocol.stdio import MAX_LINE_BYTES, serve_stdio
from uniqc_mcp.settings import Settings


def report(word: str) -> None:
    os.write(2, f"{word}\n".encode())


@asynccontextmanager
async def lifespan(_: MCPServer[None]) -> AsyncGenerator[None]:
    report("entered")
    try:
        yield
    finally:
        await anyio.lowlevel.checkpoint()
        report("left")


async def answer() -> str:
    return "42"


async def text(size: int) -> str:
    return "x" * size


async def lone_surrogate() -> str:
    return "\ud800"


async def wait() -> str:
    report("waiting")
    await anyio.sleep_forever()
    return "never"


def query() -> int:
    """Count in SQLite on a worker thread until the request is cancelled."""

    def tick() -> int:
        try:
            anyio.from_thread.check_cancelled()
        except BaseException:  # whatever the event loop cancels with
            return 1
        return 0

    connection = sqlite3.connect(":memory:")
    connection.set_progress_handler(tick, 20_000)
    report("waiting")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    try:
        return int(connection.execute(endless).fetchone()[0])
    except sqlite3.OperationalError:
        anyio.from_thread.check_cancelled()  # an interrupted query is not an error of the tool
        raise
    finally:
        connection.close()


def progress(ctx: Context, steps: int) -> str:
    """Report progress from a worker thread."""
    for step in range(steps):
        anyio.from_thread.run(ctx.report_progress, step, steps)
    return "done"


async def announce(ctx: Context, size: int) -> str:
    await ctx.report_progress(0, message="x" * size)
    return "done"


async def stray(words: str) -> str:
    print(words)  # noqa: T201  # left unflushed, as a library might do
    child = [sys.executable, "-c", f"import sys; print({words!r}); sys.exit(len(sys.stdin.read()))"]
    finished = subprocess.run(child, check=False)
    return f"child {finished.returncode}"


def build() -> MCPServer[None]:
    server = MCPServer[None]("probe", lifespan=lifespan)
    for tool in (answer, text, lone_surrogate, wait, query, progress, announce, stray):
        server.add_tool(tool)
    return server


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--max-line-bytes", type=int, default=MAX_LINE_BYTES)
    arguments.add_argument("--print-first", default="")
    arguments.add_argument("--grace", type=float)
    arguments.add_argument("--recorded", action="store_true")
    given = arguments.parse_args()
    before = [os.fstat(fd).st_ino for fd in (0, 1)]
    print(given.print_first, end="")  # noqa: T201  # left unflushed
    try:
        handover = answer_opening(Settings()) if given.recorded else FRESH
    except ClientLeft:
        report("never served")
        sys.exit()
    if given.grace is not None:
        stdio_streams.__dict__["_GRACE_SECONDS"] = given.grace
    serve = partial(serve_stdio, handover=handover, max_line_bytes=given.max_line_bytes)
    anyio.run(serve, build())
    if [os.fstat(fd).st_ino for fd in (0, 1)] == before:
        report("restored")
