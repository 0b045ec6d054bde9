"""The answer to a client's first call, which is given before the SDK is loaded.

Whatever is not beyond doubt is left to the server: arguments that it may read otherwise, a long
read, and everything that is answered with an error.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, create_model
from pydantic_core import to_json

from uniqc_mcp.opening.recording import CallAnswer
from uniqc_mcp.protocol.meant_arguments import as_meant
from uniqc_mcp.responses.times import utc_now
from uniqc_mcp.tasks.tools import ReadTools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from uniqc_mcp.responses.base import Answer
    from uniqc_store import TaskStore

FIRST_TOOLS: Final = frozenset({"list_tasks", "get_task", "count_tasks", "summarize_tasks"})

_MAX_MILLISECONDS: Final = 100
"""The longest read, in which no other message is read. To load the SDK takes six times as long."""


def answer_first_call(
    store: TaskStore,
    name: str,
    arguments: dict[str, Any],
    *,
    clears: bool = False,
    clock: Callable[[], datetime] = utc_now,
) -> CallAnswer | None:
    """Return the answer of a tool that reads; None where the server has to answer.

    Args:
        store: The store to read.
        name: The name of the tool.
        arguments: The arguments of the call.
        clears: Whether the server may clear tasks.
        clock: The source of the current time.
    """
    if name not in FIRST_TOOLS or any(map(_may_hold_json, arguments.values())):
        return None
    readable = store.nonblocking(milliseconds=_MAX_MILLISECONDS)
    tool = getattr(ReadTools(readable, clock, clears=clears), name)
    try:
        answer: Answer = tool(**_checked(tool, arguments))
        # An image is a third part, which the recorded form of an answer has not.
        return None if answer.image else _as_wire(answer)
    except Exception:
        # The server meets the same error, and tells it to the client.
        return None


class _Arguments(BaseModel):
    """Arguments as the server takes them: no others, and none that is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _may_hold_json(value: object) -> bool:
    """Return whether the SDK may read a text as a list, an object or null."""
    if not isinstance(value, str):
        return False
    text = value.strip()
    return text.startswith(("[", "{")) or text == "null"


def _checked(tool: Callable[..., Answer], arguments: dict[str, Any]) -> Mapping[str, Any]:
    """Return the arguments as the tool takes them.

    Raises:
        ValidationError: They are not what the tool takes.
    """
    parameters = inspect.signature(tool, eval_str=True).parameters.values()
    fields: dict[str, Any] = {each.name: (each.annotation, _default(each)) for each in parameters}
    model = create_model("Arguments", __base__=_Arguments, **fields)
    found = model.model_validate(as_meant(arguments, model))
    return {name: getattr(found, name) for name in model.model_fields}


def _default(parameter: inspect.Parameter) -> Any:
    return ... if parameter.default is inspect.Parameter.empty else parameter.default


def _as_wire(answer: Answer) -> CallAnswer:
    text, structured = (
        to_json(part, inf_nan_mode="null").decode() for part in (answer.text(), answer.structured())
    )
    return CallAnswer(text=text, structured=structured)
