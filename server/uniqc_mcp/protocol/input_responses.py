"""A middleware for the answers that a client sends with a repeated call (2026-07-28).

A client asks its user and repeats the call with ``inputResponses``. The SDK refuses the whole call
where one of these is malformed, so its caller would read "Invalid request parameters". A malformed
answer becomes an accepted form without content here, which the tool can tell and explain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from mcp_types import ElicitResult
from pydantic import ValidationError

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

_ACCEPTED_WITHOUT_CONTENT: Final = {"action": "accept"}


async def replace_malformed(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """Replace each malformed answer to a form in the parameters of a tool call."""
    if ctx.method == "tools/call" and ctx.params and ctx.params.get("inputResponses") is not None:
        responses = _well_formed(ctx.params["inputResponses"])
        ctx = replace(ctx, params={**ctx.params, "inputResponses": responses})
    return await call_next(ctx)


def _well_formed(responses: object) -> dict[str, object]:
    if not isinstance(responses, dict):
        return {"": _ACCEPTED_WITHOUT_CONTENT}
    return {
        key: response if _answers_a_form(response) else _ACCEPTED_WITHOUT_CONTENT
        for key, response in cast("dict[str, object]", responses).items()
    }


def _answers_a_form(response: object) -> bool:
    try:
        ElicitResult.model_validate(response, by_name=False)
    except ValidationError:
        return False
    return True
