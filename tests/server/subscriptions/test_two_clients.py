"""Two clients of one server: neither is told what the other subscribes to or waits for."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, Self

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ResourceUpdatedNotification
from tests.server.one_server import over_http, over_pipes
from tests.server.watching import (
    A_WHILE,
    PATIENCE,
    save,
    uniqc,
    until,
    until_nobody_watches,
    watchers,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.server.conftest import Cache, Mode
    from tests.server.one_server import Connect

# The SDK deprecates resources/subscribe, but older revisions have nothing else.
pytestmark = pytest.mark.filterwarnings("ignore:resources/:mcp.MCPDeprecationWarning")

ACTIVE = "uniqc://tasks/active"
STORE = "uniqc://store"

Wire = Literal["pipes", "http"]


@pytest.fixture(params=["pipes", "http"])
def wire(request: pytest.FixtureRequest) -> Wire:
    """Run over pipes in memory, and over HTTP."""
    kind: Wire = request.param
    return kind


@asynccontextmanager
async def served(cache: Cache, wire: Wire) -> AsyncGenerator[Connect]:
    serve = over_pipes if wire == "pipes" else over_http
    async with serve(cache.server) as connect:
        yield connect


class Person:
    """A client, and the URIs of the updates that it received."""

    def __init__(self, connect: Connect, mode: Mode) -> None:
        self.told: list[str] = []
        self.mode = mode
        self.client = Client(connect(), mode=mode, message_handler=self._on_message)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.client)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def subscribe(self, uri: str) -> None:
        if self.mode == "legacy":
            await self.client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated] - see above
        else:
            await self._stack.enter_async_context(self.client.listen(resource_subscriptions=[uri]))

    async def wait(self, seconds: int) -> dict[str, Any]:
        result = await self.client.call_tool("wait_for_tasks", {"timeout_seconds": seconds})
        assert not result.is_error
        structured: dict[str, Any] = result.structured_content
        return structured

    async def cancel_a_wait(self, *, after: float) -> None:
        """Begin a wait for all active tasks, and cancel it."""
        begun = anyio.Event()

        async def report(progress: float, total: float | None, message: str | None) -> None:
            begun.set()

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as calls:

                async def call() -> None:
                    arguments = {"timeout_seconds": 30}
                    await self.client.call_tool(
                        "wait_for_tasks", arguments, progress_callback=report
                    )

                calls.start_soon(call)
                await begun.wait()
                await anyio.sleep(after)
                calls.cancel_scope.cancel()
            await until_nobody_watches()

    async def _on_message(self, message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            self.told.append(str(message.params.uri))


async def test_an_update_reaches_the_client_alone_that_subscribed(
    cache: Cache, wire: Wire, mode: Mode
) -> None:
    other = uniqc(cache, a="running")
    async with served(cache, wire) as connect:
        async with Person(connect, mode) as late:
            async with Person(connect, mode) as early:
                await early.subscribe(STORE)
                await late.subscribe(ACTIVE)
                save(other, "a", "success")
                await until(lambda: late.told and early.told)
                await anyio.sleep(A_WHILE)
                assert set(late.told) == {ACTIVE}
                assert set(early.told) == {STORE}
            late.told.clear()
            save(other, "b", "running")
            await until(lambda: late.told)
            assert set(late.told) == {ACTIVE}
        await until_nobody_watches()


async def test_unsubscribing_ends_no_subscription_of_another(cache: Cache, wire: Wire) -> None:
    other = uniqc(cache, a="running")
    async with (
        served(cache, wire) as connect,
        Person(connect, "legacy") as one,
        Person(connect, "legacy") as two,
    ):
        await one.subscribe(ACTIVE)
        await two.subscribe(ACTIVE)
        await one.client.unsubscribe_resource(ACTIVE)  # pyright: ignore[reportDeprecated] - see above
        save(other, "a", "success")
        await until(lambda: two.told)
        await anyio.sleep(A_WHILE)
        assert one.told == []


async def test_a_cancelled_wait_changes_no_wait_of_another(
    cache: Cache, wire: Wire, mode: Mode
) -> None:
    other = uniqc(cache, a="running", b="running")
    async with (
        served(cache, wire) as connect,
        Person(connect, mode) as one,
        Person(connect, mode) as two,
    ):
        await one.cancel_a_wait(after=0.1)
        save(other, "a", "success")
        began = time.monotonic()
        answer = await two.wait(2)
        assert time.monotonic() - began >= 2
        assert answer["state"] == "timeout"
        assert not answer.get("changes")
        assert "cancelled" not in str(answer["store"])


async def test_a_subscription_that_no_update_could_serve_is_refused(cache: Cache) -> None:
    uniqc(cache, a="running")
    async with (
        over_http(cache.server, stateless=True) as connect,
        Person(connect, "legacy") as person,
    ):
        with pytest.raises(MCPError, match="its connection ends with each request"):
            await person.subscribe(ACTIVE)
        assert not watchers()
