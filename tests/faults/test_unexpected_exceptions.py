"""Exceptions that nobody expected: what the caller is told, and what only the log holds."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Never

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, TextContent

from uniqc_mcp.server import build_server
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

SECRET = "token=hunter2"  # noqa: S105 - made up
TOOLS: list[tuple[str, dict[str, Any]]] = [
    ("list_tasks", {}),
    ("count_tasks", {}),
    ("get_task", {"task_id": "uqt_0123"}),
    ("wait_for_tasks", {"task_ids": ["uqt_0123"]}),
]
RESOURCES = [
    "uniqc://store",
    "uniqc://tasks/active",
    "uniqc://tasks?status=failed",
    "uniqc://task/uqt_0123",
    "uniqc://task/uqt_0123/result",
    "uniqc://task/uqt_0123/circuit",
]
PROMPTS: dict[str, dict[str, str]] = {
    "whats_running": {},
    "why_did_it_fail": {"task_id": "uqt_0123"},
    "tidy_up": {},
}


class FaultyStore(TaskStore):
    """A store whose reads fail as a fault in this package would."""

    def read(self, question: object) -> Never:
        raise KeyError(SECRET)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(build_server(FaultyStore(tmp_path, read_only=True)), mode="legacy")


def check_message(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """Check that a message says what to do, and that only the log has the traceback."""
    assert "failed by a fault of uniqc-mcp itself (KeyError)" in text
    assert "tells nothing about any task" in text
    assert "`uniqc-mcp doctor`" in text
    for internal in (SECRET, "Traceback", "Error executing", "Error reading", "Internal"):
        assert internal not in text
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.exc_info is not None
    assert SECRET in str(record.exc_info[1])
    caplog.clear()


async def test_a_tool_says_that_it_has_a_fault(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with client:
        for tool, arguments in TOOLS:
            result = await client.call_tool(tool, arguments)
            assert result.is_error
            (content,) = result.content
            assert isinstance(content, TextContent)
            assert content.text.startswith(f"{tool} failed")
            check_message(content.text, caplog)


# Clients of the older revisions have no other way to subscribe.
@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")
async def test_resources_prompts_completions_and_subscriptions_say_that_they_have_a_fault(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    reference = PromptReference(name="why_did_it_fail")
    async with client:
        requests: list[Awaitable[object]] = [
            *(client.read_resource(uri) for uri in RESOURCES),
            *(client.get_prompt(name, given) for name, given in PROMPTS.items()),
            client.complete(reference, {"name": "task_id", "value": "uqt"}),
            client.subscribe_resource(RESOURCES[3]),  # pyright: ignore[reportDeprecated]
        ]
        for request in requests:
            with pytest.raises(MCPError) as caught:
                await request
            check_message(caught.value.error.message, caplog)
