"""langchain-mcp-adapters, with one server for a session, or with one for each call."""

import asyncio
import json
import sys

from calls import PROMPTS, TOOLS, ScriptedModel, check, found
from examples_of_agents import check_example
from langchain_core.tools import ToolException
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.prompts import load_mcp_prompt
from langchain_mcp_adapters.resources import load_mcp_resources
from langchain_mcp_adapters.tools import load_mcp_tools
from resources_and_prompts import check_has_none, check_resources


async def main(command):
    server = {"transport": "stdio", "command": command[0], "args": command[1:]}
    client = MultiServerMCPClient({"uniqc": server})
    async with client.session("uniqc") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}
        check(tools.keys() == TOOLS, tools)
        script = ScriptedModel()
        call = script.next_call("")
        while call:
            call = script.next_call(await answer(tools, *call))
        await use_all_else(session, script.receipt)
    await clear_with_a_server_for_each_call(client)
    check_has_none(client, "list_resources", "list_resource_templates", "list_prompts", "complete")


async def answer(tools, name, arguments):
    try:
        return str(await tools[name].ainvoke(arguments))
    except ToolException as error:
        return str(error)


async def use_all_else(session, receipt):
    async def read(address):
        (blob,) = await load_mcp_resources(session, uris=address)
        return blob.as_string()

    listed = [blob.metadata["uri"] for blob in await load_mcp_resources(session)]
    await check_resources(listed, None, read, receipt)
    for name, (arguments, _) in PROMPTS.items():
        try:  # each prompt embeds a resource, which this adapter has no message for
            await load_mcp_prompt(session, name, arguments=arguments)
            raise SystemExit("a prompt was converted: docs/clients.md says that none is")
        except ValueError as error:
            check("content type: resource" in str(error), error)


async def clear_with_a_server_for_each_call(client):
    tools = {tool.name: tool for tool in await client.get_tools()}
    plan = await answer(tools, "clear_tasks", {"status": ["failed"]})
    done = await answer(tools, "clear_tasks", {"plan_id": found(r"plan_[\w-]{22}", plan)})
    receipt = found(r"clr_[0-9a-f]{16}", done)
    check("Put back: 3" in await answer(tools, "undo_clear", {"receipt": receipt}))


server_command = json.loads(sys.argv[1])
asyncio.run(main(server_command))
check_example("ask_with_langchain.py", server_command)
