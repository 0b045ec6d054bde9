"""The server: the one place that joins its parts."""

from __future__ import annotations

import inspect
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver import ResourceSecurity
from mcp.server.mcpserver.exceptions import ToolError

from uniqc_mcp import __version__
from uniqc_mcp.apps.extension import apps
from uniqc_mcp.argument_errors import explain_unknown
from uniqc_mcp.cancelled_waits import CancelledWaits
from uniqc_mcp.clearing.listing import ClearedTools
from uniqc_mcp.comparing.tools import CompareTools
from uniqc_mcp.completions import COMPLETABLE, complete_argument
from uniqc_mcp.context import Connections, ConnectionState, ServerContext
from uniqc_mcp.instructions import instructions
from uniqc_mcp.prompts import PROMPTS, add_prompts, check_prompt
from uniqc_mcp.protocol import input_responses, malformed_params, structured_content
from uniqc_mcp.protocol.progress import report_call_progress
from uniqc_mcp.protocol.schemas import refer_to_first
from uniqc_mcp.protocol.strict_tool import StrictTool
from uniqc_mcp.protocol.threads import call_is_cancelled, try_inline_then_thread
from uniqc_mcp.resources import (
    LIST_PARAMETERS,
    RESOURCES,
    ReadResources,
    check_query,
    with_protocol_errors,
)
from uniqc_mcp.responses.times import utc_now
from uniqc_mcp.settings import HOW_TO_ALLOW, MAX_WAIT
from uniqc_mcp.subscriptions.handlers import serve_subscriptions
from uniqc_mcp.subscriptions.subscriber import Subscriptions
from uniqc_mcp.subscriptions.watcher import MAX_EVENTS, StoreWatcher
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_mcp.tool_registry import READ_TOOLS, TOOLS, ToolSpec
from uniqc_mcp.waiting.tools import WaitTools, wait_fields
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from mcp.server.lowlevel.helper_types import ReadResourceContents
    from mcp.server.mcpserver import Context
    from mcp.server.mcpserver.tools import Tool
    from mcp.server.request_state import RequestStateSecurity
    from mcp_types import (
        CallToolResult,
        Completion,
        CompletionArgument,
        CompletionContext,
        GetPromptResult,
        InputRequiredResult,
        PromptReference,
        ResourceTemplateReference,
    )
    from pydantic import AnyUrl

    from uniqc_mcp.completions import Completable
    from uniqc_mcp.prompts import PromptSpec
    from uniqc_mcp.protocol.threads import Answering
    from uniqc_mcp.questions.store import ReadableStore, StoreWatch
    from uniqc_mcp.resources import ResourceSpec
    from uniqc_mcp.responses.base import Answer
    from uniqc_mcp.settings import ClearSettings, Settings
    from uniqc_store import PendingPlans

Server = TypeVar("Server", bound="TaskServer")

_EXEMPT = {"task_id", "receipt"}
_OFF = {
    spec.name: f"{spec.name} is off: this server only reads. {HOW_TO_ALLOW}"
    for spec in TOOLS
    if spec.writes
}


def build_store(settings: Settings) -> TaskStore:
    """Return the store that a server reads, for calls that can be cancelled and tell progress."""
    return TaskStore(
        settings.cache_dir,
        read_only=True,
        should_stop=call_is_cancelled,
        report_progress=report_call_progress,
    )


def watch_of(store: TaskStore) -> StoreWatch:
    """Return a watch on a store, with as many changes as cursors may be behind."""
    from uniqc_store import TaskWatch  # noqa: PLC0415 - 0.03 s of every start

    return TaskWatch(store, max_events=MAX_EVENTS)


class TaskServer(MCPServer[ServerContext]):
    """The SDK's server with strict resources and prompts.

    Unknown parameters of resources and unknown arguments of prompts are refused, as those of tools
    are. A call to a tool that the operator has not enabled returns how to enable it.

    Attributes:
        tool_names: The tools.
        tools_off: The message on each tool that other servers have and this one has not.
        prompt_specs: The prompts.
        list_parameters: The parameters of a list of tasks, as a resource.
    """

    tool_names: Sequence[str] = ()
    tools_off: Mapping[str, str] = _OFF
    prompt_specs: Sequence[PromptSpec] = PROMPTS
    list_parameters: Sequence[str] = LIST_PARAMETERS

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[ServerContext, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Return a prompt.

        Raises:
            MCPError: Invalid params: an unknown prompt or argument.
        """
        check_prompt(name, arguments, self.prompt_specs)
        return await super().get_prompt(name, arguments, context)

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[ServerContext, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Return the contents of a resource.

        Raises:
            MCPError: Invalid params: an unknown query parameter.
        """
        check_query(str(uri), self.list_parameters)
        return await super().read_resource(uri, context)

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        context: Context[ServerContext, Any] | None = None,
    ) -> CallToolResult | InputRequiredResult:
        """Return the result of a tool.

        Raises:
            ToolError: There is no such tool, or it clears and the operator has not allowed that.
        """
        if name not in self.tool_names:
            if name in self.tools_off:
                raise ToolError(self.tools_off[name])
            raise ToolError(explain_unknown(name, self.tool_names, kind="tool"))
        return await super().call_tool(name, arguments, context)


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


def new_server(
    kind: type[Server],
    tools: Sequence[Tool],
    *,
    title: str,
    instructions: str,
    lifespan: Callable[[MCPServer[ServerContext]], AbstractAsyncContextManager[ServerContext]],
    request_state: RequestStateSecurity | None = None,
) -> Server:
    """Return a server with these tools and with subscriptions, and with no resource or prompt.

    Args:
        kind: The class of the server.
        tools: The tools.
        title: The name that people see.
        instructions: The instructions for models.
        lifespan: Returns what lives as long as the server.
        request_state: The keys of the state that clients carry between two parts of a request;
            None for a key of this process.
    """
    server = kind(
        "uniqc-mcp",
        title=title,
        instructions=instructions,
        version=__version__,
        subscriptions=False,  # the SDK's own would acknowledge every address
        lifespan=lifespan,
        middleware=[
            structured_content.restore,
            malformed_params.explain_malformed,
            input_responses.replace_malformed,
        ],
        # Ids are looked up in a table, never in a directory.
        resource_security=ResourceSecurity(exempt_params={*_EXEMPT, *kind.list_parameters}),
        tools=[*tools],
        extensions=[apps()],
        request_state_security=request_state,
    )
    server.tool_names = [tool.name for tool in tools]
    # MCPServer has no public way to serve subscriptions.
    serve_subscriptions(server._lowlevel_server)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
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


def add_completions(server: TaskServer, answering: Answering, completable: Completable) -> None:
    """Offer completions of the arguments of prompts and templates."""

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        return await complete_argument(answering, ref, argument, context, completable)

    decorate = server.completion()  # type: ignore[no-untyped-call]  # the SDK's own has no types
    decorate(complete)


def add_resource(
    server: TaskServer, spec: ResourceSpec, read: Callable[..., Awaitable[str]]
) -> None:
    """Offer a resource that a function reads."""
    server.resource(
        spec.uri,
        name=spec.method,
        title=spec.title,
        description=inspect.getdoc(read),
        mime_type="application/json",
    )(with_protocol_errors(read))


def _resource_method(
    spec: ResourceSpec,
    clearing: ClearSettings | None,
    clock: Callable[[], datetime],
    store: ReadableStore,
) -> Callable[..., str]:
    method: Callable[..., str]
    method = getattr(ReadResources(store, clock, clearing=clearing), spec.method)
    return method
