"""What the server asks of a laboratory's stores, whichever database has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from uniqc_mcp.errors import InvalidArgumentError
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uniqc_mcp.questions.store import ReadableStore, StoreWatch

Answer = TypeVar("Answer")

_MAX_NAMED = 20
"""Owners or machines that an error names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The part of what a requester may see that a call is about.

    Attributes:
        owner: One person; empty for all.
        store: One machine's store, by its id or the machine's name; empty for all.
    """

    owner: str = ""
    store: str = ""

    @property
    def words(self) -> str:
        """The selection as the end of a phrase, with a space before it; empty for everything."""
        sanitizer = Sanitizer()
        owner = f" of {quoted(sanitizer.one_line('owner', self.owner))}" if self.owner else ""
        store = f" from {quoted(sanitizer.one_line('machine', self.store))}" if self.store else ""
        return f"{owner}{store}"


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStore:
    """One person's store on one machine."""

    owner: str
    store_id: str
    machine: str


class LabStores(Protocol):
    """The stores of a laboratory. Each question names who asks it; there is no default."""

    def visible(self, requester: str) -> Sequence[SharedStore]:
        """Return the stores that a person may see, their own included."""
        ...

    def store(self, requester: str, selection: Selection) -> ReadableStore:
        """Return what a person may see as one store, or a part of that."""
        ...

    async def ask(self, requester: str, question: Callable[[ReadableStore], Answer]) -> Answer:
        """Return the answer to a question about all that a person may see.

        The question may be asked more than once, on the event loop too: first of a store that has
        what is kept, and raises an error where that does not suffice.
        """
        ...

    def watch(self, requester: str, selection: Selection) -> StoreWatch:
        """Return a watch on the same."""
        ...


def check_selection(stores: LabStores, requester: str, selection: Selection) -> None:
    """Refuse an owner or a machine that the requester may not see, as one that does not exist.

    Raises:
        InvalidArgumentError: The message names those that there are.
    """
    if selection == EVERYTHING:
        return
    visible = stores.visible(requester)
    owners = {one.owner for one in visible}
    if selection.owner and selection.owner not in owners:
        raise InvalidArgumentError(
            f"owner {quoted(selection.owner)} is nobody whose tasks you may see. "
            f"There are: {_named(owners)}."
        )
    stores_left = [one for one in visible if selection.owner in ("", one.owner)]
    machines = {one.machine for one in stores_left}
    if selection.store not in {"", *machines, *(one.store_id for one in stores_left)}:
        raise InvalidArgumentError(
            f"store {quoted(selection.store)} is no machine that tasks you may see come from. "
            f"There are: {_named(machines)}."
        )


def _named(names: set[str]) -> str:
    shown = ", ".join(map(quoted, sorted(names)[:_MAX_NAMED]))
    more = len(names) - _MAX_NAMED
    return f"{shown} and {more} more" if more > 0 else shown or "none"
