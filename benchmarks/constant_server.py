"""A stock server whose tools return constants of given sizes, with no work beyond the SDK's.

    python constant_server.py ANSWERS.json

The file is a list of objects with a name, a text, a structure and the number of bytes that both
take on the wire. Each has four tools with answers of that size:

- ``def_NAME`` and ``async_NAME`` return a text, which the SDK sends as text and as structure.
- ``text_NAME`` returns a text that is sent as text alone.
- ``replay_NAME`` returns the recorded answer itself.
"""

import json
import sys
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp_types import CallToolResult, TextContent


def add_tools(
    server: MCPServer[Any], name: str, text: str, structure: dict[str, Any] | None, size: int
) -> None:
    """Add the four tools of one answer."""
    size -= len('{"text":"","type":"text"}')
    alone = "x" * size
    in_both = "x" * ((size - len('"result":""')) // 2)
    recorded = CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=structure
    )

    def in_thread() -> str:
        return in_both

    async def on_event_loop() -> str:
        return in_both

    def as_text() -> str:
        return alone

    def as_recorded() -> CallToolResult:
        return recorded

    server.add_tool(in_thread, f"def_{name}")
    server.add_tool(on_event_loop, f"async_{name}")
    server.add_tool(as_text, f"text_{name}", structured_output=False)
    server.add_tool(as_recorded, f"replay_{name}")


def main() -> None:
    """Serve the answers of the file that the command line names."""
    server = MCPServer[Any]("constant")
    for answer in json.loads(Path(sys.argv[1]).read_text()):
        add_tools(server, **answer)
    server.run()


if __name__ == "__main__":
    main()
