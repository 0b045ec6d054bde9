"""A real client asks a real server, over stdio, on a real file: what this is for."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import TextContent

from uniqc_mcp.cli.sample import make_sample

if TYPE_CHECKING:
    from collections.abc import Callable

    Say = Callable[[str], object]


def run_demo(cache_dir: Path | None, say: Say) -> None:
    """Ask three questions of a cache, or of a sample where none is given."""
    with ExitStack() as stack:
        if cache_dir is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="uniqc-mcp-")))
            make_sample(directory)
            say("A sample cache, as uniqc would keep it. For your own: --cache-dir ~/.uniqc/cache")
        else:
            directory = cache_dir
        if not anyio.run(_converse, directory, say):
            raise SystemExit(1)


async def _converse(directory: Path, say: Say) -> bool:
    """Whether all questions were answered."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "uniqc_mcp", "serve", "--cache-dir", str(directory)],
    )
    async with Client(stdio_client(server)) as client:
        say(f"A client speaks MCP {client.protocol_version} with it, over stdio.")

        say("\nYou ask: what is still running?")
        if await _call(client, say, "list_tasks", {}) is None:
            return False

        say("\nYou ask: why did the last one that failed fail?")
        failed = await _call(client, say, "list_tasks", {"status": "failed", "limit": 1})
        tasks: list[dict[str, Any]] = failed["tasks"] if failed else []
        for task in tasks:
            await _call(client, say, "get_task", {"task_id": task["task_id"]})

        say("\nYou ask: how many tasks are there, and where?")
        counts = await _call(client, say, "count_tasks", {"group_by": "status_backend"})
    say("\nConnect your own client with the command `uniqc-mcp`; the README shows how.")
    return failed is not None and counts is not None


async def _call(
    client: Client, say: Say, tool: str, arguments: dict[str, Any]
) -> dict[str, Any] | None:
    """The structured answer; None where it is an error."""
    say(f"  the assistant calls {tool} {json.dumps(arguments)}")
    result = await client.call_tool(tool, arguments)
    for content in result.content:
        if isinstance(content, TextContent):
            say("\n".join(f"  | {line}" for line in content.text.splitlines()))
    return None if result.is_error else result.structured_content
