"""How a function becomes a tool that keeps this server's promises.

- Arguments are strict: one that is not known is refused, where the SDK would drop it and run
  the tool without the filter that was meant.
- Input schemas are flat and small, so that every host takes them.
- An answer goes over two channels that each stand alone, text and structured content.
- What can't be answered comes back as a sentence to act on.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from uniqc_mcp.errors import RequestError, explain_arguments, explain_store_error
from uniqc_mcp.protocol.structured_content import defer
from uniqc_mcp.responses.base import Answer
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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
    ) -> Tool:
        """The tool that calls a function; its docstring is what the model is told."""
        description = inspect.getdoc(fn)
        tool = cls.from_function(
            fn,
            title=title,
            description=description,
            annotations=annotations,
            structured_output=False,  # or the SDK makes the schema of the answer as well
        )
        metadata = tool.fn_metadata
        # The SDK reads these anew at each call and each listing.
        metadata.arg_model = _strict(metadata.arg_model)
        metadata.output_schema = _schema(get_type_hints(fn)["return"])
        tool.parameters = _schema(metadata.arg_model)
        return tool

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: FBT001, FBT002 - the SDK's signature
    ) -> Any:
        # To JSON Schema 5.0 is an integer, and hosts that keep numbers as doubles send it.
        arguments = {
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in arguments.items()
        }
        try:
            answer = await super().run(arguments, context)
        except ToolError as error:
            match error.__cause__:
                case ValidationError() as cause if not isinstance(error, UnexpectedToolError):
                    known = list(self.fn_metadata.arg_model.model_fields)
                    problems = cause.errors(include_url=False)
                    raise ToolError(explain_arguments(self.name, known, problems)) from cause
                case StoreError() as cause:
                    raise ToolError(explain_store_error(cause)) from cause
                case RequestError() as cause:
                    raise ToolError(str(cause)) from cause
                case _:
                    raise
        return _two_channels(answer) if convert_result and isinstance(answer, Answer) else answer


def _two_channels(answer: Answer) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=answer.text())],
        structured_content=defer(answer.structured()),
    )


def _strict(model: type[ArgModelBase]) -> type[ArgModelBase]:
    """The same arguments, with no others and no conversions: "5" is no integer, nor is true."""
    config = ConfigDict(extra="forbid", strict=True)
    return type(model.__name__, (model,), {"model_config": config})


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema without what only repeats: titles of names, and null for what is left out."""
    schema = model.model_json_schema(schema_generator=_UntitledSchema, mode="serialization")
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("title", None)
        for field in part["properties"].values():
            if field.get("default", ...) is None:
                del field["default"]
    return schema


class _UntitledSchema(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
