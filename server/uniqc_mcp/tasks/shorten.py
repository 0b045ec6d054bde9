"""Shorter forms of an answer, for prompts that have less room than a tool."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.safety.cuts import cut_to_tokens
from uniqc_mcp.token_budget import fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_mcp.tasks.task_detail import TaskAnswer, TaskDetail

_FEW_JOBS: Final = 10
_SHORT_ERROR_TOKENS: Final = 400


def shortened_task(answer: TaskAnswer, *, tokens: int, uri: str) -> TaskAnswer:
    """Return the answer, without its less important parts if it takes more than these tokens.

    Args:
        answer: The whole answer.
        tokens: The most tokens that its structured content may take.
        uri: The resource or call that has all of it, named in a note on the missing parts.
    """
    shorter = answer
    missing: dict[str, None] = {}
    for part, shortened in _CUTS:
        if fits(json.dumps(shorter.structured(), ensure_ascii=False), tokens):
            break
        task = shorter.task.model_copy(update=shortened(shorter.task))
        if task != shorter.task:
            missing[part] = None
        note = f"Left out for want of room: {', '.join(missing)}. {uri} has all of it."
        store = answer.store.model_copy(update={"notes": [*answer.store.notes, note]})
        shorter = answer.model_copy(update={"task": task, "store": store})
    return shorter


def shortened_counts(text: str, *, tokens: int) -> str:
    """Return the JSON of a `TaskCounts`, without its smallest groups if it takes more tokens.

    Args:
        text: The JSON of the whole answer.
        tokens: The most tokens that it may take, apart from the note on the missing groups.
    """
    if fits(text, tokens):
        return text
    counts = json.loads(text)
    while counts.get("groups") and not fits(json.dumps(counts, ensure_ascii=False), tokens):
        counts["groups"].pop()
    shown = sum(group["count"] for group in counts.get("groups", []))
    note = f"Left out for want of room: groups that hold {counts['total'] - shown} tasks."
    counts["store"].setdefault("notes", []).append(note)
    return json.dumps(counts, ensure_ascii=False)


def _without_outcomes(task: TaskDetail) -> dict[str, Any]:
    if task.result is None:
        return {}
    return {"result": task.result.model_copy(update={"outcomes": [], "batch": [], "shown": 0})}


def _shortened_error(error: str) -> str:
    return cut_to_tokens(error, _SHORT_ERROR_TOKENS, place="middle")


_CUTS: Final[tuple[tuple[str, Callable[[TaskDetail], dict[str, Any]]], ...]] = (
    ("platform jobs", lambda task: {"shards": task.shards[:_FEW_JOBS]}),
    ("metadata", lambda _: {"metadata": {}}),
    ("platform jobs", lambda _: {"shards": []}),
    ("outcomes", _without_outcomes),
    ("most of the error", lambda task: {"error": _shortened_error(task.error)}),
)
"""The parts to leave out, the least important first, each with the fields it changes."""
