"""The number of stores that one member may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.database import statements
from uniqc_mcp.lab.errors import LabRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import Connection

MAX_STORES: Final = 100
"""Most stores of one member, unless the operator says otherwise."""


def check_number_of_stores(
    connection: Connection[Any], place: Mapping[str, object], most: int
) -> None:
    """Refuse a store that its owner has too many others of.

    Each of them is read four times a second while somebody waits for tasks. So this is asked of a
    store without a task only: one that is in use goes on.

    Raises:
        LabRefusedError: The message says what to do.
    """
    found = connection.execute(statements.OTHER_STORES, place).fetchone()
    if found is None or found[0] < most:
        return
    raise LabRefusedError(
        f"{place['owner']} shares {found[0]:,} stores already, and a member may have {most:,} "
        "here. Each cache directory is one, and so is each removed state of share. The operator "
        "can allow more: uniqc-mcp lab serve --max-stores"
    )
