"""An agent of pydantic-ai that asks the server what is running.

It needs `pydantic-ai-slim[mcp]`, in another environment than the server's, and takes some five
seconds. The model is scripted, so it needs no key: put yours in its place.

    python examples/frameworks/ask_with_pydantic_ai.py uniqc-mcp --cache-dir ~/.uniqc/cache
"""

import asyncio
import sys
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel


def scripted(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Call list_tasks, and then say what it answered: its fields, or why it could not."""
    del info
    for part in messages[-1].parts:
        if isinstance(part, ToolReturnPart):
            answer = part.content
            if not isinstance(answer, dict) or "total" not in answer:
                return ModelResponse(parts=[TextPart(str(answer))])
            names = [task.get("name", task["task_id"]) for task in answer.get("tasks", [])]
            said = [f"{answer['total']} {answer['matching']}", *names, *notes(answer)]
            return ModelResponse(parts=[TextPart("\n".join(said))])
        if isinstance(part, RetryPromptPart):
            return ModelResponse(parts=[TextPart(part.model_response())])
    return ModelResponse(parts=[ToolCallPart("list_tasks", {"status": "active", "limit": 3})])


def notes(answer: dict[str, Any]) -> list[str]:
    """Return what the server notes on its store, such as that there is none."""
    return answer["store"].get("notes", [])


async def main() -> None:
    """Ask the server of the command line, which is the user's own without one."""
    command, *arguments = sys.argv[1:] or ["uniqc-mcp"]
    server = MCPToolset(StdioTransport(command=command, args=arguments))
    agent = Agent(FunctionModel(scripted), toolsets=[server])
    async with agent:
        answer = await agent.run("What is running?")
    print(answer.output)


if __name__ == "__main__":
    asyncio.run(main())
