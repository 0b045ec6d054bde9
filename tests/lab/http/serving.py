"""A laboratory's server inside a test, and the people who ask it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import anyio
import httpx2
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent, TextResourceContents

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping

    from mcp_types import CallToolResult
    from tests.server.conftest import Mode

    from uniqc_mcp.lab.http.open_requests import OpenRequests


class _Uvicorn(uvicorn.Server):
    """A server inside a test, which leaves signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@dataclass(frozen=True)
class Address:
    """The address of a server that runs."""

    url: str

    def http(self, token: str = "", **headers: str) -> httpx2.AsyncClient:
        """Return a client without MCP."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=120, trust_env=False)

    def person(self, token: str, mode: Mode = "auto") -> Person:
        """Return a person with a token."""
        return Person(self, token, mode)


@asynccontextmanager
async def running(app: OpenRequests) -> AsyncGenerator[Address]:
    """Serve on this machine until the context is left."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1
    )
    web = _Uvicorn(config)
    async with anyio.create_task_group() as group:
        group.start_soon(web.serve)
        while not web.started:
            await anyio.sleep(0.01)
        (port,) = {one.getsockname()[1] for one in web.servers[0].sockets}
        try:
            yield Address(f"http://127.0.0.1:{port}")
        finally:
            app.end()
            web.should_exit = True


class Person:
    """A client of MCP with a token, and the messages that it was sent."""

    def __init__(self, address: Address, token: str, mode: Mode) -> None:
        self._address = address
        self._token = token
        self.mode: Mode = mode
        self._stack = AsyncExitStack()
        self.told: list[Any] = []
        self.client: Client

    async def __aenter__(self) -> Self:
        http = await self._stack.enter_async_context(self._address.http(self._token))
        transport = streamable_http_client(f"{self._address.url}/mcp", http_client=http)
        client = Client(transport, mode=self.mode, message_handler=self._on_message)
        self.client = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _on_message(self, message: Any) -> None:
        self.told.append(message)

    async def call(self, tool: str, /, **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(tool, arguments)

    async def ask(self, tool: str, /, **arguments: Any) -> tuple[str, Mapping[str, Any]]:
        """Return the text and the structured content of an answer."""
        result = await self.call(tool, **arguments)
        text = text_of(result)
        assert not result.is_error, text
        return text, result.structured_content or {}

    async def refusal(self, tool: str, /, **arguments: Any) -> str:
        """Return the text of an answer that is an error."""
        result = await self.call(tool, **arguments)
        assert result.is_error, text_of(result)
        return text_of(result)

    async def read(self, uri: str) -> str:
        (contents,) = (await self.client.read_resource(uri)).contents
        assert isinstance(contents, TextResourceContents)
        return contents.text

    async def read_json(self, uri: str) -> Any:
        return json.loads(await self.read(uri))


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text
