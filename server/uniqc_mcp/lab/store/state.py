"""The state of a scope: its machines, and a text that differs for every other state.

Whoever writes tasks raises the revision of their store in the same transaction. So what was
computed from a state holds as long as every store in sight has the revision that it had then.

The time at which a machine was heard from is in the text too. Answers tell it, and after an older
backup was restored, the same revisions may stand for other tasks.
"""

from __future__ import annotations

from datetime import UTC
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from uniqc_store import Machine, StoreState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from uniqc_mcp.lab.database.trips import Rows, Statement
    from uniqc_mcp.lab.store.scope import Scope

WHERE: Final = "the laboratory's shared store"
"""The place of its tasks, in words."""

_REVISION: Final = (
    "store.owner",
    "store.store_id",
    "CAST(store.revision AS text)",
    "CAST(store.heard_at AS text)",
)
_OF_A_STORE, _OF_STORES = "\x1f", "\x1e"
_ORDER: Final = "store.owner, store.store_id"


def stores_of(scope: Scope) -> Statement:
    """Return the statement for the stores of a scope, from which the state follows."""
    where = scope.conditions("store")
    columns = f"store.machine, store.heard_at, store.schema_version, {', '.join(_REVISION)}"
    return f"SELECT {columns} FROM store WHERE {where.sql} ORDER BY {_ORDER}", where.parameters


def revisions_of(scope: Scope) -> Statement:
    """Return the statement for the text of :func:`revisions_in` alone.

    One text for 500 stores takes a third of the time that their rows take.
    """
    where = scope.conditions("store")
    text = f" || chr({ord(_OF_A_STORE)}) || ".join(_REVISION)
    statement = f"""
        SELECT string_agg({text}, chr({ord(_OF_STORES)}) ORDER BY {_ORDER})
        FROM store WHERE {where.sql}
    """
    return statement, where.parameters


def revisions_in(rows: Rows) -> str:
    """Return the text that tells the state in rows of :func:`stores_of` from every other one."""
    return _OF_STORES.join(_OF_A_STORE.join(row[3:]) for row in rows)


def state_in(rows: Rows) -> StoreState:
    """Return the state in rows of :func:`stores_of`."""
    return store_state((row[3], *row[:3]) for row in rows)


def store_state(stores: Iterable[Sequence[Any]]) -> StoreState:
    """Return the shared store, whose schema is the newest of all files in it.

    Args:
        stores: Of each its owner, the name of its machine, when that was heard from, its schema.
    """
    stores = list(stores)
    machines = [
        Machine(owner=owner, name=machine, heard_at=heard_at.astimezone(UTC))
        for owner, machine, heard_at, _ in stores
    ]
    return StoreState(
        path=Path(),
        where=WHERE,
        exists=True,
        schema_version=max((schema for *_, schema in stores), default=0),
        machines=tuple(sorted(machines, key=attrgetter("heard_at", "owner", "name"), reverse=True)),
    )
