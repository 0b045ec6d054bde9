"""Clears, or undoes, and kills itself before the nth SQL statement of that.

    python dies_at.py DIRECTORY {clear,undo} N

Exits with 0 where it came through with fewer statements.
"""

import os
import signal
import sqlite3
import sys
from typing import Any

from uniqc_store import TaskFilter, TaskStore


class MortalConnection(sqlite3.Connection):
    """Counts the statements of all connections; the last one allowed is its last."""

    left = -1

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        self._live_on()
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        self._live_on()
        return super().executemany(*arguments)

    @classmethod
    def _live_on(cls) -> None:
        if cls.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        cls.left -= 1


def main() -> None:
    directory, what, statements = sys.argv[1:]
    store = TaskStore(directory)
    plan = store.plan_clear(TaskFilter())
    receipts = store.receipts()

    connect = sqlite3.connect

    def connect_mortally(*arguments: Any, **options: Any) -> sqlite3.Connection:
        return connect(*arguments, factory=MortalConnection, **options)

    sqlite3.connect = connect_mortally  # type: ignore[assignment]
    MortalConnection.left = int(statements)
    if what == "clear":
        store.clear(plan)
    else:
        for receipt in receipts:
            store.undo_clear(receipt.receipt_id)


if __name__ == "__main__":
    main()
