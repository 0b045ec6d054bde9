"""An agent of llama-index, whose model sees both channels. It starts a server for each call."""

import asyncio
import json
import sys

from calls import PROMPTS, TOOLS, ScriptedModel, check
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from resources_and_prompts import check_resources


async def main(command):
    script = ScriptedModel()
    client = BasicMCPClient(command[0], args=command[1:])
    tools = await McpToolSpec(client=client).to_tool_list_async()
    check({tool.metadata.name for tool in tools} == TOOLS)

    def respond(messages, **more):
        call = script.next_call(messages[-1].content)
        if call is None:
            return ChatMessage(role="assistant", content="done")
        block = ToolCallBlock(
            tool_call_id=f"call-{len(messages)}", tool_name=call[0], tool_kwargs=call[1]
        )
        return ChatMessage(role="assistant", blocks=[block])

    model = MockFunctionCallingLLM(response_generator=respond, is_chat_model=True)
    agent = FunctionAgent(tools=tools, llm=model, streaming=False)
    await agent.run("what is running?", max_iterations=60)
    check(script.finished)
    await use_all_else(client, script.receipt)


async def use_all_else(client, receipt):
    async def read(address):
        return (await client.read_resource(address)).contents[0].text

    resources = (await client.list_resources()).resources
    templates = (await client.list_resource_templates()).resource_templates
    addresses = [each.uri_template for each in templates]
    await check_resources([each.uri for each in resources], addresses, read, receipt)
    check({each.name for each in (await client.list_prompts()).prompts} == PROMPTS.keys())
    for name, (arguments, _) in PROMPTS.items():
        try:  # each prompt embeds a resource
            await client.get_prompt(name, arguments)
            raise SystemExit("a prompt was converted: docs/clients.md says that none is")
        except* NotImplementedError as errors:
            check(errors)
    # Inherited from the session of the SDK, which this class never connects.
    check("complete" not in vars(BasicMCPClient))


asyncio.run(main(json.loads(sys.argv[1])))
