"""The APIs by which clients ask their models: what a request holds, and the stream of a reply."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ID = "call_list_tasks"
_MODEL = "scripted"
_ANSWER = "functionResponse"


class Dialect(Protocol):
    """One API."""

    def tools(self, request: Mapping[str, Any]) -> list[str]:
        """Return the names of the tools that a request offers."""
        ...

    def shown(self, request: Mapping[str, Any]) -> str:
        """Return the result of ``list_tasks`` as the model is shown it; empty before its call."""
        ...

    def call(self, tool: str, arguments: Mapping[str, object]) -> str:
        """Return a reply that calls a tool."""
        ...

    def text(self, text: str) -> str:
        """Return a reply that says a text."""
        ...


class Anthropic:
    """The Messages API, which Claude Code speaks."""

    def tools(self, request: Mapping[str, Any]) -> list[str]:
        return [tool["name"] for tool in request.get("tools", [])]

    def shown(self, request: Mapping[str, Any]) -> str:
        content = request["messages"][-1]["content"]
        if isinstance(content, str):
            return ""
        return "".join(
            _joined(block["content"]) for block in content if block.get("tool_use_id") == _ID
        )

    def call(self, tool: str, arguments: Mapping[str, object]) -> str:
        block: dict[str, Any] = {"type": "tool_use", "id": _ID, "name": tool, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
        return self._stream(block, delta, "tool_use")

    def text(self, text: str) -> str:
        delta = {"type": "text_delta", "text": text}
        return self._stream({"type": "text", "text": ""}, delta, "end_turn")

    def _stream(self, block: Mapping[str, Any], delta: Mapping[str, Any], reason: str) -> str:
        usage = {"input_tokens": 1, "output_tokens": 1}
        message: dict[str, Any] = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": _MODEL,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        end = {"stop_reason": reason, "stop_sequence": None}
        return _events(
            [
                {"type": "message_start", "message": message},
                {"type": "content_block_start", "index": 0, "content_block": block},
                {"type": "content_block_delta", "index": 0, "delta": delta},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": end, "usage": usage},
                {"type": "message_stop"},
            ]
        )


class Responses:
    """The Responses API, which Codex speaks."""

    def tools(self, request: Mapping[str, Any]) -> list[str]:
        return [*self._named(request.get("tools", []))]

    def _named(self, tools: Iterable[Mapping[str, Any]], space: str = "") -> Iterator[str]:
        for tool in tools:
            if tool["type"] == "namespace":
                yield from self._named(tool["tools"], f"{tool['name']} ")
            elif "name" in tool:
                yield f"{space}{tool['name']}"

    def shown(self, request: Mapping[str, Any]) -> str:
        outputs = [item for item in request["input"] if item.get("call_id") == _ID]
        return "".join(_joined(item["output"]) for item in outputs if "output" in item)

    def call(self, tool: str, arguments: Mapping[str, object]) -> str:
        space, _, name = tool.rpartition(" ")
        item = {
            "type": "function_call",
            "call_id": _ID,
            "name": name,
            "arguments": json.dumps(arguments),
        }
        return self._stream(item | ({"namespace": space} if space else {}))

    def text(self, text: str) -> str:
        content = [{"type": "output_text", "text": text}]
        return self._stream({"type": "message", "role": "assistant", "content": content})

    def _stream(self, item: Mapping[str, Any]) -> str:
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        response = {"id": "resp_1", "output": [item], "usage": usage}
        return _events(
            [
                {"type": "response.created", "response": {"id": "resp_1"}},
                {"type": "response.output_item.done", "output_index": 0, "item": item},
                {"type": "response.completed", "response": response},
            ]
        )


class Chat:
    """The Chat Completions API of OpenAI, which opencode speaks to other providers."""

    def tools(self, request: Mapping[str, Any]) -> list[str]:
        return [tool["function"]["name"] for tool in request.get("tools", [])]

    def shown(self, request: Mapping[str, Any]) -> str:
        last = request["messages"][-1]
        return _joined(last["content"]) if last["role"] == "tool" else ""

    def call(self, tool: str, arguments: Mapping[str, object]) -> str:
        function = {"name": tool, "arguments": json.dumps(arguments)}
        call = {"index": 0, "id": _ID, "type": "function", "function": function}
        return self._stream({"tool_calls": [call]}, "tool_calls")

    def text(self, text: str) -> str:
        return self._stream({"content": text}, "stop")

    def _stream(self, delta: Mapping[str, Any], reason: str) -> str:
        common = {"id": "chat_1", "object": "chat.completion.chunk", "created": 1, "model": _MODEL}
        choices: tuple[dict[str, Any], ...] = (
            {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None},
            {"index": 0, "delta": {}, "finish_reason": reason},
        )
        chunks = [{**common, "choices": [choice]} for choice in choices]
        return _events(chunks) + "data: [DONE]\n\n"


class Gemini:
    """The API of Gemini, which Gemini CLI speaks."""

    def tools(self, request: Mapping[str, Any]) -> list[str]:
        declared = [tool.get("functionDeclarations", []) for tool in request.get("tools", [])]
        return [function["name"] for functions in declared for function in functions]

    def shown(self, request: Mapping[str, Any]) -> str:
        parts = request["contents"][-1]["parts"]
        answers = [part[_ANSWER]["response"] for part in parts if _ANSWER in part]
        return "".join(str(answer.get("output", answer)) for answer in answers)

    def call(self, tool: str, arguments: Mapping[str, object]) -> str:
        return self._stream({"functionCall": {"name": tool, "args": arguments}})

    def text(self, text: str) -> str:
        return self._stream({"text": text})

    def _stream(self, part: Mapping[str, Any]) -> str:
        content = {"role": "model", "parts": [part]}
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        candidate = {"content": content, "finishReason": "STOP", "index": 0}
        return _events([{"candidates": [candidate], "usageMetadata": usage}])


def _joined(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content)


def _events(events: Iterable[Mapping[str, Any]]) -> str:
    """Return the events of a stream, named by their types where they have one."""
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        if "type" in event
        else f"data: {json.dumps(event)}\n\n"
        for event in events
    )
