"""An agent of agno, whose model sees the text."""

import asyncio
import json
import sys
from dataclasses import dataclass

from agno.agent import Agent
from agno.models.base import Model
from agno.models.response import ModelResponse
from agno.tools.mcp import MCPTools
from calls import TOOLS, ScriptedModel, check
from mcp import StdioServerParameters
from resources_and_prompts import check_has_none

ALL_ELSE = ("list_resources", "read_resource", "list_prompts", "get_prompt", "complete")


@dataclass
class AgnoModel(Model):
    id: str = "scripted"
    script: ScriptedModel | None = None

    async def ainvoke(self, messages, tools=None, **more):
        check({tool["function"]["name"] for tool in tools} == TOOLS)
        call = self.script.next_call(messages[-1].content)
        if call is None:
            return ModelResponse(role="assistant", content="done")
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        called = {"id": f"call-{len(messages)}", "type": "function", "function": function}
        return ModelResponse(role="assistant", tool_calls=[called])

    def invoke(self, *arguments, **more):
        raise NotImplementedError

    def invoke_stream(self, *arguments, **more):
        raise NotImplementedError

    def ainvoke_stream(self, *arguments, **more):
        raise NotImplementedError

    def _parse_provider_response(self, response, **more):
        raise NotImplementedError

    def _parse_provider_response_delta(self, response):
        raise NotImplementedError


async def main(command):
    script = ScriptedModel()
    parameters = StdioServerParameters(command=command[0], args=command[1:])
    async with MCPTools(server_params=parameters, timeout_seconds=10) as tools:
        agent = Agent(model=AgnoModel(script=script), tools=[tools], telemetry=False)
        await agent.arun("what is running?")
        check(script.finished)
        check_has_none(tools, *ALL_ELSE)


asyncio.run(main(json.loads(sys.argv[1])))
