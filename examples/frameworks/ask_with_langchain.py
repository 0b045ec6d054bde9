"""An agent of LangChain that asks the server what is running.

It needs `langchain` and `langchain-mcp-adapters`, in another environment than the server's, and
takes some five seconds. The model is scripted, so it needs no key: put yours in its place.

    python examples/frameworks/ask_with_langchain.py uniqc-mcp --cache-dir ~/.uniqc/cache
"""

import asyncio
import sys
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


class ScriptedModel(BaseChatModel):
    """A model that calls list_tasks, and then says what it answered."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **options: Any) -> "ScriptedModel":
        """Return this model, which knows the tool that it calls."""
        del tools, options
        return self

    def _generate(self, messages: list[BaseMessage], *given: Any, **options: Any) -> ChatResult:
        del given, options
        last = messages[-1]
        if isinstance(last, ToolMessage):
            answer = AIMessage(last.text)
        else:
            arguments = {"status": "active", "limit": 3}
            call = {"name": "list_tasks", "args": arguments, "id": "call-1"}
            answer = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=answer)])


async def main() -> None:
    """Ask the server of the command line, which is the user's own without one."""
    command, *arguments = sys.argv[1:] or ["uniqc-mcp"]
    server = {"transport": "stdio", "command": command, "args": arguments}
    client = MultiServerMCPClient({"uniqc": server})
    # One server for all calls; the client's get_tools() starts one for each.
    async with client.session("uniqc") as session:
        agent = create_agent(ScriptedModel(), await load_mcp_tools(session))
        question = {"role": "user", "content": "What is running?"}
        answer = await agent.ainvoke({"messages": [question]})
    print(answer["messages"][-1].text)


if __name__ == "__main__":
    asyncio.run(main())
