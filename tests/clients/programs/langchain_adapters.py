"""langchain-mcp-adapters, whose tools start a server for each call."""

import asyncio
import json
import sys

from calls import BAD, GOOD, TOOLS, check
from langchain_core.tools import ToolException
from langchain_mcp_adapters.client import MultiServerMCPClient


async def main(command):
    server = {"transport": "stdio", "command": command[0], "args": command[1:]}
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"uniqc": server}).get_tools()}
    check(tools.keys() >= TOOLS, tools)
    for name, arguments, fact in GOOD:
        check(fact in str(await tools[name].ainvoke(arguments)), name, arguments)
    for name, arguments, reason in BAD:
        try:
            answer = str(await tools[name].ainvoke(arguments))
        except ToolException as error:
            answer = str(error)
        check(reason in answer, name, arguments, answer)


asyncio.run(main(json.loads(sys.argv[1])))
