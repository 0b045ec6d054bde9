"""The client of fastmcp, which makes typed objects of output schemas."""

import asyncio
import json
import sys

from calls import BAD, GOOD, RESOURCES, TOOLS, check
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError


async def main(command):
    async with Client(StdioTransport(command=command[0], args=command[1:])) as client:
        check({tool.name for tool in await client.list_tools()} >= TOOLS)
        for tool, arguments, fact in GOOD:
            result = await client.call_tool(tool, arguments)
            check(result.data is not None, tool, arguments)
            check(fact in str(result.structured_content), tool, arguments)
            check(result.structured_content["store"]["read_at"], tool, arguments)
        for tool, arguments, reason in BAD:
            try:
                await client.call_tool(tool, arguments)
                raise SystemExit(f"was not refused: {tool} {arguments}")
            except ToolError as error:
                check(reason in str(error), tool, arguments, error)
        for uri in RESOURCES:
            json.loads((await client.read_resource(uri))[0].text)
        check((await client.get_prompt("whats_running")).messages)


asyncio.run(main(json.loads(sys.argv[1])))
