"""The server over one file: the one place that joins its parts."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from uniqc_mcp.cancelled_waits import CancelledWaits
from uniqc_mcp.clearing.listing import ClearedTools
from uniqc_mcp.comparing.tools import CompareTools
from uniqc_mcp.completions import COMPLETABLE
from uniqc_mcp.context import Connections, ConnectionState, ServerContext
from uniqc_mcp.instructions import instructions
from uniqc_mcp.prompts import add_prompts
from uniqc_mcp.protocol.progress import report_call_progress
from uniqc_mcp.protocol.schemas import refer_to_first
from uniqc_mcp.protocol.strict_tool import StrictTool
from uniqc_mcp.protocol.threads import call_is_cancelled, try_inline_then_thread
from uniqc_mcp.resources import RESOURCES, ReadResources
from uniqc_mcp.responses.times import utc_now
from uniqc_mcp.settings import MAX_WAIT
from uniqc_mcp.subscriptions.subscriber import Subscriptions
from uniqc_mcp.subscriptions.watcher import MAX_EVENTS, StoreWatcher
from uniqc_mcp.task_server import TaskServer, add_completions, add_resource, new_server
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_mcp.tool_registry import READ_TOOLS, TOOLS, ToolSpec
from uniqc_mcp.waiting.tools import WaitTools, wait_fields
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
    from datetime import datetime

    from mcp.server import MCPServer
    from mcp.server.mcpserver.tools import Tool

    from uniqc_mcp.questions.store import ReadableStore, StoreWatch
    from uniqc_mcp.resources import ResourceSpec
    from uniqc_mcp.responses.base import Answer
    from uniqc_mcp.settings import ClearSettings, Settings
    from uniqc_store import PendingPlans


def build_store(settings: Settings, store: TaskStore | None = None) -> TaskStore:
    """Return the store that a server reads, for calls that can be cancelled and tell progress.

    Args:
        settings: The settings of the server.
        store: The store, if it was read before.
    """
    store = store or TaskStore(settings.cache_dir, read_only=True)
    return store.with_callbacks(call_is_cancelled, report_call_progress)


def watch_of(store: TaskStore) -> StoreWatch:
    """Return a watch on a store, with as many changes as cursors may be behind."""
    from uniqc_store import TaskWatch  # noqa: PLC0415 - 0.03 s of every start

    return TaskWatch(store, max_events=MAX_EVENTS)


def build_server(
    store: TaskStore,
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
) -> TaskServer:
    """Return a server over a store, which it only reads unless the settings allow clearing."""
    clearing = settings.clearing if settings is not None else None
    pending_plans = None if clearing is None else store.pending_plans(clock)
    writes: Mapping[str, Callable[..., Answer]] = {}
    if clearing is not None and pending_plans is not None:
        writes = _writing_tools(store, clearing, pending_plans, clock)
    max_wait = settings.max_wait if settings is not None else MAX_WAIT
    tools = _tools(store, writes, clock, clearing, max_wait=max_wait)
    server = new_server(
        TaskServer,
        tools,
        title="UnifiedQuantum tasks",
        instructions=instructions(clearing, clock()),
        lifespan=_lifespan(store, clearing, pending_plans),
    )
    answering = partial(try_inline_then_thread, store)
    for spec in RESOURCES:
        add_resource(server, spec, answering(partial(_resource_method, spec, clearing, clock)))
    add_prompts(server, answering, clearing, clock)
    add_completions(server, answering, COMPLETABLE)
    return server


def _lifespan(
    store: TaskStore, clearing: ClearSettings | None, pending_plans: PendingPlans | None
) -> Callable[[MCPServer[ServerContext]], AbstractAsyncContextManager[ServerContext]]:
    @asynccontextmanager
    async def lifespan(_: MCPServer[ServerContext]) -> AsyncGenerator[ServerContext]:
        watcher = StoreWatcher(partial(watch_of, store))
        async with watcher.running():
            yield ServerContext(
                connections=Connections(
                    lambda: ConnectionState(
                        watcher=watcher,
                        subscriptions=Subscriptions(store, watcher),
                        cancelled_waits=CancelledWaits(),
                    )
                ),
                clearing=clearing,
                pending_plans=pending_plans,
            )

    return lifespan


def _tools(
    store: TaskStore,
    writes: Mapping[str, Callable[..., Answer]],
    clock: Callable[[], datetime],
    clearing: ClearSettings | None,
    *,
    max_wait: int,
) -> list[Tool]:
    """Return the tools of the table, those that write only where clearing is allowed."""
    waits = WaitTools(store, clock)

    def function_of(spec: ToolSpec) -> Callable[..., Answer | Awaitable[Answer]]:
        if spec.writes:
            return writes[spec.name]
        if spec.waits:
            function: Callable[..., Awaitable[Answer]] = getattr(waits, spec.name)
            return function
        if spec.compares:
            # The SDK calls it on a thread: what takes long is to parse the results.
            return CompareTools(store, clock).compare_tasks

        def bind(readable: ReadableStore) -> Callable[..., Answer]:
            if spec.reads_copies:
                return ClearedTools(readable, clock, clearing=clearing).list_cleared
            tools = ReadTools(readable, clock, clears=clearing is not None)
            method: Callable[..., Answer] = getattr(tools, spec.name)
            return method

        return try_inline_then_thread(store, bind)

    tools = [
        StrictTool.of(
            function_of(spec),
            title=spec.title,
            annotations=spec.annotations,
            fields=wait_fields(max_wait) if spec.waits else None,
            meta=spec.meta,
        )
        for spec in (TOOLS if writes else READ_TOOLS)
    ]
    refer_to_first(tools)
    return tools


def _writing_tools(
    store: TaskStore,
    clearing: ClearSettings,
    pending_plans: PendingPlans,
    clock: Callable[[], datetime],
) -> Mapping[str, Callable[..., Answer]]:
    """Return the methods of the tools that write, by the names of the tools."""
    from uniqc_mcp.clearing.tools import ClearTools  # noqa: PLC0415 - 1.2 % of the start
    from uniqc_mcp.clearing.undo import UndoTools  # noqa: PLC0415 - as above

    return {
        "clear_tasks": ClearTools(store, clearing, pending_plans, clock).clear_tasks,
        "undo_clear": UndoTools(store, clock).undo_clear,
    }


def _resource_method(
    spec: ResourceSpec,
    clearing: ClearSettings | None,
    clock: Callable[[], datetime],
    store: ReadableStore,
) -> Callable[..., str]:
    method: Callable[..., str]
    method = getattr(ReadResources(store, clock, clearing=clearing), spec.method)
    return method
