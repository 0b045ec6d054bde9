"""google-genai's conversion of tools to function declarations; no model is called."""

import asyncio
import json
import sys

from calls import TOOLS, check
from google.genai import _mcp_utils
from mcp import Client, StdioServerParameters, stdio_client


async def main(command):
    server = StdioServerParameters(command=command[0], args=command[1:])
    async with Client(stdio_client(server)) as client:
        tools = (await client.list_tools()).tools
    converted = _mcp_utils.mcp_to_gemini_tools(tools)
    declared = [each for tool in converted for each in tool.function_declarations]
    check({each.name for each in declared} >= TOOLS, declared)
    for each in declared:
        schema = each.parameters or each.parameters_json_schema
        check(schema, each.name)
        check(each.description, each.name)


asyncio.run(main(json.loads(sys.argv[1])))
