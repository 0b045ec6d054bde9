"""A pool of connections that counts what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.protocol.threads import call_is_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_mcp.lab.database.trips import Rows, Statement
    from uniqc_mcp.lab.database.viewer import Viewer


class Counted(Database):
    """A pool that counts what is asked of it."""

    def __init__(self, address: str, **settings: Any) -> None:
        super().__init__(address, should_stop=call_is_cancelled, **settings)
        self.asked: list[Statement] = []
        self.readings: list[Statement] = []

    def ask(self, viewer: Viewer, statement: Statement) -> Rows:
        self.asked.append(statement)
        return super().ask(viewer, statement)

    def read_after(self, viewer: Viewer, first: Statement, work: Callable[..., Any]) -> Any:
        self.readings.append(first)
        return super().read_after(viewer, first, work)
