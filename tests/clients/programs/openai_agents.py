"""An agent of openai-agents, whose model sees the text."""

import asyncio
import json
import sys

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage
from agents.mcp import MCPServerStdio
from calls import TOOLS, ScriptedModel, check
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)
from resources_and_prompts import check_has_none, check_prompts, check_resources


class OpenAIModel(Model):
    def __init__(self, script):
        self.script = script

    async def get_response(self, **given):
        items, tools = given["input"], given["tools"]
        check({tool.name for tool in tools} == TOOLS, tools)
        last = items[-1] if isinstance(items, list) else {}
        call = self.script.next_call(last.get("output", ""))
        if call is None:
            text = ResponseOutputText(text="done", type="output_text", annotations=[])
            output = ResponseOutputMessage(
                id="end", content=[text], role="assistant", status="completed", type="message"
            )
        else:
            output = ResponseFunctionToolCall(
                call_id=f"call-{len(items)}",
                name=call[0],
                arguments=json.dumps(call[1]),
                type="function_call",
            )
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *arguments, **more):
        raise NotImplementedError


async def main(command):
    parameters = {"command": command[0], "args": command[1:]}
    script = ScriptedModel()
    # Its limit of 5 seconds is too short on a busy machine.
    async with MCPServerStdio(params=parameters, client_session_timeout_seconds=60) as server:
        agent = Agent(name="physicist", model=OpenAIModel(script), mcp_servers=[server])
        config = RunConfig(tracing_disabled=True)
        await Runner.run(agent, "what is running?", max_turns=60, run_config=config)
        check(script.finished)
        await use_all_else(server, script.receipt)


async def use_all_else(server, receipt):
    async def read(address):
        return (await server.read_resource(address)).contents[0].text

    async def get(name, arguments):
        return str((await server.get_prompt(name, arguments)).messages)

    resources = (await server.list_resources()).resources
    templates = (await server.list_resource_templates()).resource_templates
    addresses = [each.uri_template for each in templates]
    await check_resources([each.uri for each in resources], addresses, read, receipt)
    prompts = (await server.list_prompts()).prompts
    listed = {each.name: [given.name for given in each.arguments or []] for each in prompts}
    await check_prompts(listed, get)
    check_has_none(server, "complete")


asyncio.run(main(json.loads(sys.argv[1])))
