"""A middleware that explains malformed parameters of a call or a prompt.

The SDK answers them with "Invalid request parameters", which tells a model nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from uniqc_mcp.argument_errors import as_json
from uniqc_mcp.protocol.errors import invalid
from uniqc_mcp.safety.display import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

_NAMED: Final = {"tools/call": "tool", "prompts/get": "prompt"}


async def explain_malformed(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """Refuse a name or arguments of the wrong type; drop null arguments of a prompt.

    Raises:
        MCPError: Invalid params; the message says what was expected.
    """
    if ctx.method in _NAMED:
        params = ctx.params or {}
        _check(_NAMED[ctx.method], params)
        if ctx.method == "prompts/get" and params.get("arguments"):
            ctx = replace(ctx, params={**params, "arguments": _texts(params["arguments"])})
    return await call_next(ctx)


def _check(kind: str, params: Mapping[str, Any]) -> None:
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str):
        raise invalid(f"name must be the name of a {kind} as text, not {as_json(name)}.")
    if arguments is not None and not isinstance(arguments, dict):
        raise invalid(
            f"arguments must be an object such as {{}}, with a value for each argument, "
            f"not {as_json(arguments)}."
        )


def _texts(arguments: object) -> dict[str, str]:
    """Return the arguments of a prompt that are given, all of which are text."""
    given: dict[str, str] = {}
    for name, value in cast("dict[str, object]", arguments).items():
        if isinstance(value, str):
            given[name] = value
        elif value is not None:
            raise invalid(f"{quoted(name)} must be a text, not {as_json(value)}.")
    return given
