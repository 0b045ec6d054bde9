"""The filters that tools, resources and commands take, each defined once.

A tool declares them as ``**filters: Unpack[FilterArguments]`` and is decorated with
:func:`spell_out_filters`, so that its schema has each of them as an argument of its own.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    TypedDict,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BeforeValidator, Field

from uniqc_mcp.protocol.signatures import set_signature
from uniqc_store import Archived, Order

Status = Literal[
    "any", "active", "finished", "pending", "running", "success", "failed", "cancelled"
]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)


def as_list(value: object) -> object:
    """Return a list for one text, which many models send where a list is asked for."""
    if isinstance(value, str):
        return [value] if value else []
    return value


if TYPE_CHECKING:
    StatusFilter = Status | Sequence[Status]
else:
    StatusFilter = Annotated[
        Sequence[Status],
        BeforeValidator(as_list),
        Field(
            description="Any of these. active: not finished; finished: success, failed, cancelled."
        ),
    ]
BackendFilter = Annotated[
    str, Field(description="Whole label (originq:WK_C180), or platform (originq).")
]
SubmittedAfter = Annotated[
    str,
    Field(description="Local day, ISO 8601 time (UTC if no zone), or age: 36h. Inclusive."),
]
SubmittedBefore = Annotated[str, Field(description="As submitted_after, but exclusive.")]
NameContains = Annotated[str, Field(description="Part of the name, in any case.")]
UpdatedAfter = Annotated[
    str,
    Field(description="Last touched by uniqc: saved or polled. Ended last night: 24h."),
]
UpdatedBefore = Annotated[str, Field(description="As updated_after, but exclusive.")]
ExceptBackend = Annotated[
    Sequence[str], BeforeValidator(as_list), Field(description="Labels or platforms left out.")
]
TaskIds = Annotated[
    Sequence[str],
    BeforeValidator(as_list),
    Field(description="Only these; whole ids."),
]
ErrorContains = Annotated[str, Field(description="Part of the stored error, in any case.")]
NotHeardFor = Annotated[str, Field(description="Stuck: active, untouched for so long: 6h.")]
ArchivedFilter = Annotated[Archived, Field(description="Tasks that uniqc put away.")]
OrderBy = Annotated[Order, Field(description="updated: last touched first.")]


class SelectionArguments(TypedDict, total=False):
    """The filters of all tools beside ``status``, whose default each tool has for itself."""

    backend: BackendFilter
    submitted_after: SubmittedAfter
    submitted_before: SubmittedBefore
    name_contains: NameContains
    updated_after: UpdatedAfter
    updated_before: UpdatedBefore
    except_backend: ExceptBackend
    task_ids: TaskIds
    error_contains: ErrorContains


class FilterArguments(SelectionArguments, total=False):
    """The filters of tools that only read."""

    not_heard_for: NotHeardFor


_FILTERS: Final = get_type_hints(FilterArguments, include_extras=True)
_TEXTS: Final = dict.fromkeys(_FILTERS, str)

Tool = TypeVar("Tool", bound=Callable[..., Any])


def spell_out_filters(tool: Tool) -> Tool:
    """Show the filters of a tool one by one in its signature, which the SDK makes a schema of.

    They stand after ``status``, which is left where it is, and before all other arguments. Each
    may be left out; the default is empty. A resource takes them as ``**filters: str``.
    """
    signature = inspect.signature(tool)
    *named, collected = signature.parameters.values()
    unpacked = get_args(get_type_hints(tool, include_extras=True)[collected.name])
    hints = get_type_hints(unpacked[0], include_extras=True) if unpacked else _TEXTS
    filters = [
        inspect.Parameter(name, collected.KEYWORD_ONLY, default=empty_value(hint), annotation=hint)
        for name, hint in hints.items()
    ]
    place = 1 + [parameter.name for parameter in named].index("status")
    spelled_out = [*named[:place], *filters, *named[place:]]
    set_signature(tool, signature.replace(parameters=spelled_out))
    return tool


def empty_value(hint: Any) -> Sequence[str] | str:
    """Return what a filter of this type is if it is not given."""
    is_list = hint is not str and get_origin(get_args(hint)[0]) is Sequence
    return () if is_list else ""


def filters_from_texts(texts: Mapping[str, str]) -> FilterArguments:
    """Return filters from texts, as an address has them: a list is separated by commas."""
    filters = {
        name: parts(text) if empty_value(_FILTERS[name]) == () else text
        for name, text in texts.items()
    }
    return cast("FilterArguments", filters)


def parts(text: str) -> list[str]:
    """Return the values that commas separate; none of an empty text."""
    return text.split(",") if text else []
