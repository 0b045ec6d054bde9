"""Calls of tools by the examples, which end with the server's sentence where it has no answer."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from mcp import Client, MCPError
from mcp.shared.dispatcher import ProgressFnT
from mcp_types import TextContent

Result = TypeVar("Result")


class NoAnswerError(Exception):
    """A sentence of the server in place of an answer, such as for a damaged file."""


async def call(
    client: Client, tool: str, arguments: dict[str, Any], *, progress: ProgressFnT | None = None
) -> dict[str, Any]:
    """Return the answer of a tool, and print its notes on the store.

    Raises:
        NoAnswerError: The tool has none; the message is what the server says in its place.
    """
    answer = await client.call_tool(tool, arguments, progress_callback=progress)
    if answer.is_error or answer.structured_content is None:
        texts = [block.text for block in answer.content if isinstance(block, TextContent)]
        raise NoAnswerError("\n".join(texts))
    content: dict[str, Any] = answer.structured_content
    for note in content["store"].get("notes", []):
        print(f"note: {note}")
    return content


def run(example: Callable[[], Awaitable[Result]]) -> Result:
    """Run an example; end the program with the server's sentence if it could not answer."""
    try:
        return anyio.run(example)
    except* (MCPError, NoAnswerError) as errors:
        sentence = _first(errors)
    # A server that does not start has printed why.
    sys.exit(sentence)


def _first(errors: BaseExceptionGroup[MCPError | NoAnswerError]) -> str:
    # A client has task groups, each of which puts the error in a group.
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else str(first)
