"""The client of fastmcp, which makes typed objects of output schemas."""

import asyncio
import json
import sys

from calls import BAD, GOOD, RESOURCES, TASK_ID, TEMPLATES, TOOLS, check
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.exceptions import ToolError
from mcp_types import PromptReference


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
        await clear_and_undo(client)
        await read(client)


async def clear_and_undo(client):
    plan = (await client.call_tool("clear_tasks", {})).structured_content
    done = await client.call_tool("clear_tasks", {"plan_id": plan["plan_id"]})
    check(done.structured_content["cleared"] == plan["matched"], done)
    receipt = done.structured_content["receipt"]
    for uri in ("uniqc://cleared", f"uniqc://cleared/{receipt}"):
        check(receipt in (await client.read_resource(uri))[0].text, uri)
    undone = await client.call_tool("undo_clear", {"receipt": receipt})
    check(undone.structured_content["restored"] == plan["matched"], undone)


async def read(client):
    compared = await client.call_tool("compare_tasks", {})
    task_id, other = [task["task_id"] for task in compared.structured_content["tasks"]]
    for resource in await client.list_resources():
        text = (await client.read_resource(resource.uri))[0].text
        if resource.mimeType == "application/json":
            json.loads(text)
        else:  # the page of a view
            check(text.startswith("<!doctype html>"), text[:80])
    for uri in RESOURCES:
        json.loads((await client.read_resource(uri))[0].text)
    templates = {str(each.uri_template) for each in await client.list_resource_templates()}
    check(templates >= TEMPLATES, templates)
    for template in TEMPLATES:
        uri = template.replace("{task_id}", TASK_ID).partition("{")[0]
        check((await client.read_resource(uri))[0].text, uri)
    arguments = {"task_id": task_id, "other_task_id": other}
    for prompt in await client.list_prompts():
        given = {argument.name: arguments[argument.name] for argument in prompt.arguments or []}
        check((await client.get_prompt(prompt.name, given)).messages, prompt.name)
    reference = PromptReference(type="ref/prompt", name="why_did_it_fail")
    completed = await client.complete(reference, {"name": "task_id", "value": task_id[:8]})
    check(task_id in completed.values, completed)


asyncio.run(main(json.loads(sys.argv[1])))
