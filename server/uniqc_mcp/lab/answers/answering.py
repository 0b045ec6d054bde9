"""Functions that answer whoever asks from what that person may see."""

from __future__ import annotations

import inspect
from functools import partial, wraps
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec, TypeVar

import anyio.to_thread
from pydantic import Field

from uniqc_mcp.lab.access.requester import NoRequesterError, requesting_owner
from uniqc_mcp.lab.answers.stores import EVERYTHING, Selection, check_selection
from uniqc_mcp.protocol.signatures import set_signature

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from uniqc_mcp.lab.answers.stores import LabStores
    from uniqc_mcp.questions.store import ReadableStore

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

OwnerFilter = Annotated[str, Field(description="One person's tasks only.")]
StoreFilter = Annotated[
    str, Field(description="Those of one machine only, by its name or the store's id.")
]

SELECTION = ("owner", "store")
"""The arguments by which a call selects a part of what its requester may see."""


class NobodysStore:
    """The store of nobody, which stands for a requester's where only signatures are read."""

    def read(self, question: object) -> NoReturn:
        """Refuse."""
        raise NoRequesterError("nobody asks")

    def nonblocking(self) -> NoReturn:
        """Refuse."""
        raise NoRequesterError("nobody asks")

    def cleared_tasks(self) -> NoReturn:
        """Refuse."""
        raise NoRequesterError("nobody asks")

    @property
    def may_have_cleared(self) -> bool:
        """False, as a laboratory's server keeps no copies of cleared tasks."""
        return False


class RequesterAnswering:
    """A way to answer each request from what its requester may see.

    The requester is read once a request, before a thread begins, and given on as a value.

    Args:
        stores: The stores of the laboratory.
    """

    def __init__(self, stores: LabStores) -> None:
        self._stores = stores

    def __call__(
        self, bind: Callable[[ReadableStore], Callable[Parameters, Result]], /
    ) -> Callable[Parameters, Awaitable[Result]]:
        """Return a function that answers from all that the requester may see."""
        template = bind(NOBODY)

        @wraps(template)
        async def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            return await self._stores.ask(
                requesting_owner(), lambda store: bind(store)(*args, **kwargs)
            )

        set_signature(call, inspect.signature(template))
        return call

    def selecting(
        self, bind: Callable[[ReadableStore, str], Callable[..., Result]], *, texts: bool = False
    ) -> Callable[..., Awaitable[Result]]:
        """Return a function with the arguments of :data:`SELECTION` beside its own.

        Args:
            bind: Returns the function over a store, and words for whose tasks it has.
            texts: Whether the arguments are parts of an address, and have no description.
        """
        template = bind(NOBODY, "")

        @wraps(template)
        async def call(*, owner: str = "", store: str = "", **kwargs: Any) -> Result:
            requester, selection = requesting_owner(), Selection(owner=owner, store=store)
            if selection == EVERYTHING:
                return await self._stores.ask(requester, lambda store: bind(store, "")(**kwargs))
            return await anyio.to_thread.run_sync(
                partial(self._answer, bind, requester, selection, kwargs)
            )

        set_signature(call, with_selection(inspect.signature(template), texts=texts))
        return call

    def _answer(
        self,
        bind: Callable[[ReadableStore, str], Callable[..., Result]],
        requester: str,
        selection: Selection,
        arguments: dict[str, Any],
    ) -> Result:
        check_selection(self._stores, requester, selection)
        store = self._stores.store(requester, selection)
        return bind(store, selection.words)(**arguments)


NOBODY: ReadableStore = NobodysStore()


def with_selection(
    signature: inspect.Signature, *, texts: bool = False, names: Sequence[str] = SELECTION
) -> inspect.Signature:
    """Return a signature with the arguments by which a call selects owners and machines."""
    hints = {"owner": str, "store": str} if texts else {"owner": OwnerFilter, "store": StoreFilter}
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default="", annotation=hints[name])
        for name in names
    ]
    return signature.replace(parameters=[*signature.parameters.values(), *added])
