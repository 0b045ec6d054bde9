"""Who may see whose tasks: everybody their own, and those of a store that its owner shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.database.viewer import NOBODY, Viewer, check_owner

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.database.trips import Rows

_AUDIENCES: Final = "SELECT owner, store_id, audience FROM audience"


def audiences(database: Database) -> Rows:
    """Return each owner, each of their stores, and to whom they show it."""
    return database.ask(NOBODY, (_AUDIENCES, ()))


def viewer_among(found: Rows, owner: str) -> Viewer:
    """Return the tasks that a person may see by what :func:`audiences` returned."""
    shared = {check_owner(owner), *(other for other, _, to in found if to == "lab")}
    hidden = {
        store_id
        for other, store_id, to in found
        if to != "lab" and other != owner and other in shared
    }
    return Viewer(owners=frozenset(shared), hidden_stores=frozenset(hidden))


def viewer_of(database: Database, owner: str) -> Viewer:
    """Return the tasks that a person may see now."""
    return viewer_among(audiences(database), owner)
