"""The smallest server on this SDK: one constant tool, the SDK's own stdio."""

from mcp.server import MCPServer

server = MCPServer("smallest")


@server.tool()
def answer() -> str:
    """Return a constant."""
    return "42"


if __name__ == "__main__":
    server.run()
