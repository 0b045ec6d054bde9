"""A stock server whose tools return constants of given sizes, for as little as the SDK can.

    python constant_server.py ANSWERS.json

For each answer in the file, which is a list of objects with a name, a text, a structure and the
number of bytes that both take on the wire, there are three tools: ``text_NAME`` returns as many
bytes of text from a ``def`` function, ``async_NAME`` the same from an ``async def`` function, and
``replay_NAME`` returns the recorded answer itself.
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
    """The three tools that stand for one answer."""
    constant = "x" * size
    recorded = CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=structure
    )

    def as_text() -> str:
        return constant

    async def as_text_on_the_loop() -> str:
        return constant

    def as_recorded() -> CallToolResult:
        return recorded

    server.add_tool(as_text, f"text_{name}", structured_output=False)
    server.add_tool(as_text_on_the_loop, f"async_{name}", structured_output=False)
    server.add_tool(as_recorded, f"replay_{name}")


def main() -> None:
    server = MCPServer[Any]("constant")
    for answer in json.loads(Path(sys.argv[1]).read_text()):
        add_tools(server, **answer)
    server.run()


if __name__ == "__main__":
    main()
