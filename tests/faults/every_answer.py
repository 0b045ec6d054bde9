"""Every kind of answer of a server, for tests of what none of them may say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, TextContent

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from mcp import Client

SDK_WORDS = ("Error executing tool", "Error reading resource", "Internal", "Traceback")
"""Words of the SDK for an exception that this server did not handle."""

FAULT = "by a fault of uniqc-mcp"
"""The words of this server for an exception that it did not expect."""


async def every_answer(client: Client, task_id: str) -> dict[str, str]:
    """Return the texts of all tools, resources, prompts and completions, errors included."""
    tools: list[tuple[str, dict[str, Any]]] = [
        ("list_tasks", {}),
        ("list_tasks", {"status": "any", "name_contains": "a", "submitted_after": "2026-01-01"}),
        ("count_tasks", {"group_by": "status_backend"}),
        ("get_task", {"task_id": task_id}),
        ("wait_for_tasks", {"task_ids": [task_id], "until": "all", "timeout_seconds": 1}),
    ]
    uris = ["uniqc://store", "uniqc://tasks/active"]
    uris += [f"uniqc://task/{task_id}{part}" for part in ("", "/result", "/circuit")]
    prompts: dict[str, dict[str, str]] = {
        "whats_running": {},
        "why_did_it_fail": {"task_id": task_id},
        "tidy_up": {},
    }
    reference = PromptReference(name="why_did_it_fail")
    answers = {
        f"{tool} {arguments}": await _tool(client, tool, arguments) for tool, arguments in tools
    }
    for uri in uris:
        answers[uri] = await _text(client.read_resource(uri))
    for name, given in prompts.items():
        answers[name] = await _text(client.get_prompt(name, given))
    for value in ("", "uqt_", "vqe"):
        argument = {"name": "task_id", "value": value}
        answers[f"complete {value}"] = await _text(client.complete(reference, argument))
    return answers


def mistakes(answers: dict[str, str]) -> list[str]:
    """Return the answers that show an exception which nobody turned into an error of the store."""
    return [
        f"{asked}: {text}"
        for asked, text in answers.items()
        if any(words in text for words in (*SDK_WORDS, FAULT))
    ]


async def _tool(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def _text(reply: Awaitable[object]) -> str:
    try:
        return str(await reply)
    except MCPError as error:
        return error.error.message
