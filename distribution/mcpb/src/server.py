"""The server, as a host of MCP bundles starts it."""

from uniqc_mcp.cli.commands import main

main()
