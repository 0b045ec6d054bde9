"""The SDK's server with strict tools, resources and prompts, over whatever store answers."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver import ResourceSecurity
from mcp.server.mcpserver.exceptions import ToolError

from uniqc_mcp import __version__
from uniqc_mcp.apps.extension import apps
from uniqc_mcp.argument_errors import explain_unknown
from uniqc_mcp.completions import complete_argument
from uniqc_mcp.context import ServerContext
from uniqc_mcp.prompts import PROMPTS, check_prompt
from uniqc_mcp.protocol import input_responses, malformed_params, structured_content
from uniqc_mcp.resources import LIST_PARAMETERS, check_query, with_protocol_errors
from uniqc_mcp.settings import HOW_TO_ALLOW
from uniqc_mcp.subscriptions.handlers import serve_subscriptions
from uniqc_mcp.tool_registry import TOOLS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

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

    from uniqc_mcp.completions import Completable, Listed
    from uniqc_mcp.prompts import PromptSpec
    from uniqc_mcp.protocol.threads import Answering
    from uniqc_mcp.resources import ResourceSpec

Server = TypeVar("Server", bound="TaskServer")

_EXEMPT = {"task_id", "receipt"}
_OFF = {
    spec.name: f"{spec.name} is off: this server only reads. {HOW_TO_ALLOW}"
    for spec in TOOLS
    if spec.writes
}


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


def add_completions(
    server: TaskServer,
    answering: Answering,
    completable: Completable,
    others: Mapping[str, Listed] | None = None,
) -> None:
    """Offer completions of the arguments of prompts and templates; see ``complete_argument``."""

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        return await complete_argument(
            answering, ref, argument, context, completable, others=others
        )

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
