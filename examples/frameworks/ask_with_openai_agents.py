"""An agent of openai-agents that asks the server what is running.

It needs `openai-agents`, in another environment than the server's, and takes some five seconds.
The model is scripted, so it needs no key: leave it out, and the agent asks OpenAI's.

    python examples/frameworks/ask_with_openai_agents.py uniqc-mcp --cache-dir ~/.uniqc/cache
"""

import asyncio
import json
import sys
from typing import Any

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage
from agents.mcp import MCPServerStdio
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)


class ScriptedModel(Model):
    """A model that calls list_tasks, and then says what it answered."""

    async def get_response(self, **request: Any) -> ModelResponse:
        """Return the call, or what the last item of the conversation tells of it."""
        items = request["input"]
        last = items[-1] if isinstance(items, list) else {}
        output = said(last["output"]) if "output" in last else self._call()
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def _call(self) -> ResponseFunctionToolCall:
        return ResponseFunctionToolCall(
            call_id="call-1",
            name="list_tasks",
            arguments=json.dumps({"status": "active", "limit": 3}),
            type="function_call",
        )

    def stream_response(self, *arguments: Any, **request: Any) -> Any:
        """Refuse, as a scripted answer has no parts."""
        raise NotImplementedError


def said(shown: Any) -> ResponseOutputMessage:
    """Return a message with the texts that the model was shown."""
    blocks = shown if isinstance(shown, list) else [{"text": str(shown)}]
    text = "\n".join(block["text"] for block in blocks)
    part = ResponseOutputText(text=text, type="output_text", annotations=[])
    return ResponseOutputMessage(
        id="answer-1", content=[part], role="assistant", status="completed", type="message"
    )


async def main() -> None:
    """Ask the server of the command line, which is the user's own without one."""
    command, *arguments = sys.argv[1:] or ["uniqc-mcp"]
    # Its own limit of 5 s is shorter than a wait for tasks.
    async with MCPServerStdio(
        params={"command": command, "args": arguments}, client_session_timeout_seconds=60
    ) as server:
        agent = Agent(name="physicist", model=ScriptedModel(), mcp_servers=[server])
        # Else it sends traces to OpenAI.
        config = RunConfig(tracing_disabled=True)
        answer = await Runner.run(agent, "What is running?", run_config=config)
    print(answer.final_output)


if __name__ == "__main__":
    asyncio.run(main())
