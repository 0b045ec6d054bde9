"""An agent of pydantic-ai, whose model sees the structured content."""

import asyncio
import json
import sys

from calls import TOOLS, ScriptedModel, check
from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from resources_and_prompts import check_has_none, check_prompts, check_resources


async def main(command):
    script = ScriptedModel()

    def respond(messages, info):
        check({tool.name for tool in info.function_tools} == TOOLS)
        shown = [part.model_response_str() for part in messages[-1].parts if part_is_result(part)]
        call = script.next_call(shown[0] if shown else "")
        part = TextPart("done") if call is None else ToolCallPart(*call)
        return ModelResponse(parts=[part])

    toolset = MCPToolset(StdioTransport(command=command[0], args=command[1:]))
    agent = Agent(FunctionModel(respond), toolsets=[toolset], retries=20)
    async with agent:
        await agent.run("what is running?")
        check(script.finished)
        await use_all_else(toolset, script.receipt)


async def use_all_else(toolset, receipt):
    async def get(name, arguments):
        return str((await toolset.get_prompt(name, arguments)).messages)

    listed = [each.uri for each in await toolset.list_resources()]
    templates = [each.uri_template for each in await toolset.list_resource_templates()]
    await check_resources(listed, templates, toolset.read_resource, receipt)
    prompts = await toolset.list_prompts()
    names = {each.name: [given.name for given in each.arguments or []] for each in prompts}
    await check_prompts(names, get)
    check_has_none(toolset, "complete")


def part_is_result(part):
    return part.part_kind in ("tool-return", "retry-prompt")


asyncio.run(main(json.loads(sys.argv[1])))
