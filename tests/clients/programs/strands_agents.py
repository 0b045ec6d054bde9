"""An agent of strands, whose model sees the text."""

import asyncio
import json
import sys

from calls import TOOLS, ScriptedModel, check
from mcp import StdioServerParameters, stdio_client
from resources_and_prompts import check_has_none, check_prompts, check_resources
from strands import Agent
from strands.models import Model
from strands.tools.mcp import MCPClient


class StrandsModel(Model):
    def __init__(self, script):
        self.script = script

    def update_config(self, **config):
        raise NotImplementedError

    def get_config(self):
        return {}

    def structured_output(self, *arguments, **more):
        raise NotImplementedError

    async def stream(self, messages, tool_specs=None, system_prompt=None, **more):
        check({spec["name"] for spec in tool_specs} == TOOLS)
        results = [part["toolResult"] for part in messages[-1]["content"] if "toolResult" in part]
        call = self.script.next_call(str(results[0]["content"]) if results else "")
        yield {"messageStart": {"role": "assistant"}}
        start, delta = {}, {"text": "done"}
        if call is not None:
            start = {"toolUse": {"name": call[0], "toolUseId": f"call-{len(messages)}"}}
            delta = {"toolUse": {"input": json.dumps(call[1])}}
        yield {"contentBlockStart": {"start": start}}
        yield {"contentBlockDelta": {"delta": delta}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn" if call is None else "tool_use"}}


def main(command):
    script = ScriptedModel()
    parameters = StdioServerParameters(command=command[0], args=command[1:])
    with MCPClient(lambda: stdio_client(parameters)) as client:
        tools = client.list_tools_sync()
        agent = Agent(model=StrandsModel(script), tools=list(tools), callback_handler=None)
        agent("what is running?")
        check(script.finished)
        asyncio.run(use_all_else(client, script.receipt))


async def use_all_else(client, receipt):
    async def read(address):
        return client.read_resource_sync(address).contents[0].text

    async def get(name, arguments):
        return str(client.get_prompt_sync(name, arguments).messages)

    resources = client.list_resources_sync().resources
    templates = client.list_resource_templates_sync().resource_templates
    addresses = [each.uri_template for each in templates]
    await check_resources([each.uri for each in resources], addresses, read, receipt)
    prompts = client.list_prompts_sync().prompts
    listed = {each.name: [given.name for given in each.arguments or []] for each in prompts}
    await check_prompts(listed, get)
    check_has_none(client, "complete", "complete_sync")


main(json.loads(sys.argv[1]))
