"""langchain-mcp-adapters, whose tools start a server for each call."""

import asyncio
import json
import sys

from calls import BAD, GOOD, RESOURCES, TASK_ID, TOOLS, check
from examples_of_agents import check_example
from langchain_core.tools import ToolException
from langchain_mcp_adapters.client import MultiServerMCPClient


async def main(command):
    server = {"transport": "stdio", "command": command[0], "args": command[1:]}
    client = MultiServerMCPClient({"uniqc": server})
    tools = {tool.name: tool for tool in await client.get_tools()}
    check(tools.keys() >= TOOLS, tools)
    for name, arguments, fact in GOOD:
        check(fact in str(await tools[name].ainvoke(arguments)), name, arguments)
    for name, arguments, reason in BAD:
        try:
            answer = str(await tools[name].ainvoke(arguments))
        except ToolException as error:
            answer = str(error)
        check(reason in answer, name, arguments, answer)
    compared = str(await tools["compare_tasks"].ainvoke({}))
    check("Compared: " in compared, compared)
    await read(client)


async def read(client):
    for blob in await client.get_resources("uniqc", uris=[*RESOURCES, f"uniqc://task/{TASK_ID}"]):
        json.loads(blob.as_string())
    try:  # each prompt embeds a resource, which this adapter has no message for
        await client.get_prompt("uniqc", "whats_running")
        raise SystemExit("a prompt was converted: docs/clients.md says that none is")
    except* ValueError as errors:
        check("content type: resource" in str(errors.exceptions), errors.exceptions)


server_command = json.loads(sys.argv[1])
asyncio.run(main(server_command))
check_example("ask_with_langchain.py", server_command)
