"""A host of MCP Apps in headless Chromium: a view in a frame, over the server itself."""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp import Client
from playwright.async_api import async_playwright, expect
from tests.browser.chromium import browser_path

from uniqc_mcp.apps.pages import VIEWS, Page

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from playwright.async_api import Browser, ConsoleMessage, FrameLocator, ViewportSize
    from playwright.async_api import Page as Tab

    from uniqc_mcp.task_server import TaskServer

HTML: Final = Path(__file__).with_name("host.html")
CAPABILITIES: Final[dict[str, Any]] = {"serverTools": {}, "serverResources": {}}

PATIENCE: Final = 60
"""Seconds after which a test stops waiting and fails."""

expect.set_options(timeout=1000 * PATIENCE)

Answer = dict[str, Any]


@asynccontextmanager
async def running_browser() -> AsyncGenerator[Browser]:
    """Run headless Chromium."""
    async with async_playwright() as playwright:
        # Without its sandbox, because root has none in a container; the pages are ours.
        browser = await playwright.chromium.launch(
            executable_path=browser_path(),
            args=["--no-sandbox", "--disable-gpu", "--disable-features=IsolateSandboxedIframes"],
        )
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host that shows one view.

    Attributes:
        tab: The tab with the host's page.
        asked: The requests of the view, in order.
        errors: What the browser reported: exceptions, and what the policy refused.
        outside: The addresses that were loaded beyond the host's own page.
    """

    tab: Tab
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    @property
    def view(self) -> FrameLocator:
        """The view's own document."""
        return self.tab.frame_locator("#view")

    async def received(self, method: str) -> list[dict[str, Any]]:
        """Return the messages of one method that the view sent."""
        messages: list[dict[str, Any]] = await self.tab.evaluate("received")
        return [message for message in messages if message.get("method") == method]

    async def tell(self, method: str, params: dict[str, Any]) -> None:
        """Send the view a notification."""
        await self.tab.evaluate("([method, params]) => tell(method, params)", [method, params])

    async def calls_of(self, tool: str) -> list[dict[str, Any]]:
        """Return the arguments of the calls to a tool."""
        return [params["arguments"] for _, params in self.asked if params.get("name") == tool]


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline
        await anyio.sleep(0.02)


def page_of(name: str) -> str:
    """Return the page of a view."""
    (view,) = (one for one in VIEWS if one.name == name)
    return Page(view).html


@asynccontextmanager
async def shown(
    browser: Browser,
    server: TaskServer,
    tool: str,
    arguments: dict[str, Any],
    *,
    context: dict[str, Any] | None = None,
    capabilities: dict[str, Any] | None = None,
    size: tuple[int, int] = (900, 700),
    page: str = "",
    result: Answer | None = None,
    override: Callable[[str, dict[str, Any]], Awaitable[Answer | None]] | None = None,
    **more: Any,
) -> AsyncGenerator[Host]:
    """Call a tool as a model would, and show its answer in its view.

    Args:
        browser: The browser.
        server: The server.
        tool: The tool.
        arguments: Its arguments.
        context: The host's context.
        capabilities: The host's capabilities.
        size: The width and height of the tab.
        page: The name of the view; that of the tool unless given.
        result: The answer in place of the server's.
        override: Answers a request of the view in place of the server; None leaves it to that.
        **more: More settings of the host's page.
    """
    width, height = size
    viewport: ViewportSize = {"width": width, "height": height}
    tab = await browser.new_page(viewport=viewport, **more.pop("tab", {}))
    host = Host(tab=tab)
    _record(host)
    async with Client(server) as client:

        async def ask(method: str, params: dict[str, Any]) -> Answer:
            host.asked.append((method, params))
            if override is not None and (answer := await override(method, params)) is not None:
                return answer
            if method == "tools/call":
                found = await client.call_tool(params["name"], params["arguments"])
                return found.model_dump(mode="json", by_alias=True, exclude_none=True)
            read = await client.read_resource(params["uri"])
            return read.model_dump(mode="json", by_alias=True, exclude_none=True)

        await tab.expose_function("ask", ask)
        await tab.set_content(HTML.read_text(encoding="utf-8"))
        if result is None:
            result = await ask("tools/call", {"name": tool, "arguments": arguments})
            host.asked.clear()
        settings = {
            "capabilities": CAPABILITIES if capabilities is None else capabilities,
            "context": {"theme": "light", "locale": "en-GB", "timeZone": "UTC"} | (context or {}),
            "first": [
                ("ui/notifications/tool-input", {"arguments": arguments}),
                ("ui/notifications/tool-result", result),
            ],
            **more,
        }
        await tab.evaluate(
            "([page, settings]) => show(page, settings)",
            [page_of(page or VIEW_OF[tool]), json.loads(json.dumps(settings))],
        )
        try:
            yield host
        finally:
            await tab.close()


def _record(host: Host) -> None:
    """Keep what the browser reports from now on."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            host.errors.append(message.text)

    host.tab.on("console", on_console)
    host.tab.on("pageerror", lambda error: host.errors.append(str(error)))
    host.tab.on("request", lambda request: host.outside.append(request.url))


VIEW_OF: Final = {
    "list_tasks": "board",
    "wait_for_tasks": "board",
    "get_task": "result",
    "compare_tasks": "result",
}
