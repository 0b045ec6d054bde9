"""One server that runs once for several clients, as over HTTP."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import anyio
import uvicorn
from mcp.client.streamable_http import streamable_http_client
from mcp.server.runner import serve_dual_era_loop
from mcp.shared.memory import create_client_server_memory_streams

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from mcp.client._transport import Transport, TransportStreams

    from uniqc_mcp.task_server import TaskServer

Connect: TypeAlias = "Callable[[], Transport]"


@asynccontextmanager
async def over_pipes(server: TaskServer) -> AsyncGenerator[Connect]:
    """Serve each client over a pipe of its own, in memory."""
    lowlevel = server._lowlevel_server  # pyright: ignore[reportPrivateUsage]
    async with lowlevel.lifespan(lowlevel) as state, anyio.create_task_group() as connections:

        @asynccontextmanager
        async def connect() -> AsyncGenerator[TransportStreams]:
            async with create_client_server_memory_streams() as (client, (read, write)):
                connections.start_soon(
                    partial(serve_dual_era_loop, lowlevel, read, write, lifespan_state=state)
                )
                yield client

        yield connect
        connections.cancel_scope.cancel()


class _Uvicorn(uvicorn.Server):
    """A server inside a test, which leaves signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def over_http(server: TaskServer, *, stateless: bool = False) -> AsyncGenerator[Connect]:
    """Serve all clients over HTTP on this machine."""
    app = server.streamable_http_app(stateless_http=stateless)
    web = _Uvicorn(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1)
    )
    async with anyio.create_task_group() as group:
        group.start_soon(web.serve)
        while not web.started:
            await anyio.sleep(0.01)
        (port,) = {one.getsockname()[1] for one in web.servers[0].sockets}
        try:
            yield lambda: streamable_http_client(f"http://127.0.0.1:{port}/mcp")
        finally:
            web.should_exit = True
