"""Structured content for tests, in which a field that was left out reads as its empty value.

Answers leave out what is empty. `tests/server/responses/test_channels.py` holds them to that; all
other tests may ask for a field whether it is there or not. A name that no model has is a KeyError.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast, get_origin, get_type_hints

from uniqc_mcp.clearing.cleared_models import ClearedList
from uniqc_mcp.clearing.models import ClearAnswer
from uniqc_mcp.clearing.undo_models import UndoAnswer
from uniqc_mcp.responses.base import Wire
from uniqc_mcp.tasks.count_models import TaskCounts
from uniqc_mcp.tasks.models import TaskList
from uniqc_mcp.tasks.summary_models import TaskSummary
from uniqc_mcp.tasks.task_detail import TaskAnswer
from uniqc_mcp.waiting.models import WaitAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator


ANSWERS = (
    ClearAnswer,
    ClearedList,
    TaskAnswer,
    TaskCounts,
    TaskList,
    TaskSummary,
    UndoAnswer,
    WaitAnswer,
)
"""The answers of all tools, whose models are known once these are imported."""


class Content(dict[str, Any]):
    """Structured content; `Content.of` wraps objects at any depth."""

    @classmethod
    def of(cls, structured: dict[str, Any]) -> Content:
        return cast("Content", _wrapped(structured))

    def __missing__(self, name: str) -> Any:
        return _empty_values()[name]()


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return Content({name: _wrapped(inner) for name, inner in fields.items()})
    if isinstance(value, list):
        return [_wrapped(inner) for inner in cast("list[object]", value)]
    return value


@cache
def _empty_values() -> dict[str, type]:
    """Return the type of each field that answers leave out where it is empty."""
    found: dict[str, type] = {}
    for model in _models(Wire):
        hints = get_type_hints(model)
        for name, field in model.model_fields.items():
            if field.exclude_if is not None:
                found[name] = get_origin(hints[name]) or hints[name]
    return found


def _models(base: type[Wire]) -> Iterator[type[Wire]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)
