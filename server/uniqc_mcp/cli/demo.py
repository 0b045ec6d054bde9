"""The demonstration: a real client asks a real server, over stdio, about a real file."""

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

from uniqc_mcp.cli.program import program_name
from uniqc_mcp.cli.sample import make_sample
from uniqc_mcp.safety.display import tilde
from uniqc_store import DB_FILENAME

if TYPE_CHECKING:
    from collections.abc import Callable

    Print = Callable[[str], object]


def run_demo(cache_dir: Path | None, show: Print) -> None:
    """Ask three questions about a cache, or about a sample if none is given.

    Raises:
        SystemExit: A question was not answered.
    """
    with ExitStack() as stack:
        if cache_dir is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="uniqc-mcp-")))
            make_sample(directory)
            show("A sample cache, as uniqc would keep it. For one of your own: --cache-dir DIR")
        else:
            directory = cache_dir
            show(f"The cache {tilde(directory / DB_FILENAME)}, only read. For a sample: --sample")
        if not anyio.run(_ask_all, directory, show):
            raise SystemExit(1)


async def _ask_all(directory: Path, show: Print) -> bool:
    """Ask the three questions, and return True if all were answered."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "uniqc_mcp", "serve", "--cache-dir", str(directory)],
    )
    async with Client(stdio_client(server)) as client:
        show(f"A client speaks MCP {client.protocol_version} with it, over stdio.")

        show("\nYou ask: what is still running?")
        if await _call(client, show, "list_tasks", {}) is None:
            return False

        show("\nYou ask: why did the last one that failed fail?")
        latest = {"status": "failed", "order": "updated", "limit": 1}
        failed = await _call(client, show, "list_tasks", latest)
        tasks: list[dict[str, Any]] = failed.get("tasks", []) if failed else []
        for task in tasks:
            await _call(client, show, "get_task", {"task_id": task["task_id"]})

        show("\nYou ask: how many tasks are there, and where?")
        counts = await _call(client, show, "count_tasks", {"group_by": "status_backend"})
    listing = f"{program_name()} install --list"
    show(f"\nConnect your own client: `{listing}` names those that are here.")
    return failed is not None and counts is not None


async def _call(
    client: Client, show: Print, tool: str, arguments: dict[str, Any]
) -> dict[str, Any] | None:
    """Show a call and its text, and return its structured content; None for an error."""
    show(f"  the assistant calls {tool} {json.dumps(arguments)}")
    result = await client.call_tool(tool, arguments)
    for content in result.content:
        if isinstance(content, TextContent):
            show("\n".join(f"  | {line}" for line in content.text.splitlines()))
    return None if result.is_error else result.structured_content
