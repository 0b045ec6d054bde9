"""The client of the MCP SDK 1.x, as many frameworks still use it."""

import asyncio
import json
import sys

from calls import BAD, GOOD, RESOURCES, TOOLS, check
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.shared.exceptions import McpError
from mcp.types import PromptReference
from pydantic import AnyUrl


async def main(command):
    server = StdioServerParameters(command=command[0], args=command[1:])
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        check({tool.name for tool in (await session.list_tools()).tools} >= TOOLS)
        for tool, arguments, fact in GOOD:
            result = await session.call_tool(tool, arguments)
            check(not result.isError and result.structuredContent, tool, arguments, result)
            check(fact in result.content[0].text, tool, arguments, result)
            check(fact in str(result.structuredContent), tool, arguments, result)
        for tool, arguments, reason in BAD:
            result = await session.call_tool(tool, arguments)
            check(result.isError and reason in result.content[0].text, tool, arguments, result)
        await clear_and_undo(session)
        await read(session)


async def clear_and_undo(session):
    plan = (await session.call_tool("clear_tasks", {})).structuredContent
    done = await session.call_tool("clear_tasks", {"plan_id": plan["plan_id"]})
    check(done.structuredContent["cleared"] == plan["matched"], done)
    receipt = {"receipt": done.structuredContent["receipt"]}
    undone = await session.call_tool("undo_clear", receipt)
    check(undone.structuredContent["restored"] == plan["matched"], undone)


async def read(session):
    listed = await session.call_tool("list_tasks", {"status": "any"})
    task_id, other = [task["task_id"] for task in listed.structuredContent["tasks"][:2]]
    check((await session.list_resources()).resources)
    check((await session.list_resource_templates()).resourceTemplates)
    for uri in (*RESOURCES, f"uniqc://task/{task_id}", f"uniqc://task/{task_id}/result"):
        contents = (await session.read_resource(AnyUrl(uri))).contents
        json.loads(contents[0].text)
    try:
        await session.read_resource(AnyUrl("uniqc://task/nosuchtask"))
        raise SystemExit("a resource that is not there was read")
    except McpError as error:
        check("No task has the id" in str(error), error)
    arguments = {"task_id": task_id, "other_task_id": other}
    for prompt in (await session.list_prompts()).prompts:
        given = {argument.name: arguments[argument.name] for argument in prompt.arguments or []}
        check((await session.get_prompt(prompt.name, given)).messages, prompt.name)
    reference = PromptReference(type="ref/prompt", name="why_did_it_fail")
    completed = await session.complete(reference, {"name": "task_id", "value": task_id[:8]})
    check(task_id in completed.completion.values, completed)


asyncio.run(main(json.loads(sys.argv[1])))
