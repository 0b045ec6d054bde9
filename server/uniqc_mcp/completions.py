"""What a client offers while somebody types an argument or a part of an address."""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, get_args

from mcp.shared.uri_template import UriTemplate
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from uniqc_mcp.prompts import arguments_of
from uniqc_mcp.protocol.errors import invalid, unknown_argument, with_request_errors
from uniqc_mcp.protocol.threads import try_inline_then_thread
from uniqc_mcp.resources import RESOURCES
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.filters import Status
from uniqc_mcp.tasks.models import MAX_ID
from uniqc_store import Completions, TaskFilter, TaskStore

Reference: TypeAlias = PromptReference | ResourceTemplateReference

MAX_VALUES: Final = 100
"""Values that the protocol lets be offered."""

_LOOKED_AT: Final = 2 * MAX_VALUES
"""Some of them may not be shown."""

_MAX_BACKEND: Final = 120
_STATUSES: Final[tuple[str, ...]] = get_args(Status)
_LIMITS: Final = ("10", "20", "50", "100")
_TASKS: Final = ("task_id", "other_task_id")
_TEMPLATES: Final = {
    spec.uri: UriTemplate.parse(spec.uri).variable_names for spec in RESOURCES if "{" in spec.uri
}


class ArgumentCompletions:
    """What the arguments of prompts and the variables of resource templates may be."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store

    def complete(
        self,
        ref: Reference,
        argument: CompletionArgument,
        context: CompletionContext | None = None,
    ) -> Completion:
        """What an argument may be completed to.

        Args:
            ref: What it is an argument of.
            argument: Its name, and what there is of it.
            context: Those that are chosen already: a status and a backend narrow ids of tasks,
                and a task is not offered twice.
        """
        chosen = (context.arguments if context else None) or {}
        _check(ref, argument.name)
        match argument.name:
            case "task_id" | "other_task_id":
                return self._tasks(argument, chosen)
            case "backend":
                return self._backends(argument.value)
            case "status":
                return _beginning(_STATUSES, argument.value)
            case "limit":
                return _beginning(_LIMITS, argument.value)
            case _:  # a cursor: only a page tells one
                return _beginning((), argument.value)

    def _tasks(self, argument: CompletionArgument, chosen: dict[str, str]) -> Completion:
        status = chosen.get("status", "any")
        among = TaskFilter(
            status=status if status in _STATUSES else "any", backend=chosen.get("backend", "")
        )
        found = self._store.read(
            lambda snapshot: snapshot.complete_id(argument.value, among=among, limit=_LOOKED_AT)
        )
        others = {chosen.get(name) for name in _TASKS if name != argument.name}
        return _shown(found, lambda value: value not in others and _as_it_is(value, MAX_ID))

    def _backends(self, text: str) -> Completion:
        found = self._store.read(lambda snapshot: snapshot.complete_backend(text, limit=_LOOKED_AT))
        return _shown(found, lambda value: _as_it_is(value, _MAX_BACKEND))


async def complete_argument(
    store: TaskStore,
    ref: Reference,
    argument: CompletionArgument,
    context: CompletionContext | None,
) -> Completion:
    """Answer a request for completions."""
    answer = try_inline_then_thread(store, lambda readable: ArgumentCompletions(readable).complete)
    return await with_request_errors(answer)(ref, argument, context)


def _check(ref: Reference, name: str) -> None:
    """Refuse an argument of nothing."""
    if isinstance(ref, PromptReference):
        known = arguments_of(ref.name)
    elif (variables := _TEMPLATES.get(ref.uri)) is not None:
        known = variables
    else:
        raise invalid(f"There is no template {quoted(ref.uri)}. Known are: {', '.join(_TEMPLATES)}")
    if name not in known:
        raise unknown_argument(name, known)


def _shown(found: Completions, fit: Callable[[str], bool]) -> Completion:
    """Of what was found, the first that may be shown; the total only if all of it was found."""
    values = list(filter(fit, found.values))
    more = len(values) > MAX_VALUES
    return Completion(
        values=values[:MAX_VALUES],
        total=len(values) if found.whole else None,
        # Beyond what was looked at there may be others or not.
        has_more=more if more or found.whole else None,
    )


def _beginning(known: Iterable[str], text: str) -> Completion:
    values = [value for value in known if value.startswith(text)]
    return Completion(values=values, total=len(values), has_more=False)


def _as_it_is(value: str, limit: int) -> bool:
    """Whether it may be shown as it stands. Of another one, what is shown leads nowhere."""
    return Sanitizer().one_line("value", value, limit=limit) == value
