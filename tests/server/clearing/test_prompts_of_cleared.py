"""A prompt about a task finds it where it was cleared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mcp_types import EmbeddedResource, TextResourceContents

from uniqc_store import TaskFilter, TaskStore

if TYPE_CHECKING:
    from mcp import Client
    from tests.clearing_cache import Cache


async def tasks_of(client: Client, prompt: str, **arguments: str) -> list[tuple[str, object]]:
    """Return the address and the receipt of each task that a prompt attaches."""
    result = await client.get_prompt(prompt, arguments)
    found: list[tuple[str, object]] = []
    for message in result.messages:
        if isinstance(message.content, EmbeddedResource):
            contents = message.content.resource
            assert isinstance(contents, TextResourceContents)
            found.append((contents.uri, json.loads(contents.text)["task"].get("receipt")))
    return found


async def test_the_prompts_of_tasks_find_cleared_ones(cache: Cache) -> None:
    cache.fill(2, status="failed").fill(1, prefix="kept", status="running")
    store = TaskStore(cache.directory)
    receipt = store.clear(store.plan_clear(TaskFilter())).receipt_id
    async with cache.client() as client:
        failed = await tasks_of(client, "why_did_it_fail", task_id="task-1")
        assert failed == [("uniqc://task/task-1", receipt)]
        both = await tasks_of(
            client, "explain_differences", task_id="kept-1", other_task_id="task-2"
        )
        assert both == [("uniqc://task/kept-1", None), ("uniqc://task/task-2", receipt)]
        (content,) = (await client.read_resource(failed[0][0])).contents
        assert isinstance(content, TextResourceContents)
        assert json.loads(content.text)["task"]["receipt"] == receipt
