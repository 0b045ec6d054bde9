"""Completions of the arguments of prompts and of the variables of resource templates."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias, get_args

from mcp.shared.uri_template import UriTemplate
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from uniqc_mcp.prompts import PROMPTS, PromptSpec, arguments_of
from uniqc_mcp.protocol.errors import invalid, unknown_argument, with_request_errors
from uniqc_mcp.protocol.threads import Answering
from uniqc_mcp.questions.store import ReadableStore
from uniqc_mcp.resources import RESOURCES, ResourceSpec
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.cleared_lookup import shown_receipt
from uniqc_mcp.tasks.filter_arguments import Status
from uniqc_store import Archived, Completions, Order, TaskFilter

Reference: TypeAlias = PromptReference | ResourceTemplateReference

MAX_VALUES: Final = 100
"""Values in one answer, the most that the protocol allows."""

_MAX_LOOKED_UP: Final = 2 * MAX_VALUES
"""Values that are looked up, as some of them may not be shown."""

_STATUSES: Final[tuple[str, ...]] = get_args(Status)
_AGES: Final = ("1h", "24h", "7d", "30d", "52w")
_KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "status": _STATUSES,
    "order": get_args(Order),
    "archived": get_args(Archived),
    **dict.fromkeys(("submitted_after", "submitted_before"), _AGES),
    **dict.fromkeys(("updated_after", "updated_before", "not_heard_for"), _AGES),
    "limit": ("10", "20", "50", "100"),
}
_TASKS: Final = ("task_id", "other_task_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Completable:
    """The prompts and templates whose arguments a server completes.

    Attributes:
        prompts: The prompts.
        templates: The variables of each template, by its address.
    """

    prompts: Sequence[PromptSpec]
    templates: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, prompts: Sequence[PromptSpec], resources: Iterable[ResourceSpec]) -> Self:
        """Return the arguments of prompts, and of those resources that are templates."""
        templates = (spec.uri for spec in resources if "{" in spec.uri)
        variables = {uri: UriTemplate.parse(uri).variable_names for uri in templates}
        return cls(prompts=prompts, templates=variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An argument whose values are not those of a store.

    Attributes:
        field: The field that its values are shown as.
        values: Returns all of them, given the arguments chosen before.
    """

    field: str
    values: Callable[[Mapping[str, str]], Awaitable[Sequence[str]]]


COMPLETABLE: Final = Completable.of(PROMPTS, RESOURCES)


class ArgumentCompletions:
    """Completions over one store."""

    def __init__(self, store: ReadableStore, completable: Completable = COMPLETABLE) -> None:
        self._store = store
        self._completable = completable

    def complete(
        self,
        ref: Reference,
        argument: CompletionArgument,
        context: CompletionContext | None = None,
    ) -> Completion:
        """Return the values that complete an argument.

        Args:
            ref: The prompt or the resource template.
            argument: The name of the argument, and its value so far.
            context: The arguments chosen before. A status and a backend narrow the ids of tasks,
                and no task is offered twice.

        Raises:
            MCPError: Invalid params: an unknown prompt, template or argument.
        """
        chosen = (context.arguments if context else None) or {}
        _check(ref, argument.name, self._completable)
        match argument.name:
            case "task_id" | "other_task_id":
                return self._tasks(argument, chosen)
            case "backend":
                return self._backends(argument.value)
            case "receipt":
                return self._receipts(argument.value)
            case name:  # a part of a name, or a cursor, which only a page returns
                return _starting_with(_KNOWN.get(name, ()), argument.value)

    def _tasks(self, argument: CompletionArgument, chosen: dict[str, str]) -> Completion:
        status = chosen.get("status", "any")
        among = TaskFilter(
            status=status if status in _STATUSES else "any", backend=chosen.get("backend", "")
        )
        found = self._store.read(
            lambda snapshot: snapshot.complete_id(argument.value, among=among, limit=_MAX_LOOKED_UP)
        )
        others = {chosen.get(name) for name in _TASKS if name != argument.name}
        return _shown(
            found, lambda value: value not in others and _shown_unchanged("task_id", value)
        )

    def _receipts(self, text: str) -> Completion:
        receipts = self._store.cleared_tasks().receipts()
        known = (receipt.receipt_id for receipt in receipts)
        found = _starting_with(filter(_is_shown_receipt, known), text)
        return found.model_copy(update={"values": found.values[:MAX_VALUES]})

    def _backends(self, text: str) -> Completion:
        found = self._store.read(
            lambda snapshot: snapshot.complete_backend(text, limit=_MAX_LOOKED_UP)
        )
        return _shown(found, lambda value: _shown_unchanged("backend", value))


async def complete_argument(
    answering: Answering,
    ref: Reference,
    argument: CompletionArgument,
    context: CompletionContext | None,
    completable: Completable = COMPLETABLE,
    *,
    others: Mapping[str, Listed] | None = None,
) -> Completion:
    """Return the answer to a completion request.

    Args:
        answering: The way to answer from a store.
        ref: The prompt or the resource template.
        argument: The name of the argument, and its value so far.
        context: The arguments chosen before.
        completable: The prompts and templates of the server.
        others: Arguments whose values are not those of a store.
    """

    async def answer() -> Completion:
        listed = (others or {}).get(argument.name)
        if listed is None:
            ask = answering(lambda readable: ArgumentCompletions(readable, completable).complete)
            return await ask(ref, argument, context)
        _check(ref, argument.name, completable)
        known = await listed.values((context.arguments if context else None) or {})
        return _matching(argument.value, known, field=listed.field)

    return await with_request_errors(answer)()


def _check(ref: Reference, name: str, completable: Completable) -> None:
    """Refuse an argument that the prompt or template does not have."""
    if isinstance(ref, PromptReference):
        known = arguments_of(ref.name, completable.prompts)
    elif (variables := completable.templates.get(ref.uri)) is not None:
        known = variables
    else:
        templates = ", ".join(completable.templates)
        raise invalid(f"There is no template {quoted(ref.uri)}. Known are: {templates}")
    if name not in known:
        raise unknown_argument(name, known)


def _shown(found: Completions, may_be_shown: Callable[[str], bool]) -> Completion:
    """Return the first values that may be shown, and the total if the search was complete."""
    values = list(filter(may_be_shown, found.values))
    more = len(values) > MAX_VALUES
    return Completion(
        values=values[:MAX_VALUES],
        total=len(values) if found.whole else None,
        # Beyond the values looked up there may be more, which is unknown here.
        has_more=more if more or found.whole else None,
    )


def _matching(text: str, known: Sequence[str], *, field: str) -> Completion:
    """Return the values that begin with a text, then those with it."""
    beginning = [value for value in known if value.startswith(text)]
    part = text.casefold()
    containing = [value for value in known if part in value.casefold()]
    found = Completions(values=tuple(dict.fromkeys(beginning + containing)), whole=True)
    return _shown(found, lambda value: _shown_unchanged(field, value))


def _starting_with(known: Iterable[str], text: str) -> Completion:
    values = [value for value in known if value.startswith(text)]
    return Completion(values=values, total=len(values), has_more=False)


def _is_shown_receipt(receipt_id: str) -> bool:
    return shown_receipt(receipt_id, Sanitizer()) == receipt_id


def _shown_unchanged(field: str, value: str) -> bool:
    """Return whether a value is shown unchanged; a redacted or cut one would lead nowhere."""
    return Sanitizer().one_line(field, value) == value
