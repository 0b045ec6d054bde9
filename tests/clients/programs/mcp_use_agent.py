"""An agent of mcp-use, whose model sees the text. It drops unknown arguments itself."""

import asyncio
import json
import sys

from calls import GOOD, PROMPTS, RESOURCES, TOOLS, ScriptedModel, check
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from mcp_use import MCPAgent, MCPClient
from resources_and_prompts import check_has_none, check_prompts, check_resources


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
    own_answers = {json.dumps(GOOD[2][1]): "should be a valid list"}
    own_answers['{"statuses": "failed"}'] = "vqe step 18"
    own_answers['{"limit": "many"}'] = "should be a valid integer"
    prompts = [(name, arguments, fact) for name, (arguments, fact) in PROMPTS.items()]
    resources = [
        (address.rpartition("/")[2], {"uri": address}, fact)
        for address, fact in RESOURCES.items()
        if address in ("uniqc://store", "uniqc://tasks/active")
    ]
    script = ScriptedModel(own_answers=own_answers, more_calls=[*prompts, *resources])
    servers = {"mcpServers": {"uniqc": {"command": command[0], "args": command[1:]}}}
    client = MCPClient(servers)
    agent = MCPAgent(llm=LangchainModel(script=script), client=client, max_steps=100)
    try:
        await agent.run("what is running?")
        check(script.finished)
        await use_all_else(client.get_session("uniqc"), script.receipt)
    finally:
        await agent.close()


async def use_all_else(session, receipt):
    async def read(address):
        return (await session.read_resource(address)).contents[0].text

    async def get(name, arguments):
        return str((await session.get_prompt(name, arguments)).messages)

    resources = [each.uri for each in await session.list_resources()]
    await check_resources(resources, None, read, receipt)
    prompts = await session.list_prompts()
    listed = {each.name: [given.name for given in each.arguments or []] for each in prompts}
    await check_prompts(listed, get)
    check_has_none(session, "list_resource_templates", "complete")


asyncio.run(main(json.loads(sys.argv[1])))
