"""An agent of mcp-use, whose model sees the text. It drops unknown arguments itself."""

import asyncio
import json
import sys

from calls import GOOD, TOOLS, ScriptedModel, check
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from mcp_use import MCPAgent, MCPClient


class LangchainModel(BaseChatModel):
    script: object
    tools: tuple = ()

    def bind_tools(self, tools, **more):
        return LangchainModel(script=self.script, tools=tuple(tools))

    def _generate(self, messages, *arguments, **more):
        check({tool.name for tool in self.tools} >= TOOLS, self.tools)
        call = self.script.next_call(messages[-1].content)
        if call is None:
            message = AIMessage("done")
        else:
            called = {"name": call[0], "args": call[1], "id": f"call-{len(messages)}"}
            message = AIMessage("", tool_calls=[called])
        return ChatResult(generations=[ChatGeneration(message=message)])

    @property
    def _llm_type(self):
        return "scripted"


async def main(command):
    script = ScriptedModel(own_answers={2: "should be a valid list", len(GOOD): "vqe step 18"})
    servers = {"mcpServers": {"uniqc": {"command": command[0], "args": command[1:]}}}
    client = MCPClient(servers)
    agent = MCPAgent(llm=LangchainModel(script=script), client=client, max_steps=40)
    try:
        await agent.run("what is running?")
    finally:
        await agent.close()
    check(script.finished)


asyncio.run(main(json.loads(sys.argv[1])))
