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


class OpenAIModel(Model):
    def __init__(self, script):
        self.script = script

    async def get_response(self, **given):
        items, tools = given["input"], given["tools"]
        check({tool.name for tool in tools} >= TOOLS, tools)
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
    async with MCPServerStdio(params=parameters) as server:
        agent = Agent(name="physicist", model=OpenAIModel(script), mcp_servers=[server])
        config = RunConfig(tracing_disabled=True)
        await Runner.run(agent, "what is running?", max_turns=40, run_config=config)
    check(script.finished)


asyncio.run(main(json.loads(sys.argv[1])))
