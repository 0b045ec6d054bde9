"""The smallest server on fastmcp: one constant tool, over stdio, without its banner."""

from fastmcp import FastMCP

server = FastMCP("smallest")


@server.tool
def answer() -> str:
    """Return a constant."""
    return "42"


if __name__ == "__main__":
    server.run(show_banner=False)
