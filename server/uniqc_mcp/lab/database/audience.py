"""Who may see whose tasks: everybody their own, and those of a store that its owner shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.database.viewer import Viewer, check_owner

if TYPE_CHECKING:
    from psycopg import Connection

    from uniqc_mcp.lab.database.pool import Database

_NOBODY: Final = Viewer(owners=frozenset())
_AUDIENCES: Final = "SELECT owner, store_id, audience FROM audience"


def viewer_of(database: Database, owner: str) -> Viewer:
    """Return the tasks that a person may see now."""

    def ask(connection: Connection[Any]) -> Viewer:
        found = connection.execute(_AUDIENCES).fetchall()
        shared = {check_owner(owner), *(other for other, _, to in found if to == "lab")}
        hidden = {
            store_id
            for other, store_id, to in found
            if to != "lab" and other != owner and other in shared
        }
        return Viewer(owners=frozenset(shared), hidden_stores=frozenset(hidden))

    return database.read(_NOBODY, ask)
