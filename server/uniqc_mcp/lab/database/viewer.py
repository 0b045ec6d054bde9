"""The person who asks, as the tasks that they may see."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from uniqc_store import InvalidValueError

SEPARATOR: Final = "\n"
"""Between the names of a list in a setting; no name of an owner has it."""

MAX_OWNER_BYTES = 200
"""The longest name of an owner. It begins the keys of all tables."""


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """The tasks that a person may see. There is no default: without an owner there are none.

    Attributes:
        owners: The owners whose tasks are visible.
        hidden_stores: Ids of stores of these owners that stay invisible, since an owner may share
            one machine and not another.
    """

    owners: frozenset[str]
    hidden_stores: frozenset[str] = field(default=frozenset())

    def __post_init__(self) -> None:
        """Check the names."""
        for owner in self.owners:
            check_owner(owner)

    @cached_property
    def owners_setting(self) -> str:
        """The owners as the policies of the tables read them."""
        return SEPARATOR.join(sorted(self.owners))

    @cached_property
    def hidden_setting(self) -> str:
        """The hidden stores as the policies of the tables read them."""
        return SEPARATOR.join(sorted(self.hidden_stores))


NOBODY: Final = Viewer(owners=frozenset())
"""The viewer of no task, for what is asked of tables without tasks."""


def check_owner(owner: str) -> str:
    """Return the name of an owner.

    Raises:
        InvalidValueError: It is empty, too long, or has what nobody sees: characters that are not
            printed, or spaces at an end.
    """
    is_seen = owner.isprintable() and owner == owner.strip()
    if not owner or not is_seen or len(owner.encode()) > MAX_OWNER_BYTES:
        raise InvalidValueError(
            "owner",
            f"must be 1 to {MAX_OWNER_BYTES} bytes of printable text that no space begins or "
            f"ends, not {owner!r}",
        )
    return owner
