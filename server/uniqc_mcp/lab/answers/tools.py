"""The tools of a laboratory's server: those of a server that reads one file, and whose tasks."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from uniqc_mcp.comparing.tools import CompareTools
from uniqc_mcp.lab.access.requester import requesting_owner
from uniqc_mcp.lab.answers.answering import NOBODY, with_selection
from uniqc_mcp.lab.answers.stores import Selection, check_selection
from uniqc_mcp.protocol.schemas import refer_to_first
from uniqc_mcp.protocol.signatures import set_signature
from uniqc_mcp.protocol.strict_tool import StrictTool
from uniqc_mcp.settings import MAX_WAIT
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_mcp.tool_registry import READ_TOOLS
from uniqc_mcp.waiting.tools import WaitTools, wait_fields

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from mcp.server.mcpserver.tools import Tool

    from uniqc_mcp.lab.answers.answering import RequesterAnswering
    from uniqc_mcp.lab.answers.stores import LabStores
    from uniqc_mcp.lab.answers.watchers import Watchers
    from uniqc_mcp.questions.store import ReadableStore
    from uniqc_mcp.responses.base import Answer
    from uniqc_mcp.tool_registry import ToolSpec

LAB_TOOLS = tuple(spec for spec in READ_TOOLS if not spec.reads_copies)
"""The tools of a laboratory's server, which keeps no copies of cleared tasks."""

_FIRST = "task_id"
_OF_A_TASK = ("owner", "machine")
"""The fields of a task that other servers do not have, and the first of those that all have."""


class LabTools:
    """The tools over the stores of a laboratory.

    Args:
        stores: The stores.
        watchers: Their watchers.
        answering: The way to answer a requester.
        clock: Returns the present.
    """

    def __init__(
        self,
        stores: LabStores,
        watchers: Watchers,
        answering: RequesterAnswering,
        clock: Callable[[], datetime],
    ) -> None:
        self._stores = stores
        self._watchers = watchers
        self._answering = answering
        self._clock = clock

    def all(self, *, max_wait: int = MAX_WAIT) -> list[Tool]:
        """Return the tools of the table."""
        tools: list[Tool] = []
        for spec in LAB_TOOLS:
            tool = StrictTool.of(
                self._function_of(spec),
                title=spec.title,
                annotations=spec.annotations,
                fields=wait_fields(max_wait) if spec.waits else None,
                meta=spec.meta,
            )
            _describe_owner(tool)
            tools.append(tool)
        refer_to_first(tools)
        return tools

    def _function_of(self, spec: ToolSpec) -> Callable[..., Awaitable[Answer]]:
        if spec.waits:
            return self._wait()
        if spec.compares:
            clock = self._clock
            return self._answering(lambda store: CompareTools(store, clock).compare_tasks)

        def bind(store: ReadableStore, scope: str) -> Callable[..., Answer]:
            tools = ReadTools(store, self._clock, scope=scope)
            method: Callable[..., Answer] = getattr(tools, spec.name)
            return method

        return self._answering.selecting(bind)

    def _wait(self) -> Callable[..., Awaitable[Answer]]:
        """Return the tool that waits, which needs a watcher of what it waits for."""
        template = WaitTools(NOBODY, self._clock).wait_for_tasks

        @wraps(template)
        async def wait_for_tasks(*, owner: str = "", store: str = "", **arguments: Any) -> Answer:
            requester, selection = requesting_owner(), Selection(owner=owner, store=store)
            await anyio.to_thread.run_sync(check_selection, self._stores, requester, selection)
            tools = WaitTools(
                self._stores.store(requester, selection),
                self._clock,
                watcher=self._watchers.watcher(requester, selection),
                scope=selection.words,
            )
            return await tools.wait_for_tasks(**arguments)

        set_signature(wait_for_tasks, with_selection(inspect.signature(template)))
        return wait_for_tasks


def _describe_owner(tool: Tool) -> None:
    """Add the owner of a task to the schema of an answer, where it names the fields of a task."""
    schema = tool.fn_metadata.output_schema or {}
    for part in (schema, *schema.get("$defs", {}).values()):
        properties = part.get("properties", {})
        if _FIRST in properties:
            properties.update({name: {"type": "string"} for name in _OF_A_TASK})
        for field in properties.values():
            if field.get("description", "").startswith(f"{_FIRST}, "):
                field["description"] += f", {', '.join(_OF_A_TASK)}"
