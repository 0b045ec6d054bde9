"""Structured content bypasses the SDK and still reaches the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult

from uniqc_mcp.server import build_server

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
    from tests.server.conftest import Cache, Mode

TASKS = 7


@pytest.fixture
def tasks(cache: Cache) -> Cache:
    return cache.write(*({"shots": number} for number in range(TASKS)))


async def test_a_tool_called_outside_a_request_returns_its_whole_answer(tasks: Cache) -> None:
    result = await tasks.server.call_tool("count_tasks", {})
    assert isinstance(result, CallToolResult)
    assert result.structured_content is not None
    assert result.structured_content["total"] == TASKS


async def test_the_sdk_copies_nothing_and_the_client_gets_the_whole_answer(
    tasks: Cache, mode: Mode
) -> None:
    copied: list[object] = []

    async def record(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        if ctx.method == "tools/call" and isinstance(result, dict):
            copied.append(result["structuredContent"])
        return result

    server = build_server(tasks.store)
    server.middleware.append(record)
    async with Client(server, mode=mode) as client:
        _, structured = tasks.answer(await client.call_tool("count_tasks", {}))
    assert copied == [{}]
    assert structured["total"] == TASKS


async def test_concurrent_calls_keep_their_own_structured_content(tasks: Cache, mode: Mode) -> None:
    shown: dict[int, int] = {}

    async with tasks.client(mode) as client, anyio.create_task_group() as group:

        async def ask(limit: int) -> None:
            arguments = {"status": "any", "limit": limit}
            _, structured = tasks.answer(await client.call_tool("list_tasks", arguments))
            shown[limit] = structured["shown"]

        for limit in range(1, 30):
            group.start_soon(ask, limit)
    assert shown == {limit: min(limit, TASKS) for limit in range(1, 30)}


@pytest.mark.parametrize("tool", ["get_task", "list_tasks"])
async def test_an_error_has_no_structured_content(tasks: Cache, mode: Mode, tool: str) -> None:
    async with tasks.client(mode) as client:
        await client.call_tool("count_tasks", {})
        result = await client.call_tool(tool, {"task_id": "no such task"})
    assert result.is_error
    assert result.structured_content is None
