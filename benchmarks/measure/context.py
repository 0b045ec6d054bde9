"""The tokens of answers in a model's context."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.measure.large_results import only_task
from benchmarks.mix import Mix
from benchmarks.recording import OURS, Measurement
from benchmarks.stdio_client import RawServer, call_line, request_line
from uniqc_store import TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.setting import Setting

GROUP = "context"
ENCODING = "o200k_base"
TOOLS = "everything that tools/list returns"
RUNNING = "what's still running, 20 active tasks"
LARGE_RESULT = "a task with a 20-qubit result"
LARGEST = "largest answer"
TEXT, STRUCTURE, ANSWER = "text", "structured content", "both"
_TOOL_ARGUMENTS = ("--allow-clear", "success,failed,cancelled")


class Encoding(Protocol):
    """The part of the tokenizer that is used; its package has no types."""

    def encode(self, text: str, *, disallowed_special: tuple[str, ...]) -> list[int]:
        """Return the tokens of a text."""
        ...


class Tokenizer:
    """A counter of tokens in this encoding. The package contains its vocabulary."""

    def __init__(self) -> None:
        """Load the vocabulary."""
        self._encoding: Encoding = importlib.import_module("bpe_openai").get_encoding(ENCODING)

    def count(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return len(self._encoding.encode(text, disallowed_special=()))

    def count_json(self, value: object) -> int:
        """Return the number of tokens of a value as it goes over the wire."""
        return self.count(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def measure(setting: Setting) -> list[Measurement]:
    """Count tokens, which are the same each time."""
    setting.tell("context")
    return [
        Measurement(group=GROUP, what=what, who=OURS, size=0, unit="tokens", values=(float(count),))
        for what, count in _counts(setting, Tokenizer())
    ]


def _counts(setting: Setting, tokenizer: Tokenizer) -> Iterator[tuple[str, int]]:
    active = setting.stores.with_active(20)
    with RawServer([setting.server, "--cache-dir", active, *_TOOL_ARGUMENTS]) as server:
        server.initialize()
        tools = server.result(request_line(1, "tools/list", {}))
        yield TOOLS, tokenizer.count_json(tools)
        answer = server.result(call_line("list_tasks", {}))
        yield from _channels(tokenizer, RUNNING, answer)
    large = setting.stores.with_large_result(100_000)
    with RawServer([setting.server, "--cache-dir", large]) as server:
        server.initialize()
        yield from _channels(tokenizer, LARGE_RESULT, server.result(only_task(large)))
        answer = server.result(only_task(large, outcomes=50))
        yield from _channels(tokenizer, f"{LARGEST}: 50 outcomes of 20 qubits", answer)
    for words, cache_dir in (
        ("a realistic mix", setting.stores.of(Mix(size=setting.sizes[0]))),
        ("long texts", setting.stores.with_long_texts()),
    ):
        yield from _largest(setting, tokenizer, words, cache_dir)


def _largest(
    setting: Setting, tokenizer: Tokenizer, words: str, cache_dir: Path
) -> Iterator[tuple[str, int]]:
    newest = TaskStore(cache_dir, read_only=True).search(TaskFilter(), limit=3).records
    calls = {
        "list of 100": call_line("list_tasks", {"status": "any", "limit": 100}),
        "list of 100 active": call_line("list_tasks", {"limit": 100}),
        "list of 100 failed": call_line("list_tasks", {"status": "failed", "limit": 100}),
        "counts by both": call_line("count_tasks", {"group_by": "status_backend"}),
        **{
            f"one task, {number}": call_line("get_task", {"task_id": task.task_id, "outcomes": 50})
            for number, task in enumerate(newest, 1)
        },
    }
    with RawServer([setting.server, "--cache-dir", cache_dir]) as server:
        server.initialize()
        for what, line in calls.items():
            answer = server.result(line)
            yield from _channels(tokenizer, f"{LARGEST}: {what}, {words}", answer)


def _channels(tokenizer: Tokenizer, what: str, answer: Any) -> Iterator[tuple[str, int]]:
    text = sum(tokenizer.count(block["text"]) for block in answer["content"])
    # An error has no structure.
    structure = tokenizer.count_json(answer.get("structuredContent") or {})
    yield f"{what}: {TEXT}", text
    yield f"{what}: {STRUCTURE}", structure
    yield f"{what}: {ANSWER}", text + structure
