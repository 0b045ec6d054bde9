"""An agent of llama-index, whose model sees both channels. It starts a server for each call."""

import asyncio
import json
import sys

from calls import RESOURCES, TASK_ID, TOOLS, ScriptedModel, check
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec


async def main(command):
    script = ScriptedModel()
    client = BasicMCPClient(command[0], args=command[1:])
    tools = await McpToolSpec(client=client).to_tool_list_async()
    check({tool.metadata.name for tool in tools} >= TOOLS)

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
    await agent.run("what is running?", max_iterations=40)
    check(script.finished)
    await read(client)


async def read(client):
    for uri in (*RESOURCES, f"uniqc://task/{TASK_ID}"):
        json.loads((await client.read_resource(uri)).contents[0].text)
    check((await client.list_prompts()).prompts)
    try:  # each prompt embeds a resource
        await client.get_prompt("whats_running")
        raise SystemExit("a prompt was converted: docs/clients.md says that none is")
    except* NotImplementedError as errors:
        check(errors)


asyncio.run(main(json.loads(sys.argv[1])))
