"""The client of fastmcp, which makes typed objects of output schemas."""

import asyncio
import json
import sys

from calls import BAD, GOOD, TOOLS, check
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError
from mcp_types import PromptReference, ResourceTemplateReference
from resources_and_prompts import check_completions, check_prompts, check_resources


async def main(command):
    async with Client(StdioTransport(command=command[0], args=command[1:])) as client:
        check({tool.name for tool in await client.list_tools()} == TOOLS)
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
        await use_all_else(client, await clear_and_undo(client))


async def clear_and_undo(client):
    plan = (await client.call_tool("clear_tasks", {})).structured_content
    done = await client.call_tool("clear_tasks", {"plan_id": plan["plan_id"]})
    check(done.structured_content["cleared"] == plan["matched"], done)
    receipt = done.structured_content["receipt"]
    asked = {"receipt": receipt, "except_backend": ["dummy"]}
    undone = (await client.call_tool("undo_clear", asked)).structured_content
    check(undone["restored"] + undone["held"] == plan["matched"], undone)
    return receipt


async def use_all_else(client, receipt):
    async def read(address):
        return (await client.read_resource(address))[0].text

    async def get(name, arguments):
        return str((await client.get_prompt(name, arguments)).messages)

    async def complete(owner, argument, value):
        is_template = "://" in owner
        reference = (
            ResourceTemplateReference(type="ref/resource", uri=owner)
            if is_template
            else PromptReference(type="ref/prompt", name=owner)
        )
        asked = {"name": argument, "value": value}
        return (await client.complete(reference, asked)).values

    listed = [each.uri for each in await client.list_resources()]
    templates = [each.uri_template for each in await client.list_resource_templates()]
    await check_resources(listed, templates, read, receipt)
    prompts = await client.list_prompts()
    names = {each.name: [given.name for given in each.arguments or []] for each in prompts}
    await check_prompts(names, get)
    await check_completions(complete, receipt)


asyncio.run(main(json.loads(sys.argv[1])))
