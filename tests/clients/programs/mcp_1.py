"""The client of the MCP SDK 1.x, as many frameworks still use it."""

import asyncio
import json
import sys

from calls import BAD, GOOD, TOOLS, check
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.types import PromptReference, ResourceTemplateReference
from pydantic import AnyUrl
from resources_and_prompts import check_completions, check_prompts, check_resources


async def main(command):
    server = StdioServerParameters(command=command[0], args=command[1:])
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        check({tool.name for tool in (await session.list_tools()).tools} == TOOLS)
        for tool, arguments, fact in GOOD:
            result = await session.call_tool(tool, arguments)
            check(not result.isError and result.structuredContent, tool, arguments, result)
            check(fact in result.content[0].text, tool, arguments, result)
            check(fact in str(result.structuredContent), tool, arguments, result)
        for tool, arguments, reason in BAD:
            result = await session.call_tool(tool, arguments)
            check(result.isError and reason in result.content[0].text, tool, arguments, result)
        await use_all_else(session, await clear_and_undo(session))


async def clear_and_undo(session):
    plan = (await session.call_tool("clear_tasks", {})).structuredContent
    done = await session.call_tool("clear_tasks", {"plan_id": plan["plan_id"]})
    check(done.structuredContent["cleared"] == plan["matched"], done)
    receipt = done.structuredContent["receipt"]
    asked = {"receipt": receipt, "except_backend": ["dummy"]}
    undone = (await session.call_tool("undo_clear", asked)).structuredContent
    check(undone["restored"] + undone["held"] == plan["matched"], undone)
    return receipt


async def use_all_else(session, receipt):
    async def read(address):
        return (await session.read_resource(AnyUrl(address))).contents[0].text

    async def get(name, arguments):
        return str((await session.get_prompt(name, arguments)).messages)

    async def complete(owner, argument, value):
        is_template = "://" in owner
        reference = (
            ResourceTemplateReference(type="ref/resource", uri=owner)
            if is_template
            else PromptReference(type="ref/prompt", name=owner)
        )
        asked = {"name": argument, "value": value}
        return (await session.complete(reference, asked)).completion.values

    resources = (await session.list_resources()).resources
    templates = (await session.list_resource_templates()).resourceTemplates
    addresses = [each.uriTemplate for each in templates]
    await check_resources([each.uri for each in resources], addresses, read, receipt)
    prompts = (await session.list_prompts()).prompts
    listed = {each.name: [given.name for given in each.arguments or []] for each in prompts}
    await check_prompts(listed, get)
    await check_completions(complete, receipt)


asyncio.run(main(json.loads(sys.argv[1])))
