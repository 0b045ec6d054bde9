"""An answer in less room than a tool's may take, saying what was left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.token_budget import max_tokens_of, truncate

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_mcp.tasks.task_detail import TaskAnswer, TaskDetail

_SOME_SHARDS: Final = 10
_SHORTEST_ERROR: Final = 400


def shortened_task(answer: TaskAnswer, *, tokens: int, uri: str) -> TaskAnswer:
    """The answer as it is, where it takes no more than these tokens; or the more important of it.

    Its notes then say what is missing, and where all of it can be read.
    """
    shorter = answer
    missing: dict[str, None] = {}
    for part, changed in _LESS:
        if max_tokens_of(json.dumps(shorter.structured(), ensure_ascii=False)) <= tokens:
            break
        task = shorter.task.model_copy(update=changed(shorter.task))
        if task != shorter.task:
            missing[part] = None
        said = f"Left out for want of room: {', '.join(missing)}. {uri} has all of it."
        store = answer.store.model_copy(update={"notes": [*answer.store.notes, said]})
        shorter = answer.model_copy(update={"task": task, "store": store})
    return shorter


def shortened_counts(text: str, *, tokens: int) -> str:
    """Likewise the JSON of how many tasks there are, with fewer of its groups."""
    if max_tokens_of(text) <= tokens:
        return text
    counts = json.loads(text)
    while counts["groups"] and max_tokens_of(json.dumps(counts, ensure_ascii=False)) > tokens:
        counts["groups"].pop()
    shown = sum(group["count"] for group in counts["groups"])
    said = f"Left out for want of room: groups that hold {counts['total'] - shown} tasks."
    counts["store"]["notes"].append(said)
    return json.dumps(counts, ensure_ascii=False)


def _without_outcomes(task: TaskDetail) -> dict[str, Any]:
    if task.result is None:
        return {}
    return {"result": task.result.model_copy(update={"outcomes": [], "batch": [], "shown": 0})}


_LESS: Final[tuple[tuple[str, Callable[[TaskDetail], dict[str, Any]]], ...]] = (
    ("platform jobs", lambda task: {"shards": task.shards[:_SOME_SHARDS]}),
    ("metadata", lambda _: {"metadata": {}}),
    ("platform jobs", lambda _: {"shards": []}),
    ("outcomes", _without_outcomes),
    ("most of the error", lambda task: {"error": truncate(task.error, _SHORTEST_ERROR)}),
)
"""What is given up, one after the other."""
