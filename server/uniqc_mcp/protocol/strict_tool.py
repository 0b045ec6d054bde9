"""Tools with strict arguments and two-channel answers.

- An unknown argument is refused. The SDK would drop it and run the tool without that filter.
- An argument counts as what the host means by it: null is "not given", "10" is an integer.
- Input schemas are flat and small, so that every host accepts them; see ``input_schema``.
- An answer goes over two channels that each stand alone: text and structured content.
- A call that can't be answered returns a sentence that says what to do.
"""

from __future__ import annotations

import base64
import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ImageContent, TextContent
from pydantic import ConfigDict, ValidationError, create_model

from uniqc_mcp.argument_errors import explain_arguments
from uniqc_mcp.errors import RequestError, explain_store_error
from uniqc_mcp.protocol.errors import explain_unexpected
from uniqc_mcp.protocol.meant_arguments import as_meant
from uniqc_mcp.protocol.progress import progress_goes_to
from uniqc_mcp.protocol.schemas import input_schema, output_schema
from uniqc_mcp.protocol.structured_content import defer
from uniqc_mcp.responses.base import Answer
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mcp.server.mcpserver import Context
    from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
    from mcp_types import ToolAnnotations


class StrictTool(Tool):
    """A tool whose function takes flat arguments and returns an :class:`Answer`."""

    @classmethod
    def of(
        cls,
        fn: Callable[..., Answer | Awaitable[Answer]],
        *,
        title: str,
        annotations: ToolAnnotations,
        fields: Mapping[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Tool:
        """Return the tool that calls a function; the model reads the function's docstring.

        Args:
            fn: The function.
            title: The name that people see.
            annotations: The hints for clients.
            fields: Types and defaults that replace those of the function's arguments, where they
                follow from the operator's settings.
            meta: Metadata for hosts, which models don't see.
        """
        description = inspect.getdoc(fn)
        tool = cls.from_function(
            fn,
            title=title,
            description=description,
            annotations=annotations,
            meta=meta,
            structured_output=False,  # otherwise the SDK makes an output schema of its own
        )
        metadata = tool.fn_metadata
        # The SDK reads these at each call and each listing, so they can be replaced here.
        metadata.arg_model = _strict(metadata.arg_model, fields or {})
        metadata.output_schema = output_schema(get_type_hints(fn)["return"])
        tool.parameters = input_schema(metadata.arg_model)
        return tool

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: FBT001, FBT002 - the SDK's signature
    ) -> Any:
        """Check the arguments, call the function and return both channels of its answer.

        Raises:
            ToolError: The arguments are invalid, the store can't answer, or the tool has a fault.
        """
        try:
            meant = as_meant(arguments, self.fn_metadata.arg_model)
            with progress_goes_to(context):
                answer = await super().run(meant, context)
            return (
                _two_channels(answer) if convert_result and isinstance(answer, Answer) else answer
            )
        except MCPError:
            raise
        except Exception as error:
            raise ToolError(self._explain(error)) from error

    def _explain(self, error: Exception) -> str:
        """Return a message for the caller in place of the SDK's, which names only the tool."""
        match error.__cause__ if isinstance(error, ToolError) else error:
            case ValidationError() as cause if not isinstance(error, UnexpectedToolError):
                properties = self.parameters["properties"]
                return explain_arguments(self.name, properties, cause.errors(include_url=False))
            case StoreError() as cause:
                return explain_store_error(cause)
            case RequestError() | ToolError() as cause:
                return str(cause)
            case cause:
                return explain_unexpected(self.name, cause or error)


def _two_channels(answer: Answer) -> CallToolResult:
    content: list[TextContent | ImageContent] = [TextContent(type="text", text=answer.text())]
    if answer.image:
        data = base64.b64encode(answer.image).decode("ascii")
        content.append(ImageContent(type="image", data=data, mime_type="image/png"))
    return CallToolResult(
        content=[*content],
        structured_content=defer(answer.structured()),
    )


def _strict(model: type[ArgModelBase], fields: Mapping[str, Any]) -> type[ArgModelBase]:
    """Return an argument model that forbids other arguments and conversions: "5" is no integer."""
    config = ConfigDict(extra="forbid", strict=True)
    strict = type(model.__name__, (model,), {"model_config": config})
    return create_model(model.__name__, __base__=strict, **fields) if fields else strict
