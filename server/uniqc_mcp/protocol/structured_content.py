"""The structures of answers, past the SDK's copying of them.

The SDK fits each result to the revision that a client speaks, for which it copies it twice, value
by value. No revision says anything of what is in a structure, and that is most of an answer: it is
put in its place once the rest has been fitted.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

_deferred: ContextVar[dict[str, Any] | None] = ContextVar("kept_back")


def defer(structure: dict[str, Any]) -> dict[str, Any]:
    """What to give the SDK for a structure: an empty one, where it will be put in later."""
    try:
        _deferred.get()
    except LookupError:
        return structure  # a tool that is called by itself
    _deferred.set(structure)
    return {}


async def restore(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware that puts what was kept back of an answer into it, if its revision has that."""
    if ctx.method != "tools/call":
        return await call_next(ctx)
    token = _deferred.set(None)
    try:
        result = await call_next(ctx)
        structure = _deferred.get()
    finally:
        _deferred.reset(token)
    if structure is not None and isinstance(result, dict) and "structuredContent" in result:
        result["structuredContent"] = structure
    return result
