"""Run a clear or an undo, and kill this process before the nth SQL statement.

    python -m tests.store.clearing.kill_at_statement DIRECTORY {clear,undo,"undo in part"} N

An undo in part puts back every other task. The exit code is 0 if the operation needs fewer
statements.
"""

import os
import signal
import sqlite3
import sys
from typing import Any

from uniqc_store import Receipt, TaskFilter, TaskStore


class CountingConnection(sqlite3.Connection):
    """Count the statements of all connections, and kill this process at the limit."""

    left = -1

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        self._count()
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        self._count()
        return super().executemany(*arguments)

    @classmethod
    def _count(cls) -> None:
        if cls.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        cls.left -= 1


def kill_before_statement(number: int) -> None:
    """Kill this process before so many statements of connections that are opened from now on."""
    connect = sqlite3.connect

    def connect_and_count(*arguments: Any, **options: Any) -> sqlite3.Connection:
        return connect(*arguments, factory=CountingConnection, **options)

    sqlite3.connect = connect_and_count  # type: ignore[assignment]
    CountingConnection.left = number


def main(arguments: list[str]) -> None:
    directory, operation, statements = arguments
    store = TaskStore(directory)
    plan = store.plan_clear(TaskFilter())
    chosen = [(receipt.receipt_id, some_ids(store, receipt)) for receipt in store.receipts()]
    kill_before_statement(int(statements))
    if operation == "clear":
        store.clear(plan)
    for receipt_id, task_ids in [] if operation == "clear" else chosen:
        store.undo_clear(receipt_id, task_ids=task_ids if operation == "undo in part" else ())


def some_ids(store: TaskStore, receipt: Receipt) -> list[str]:
    """Return the ids of every other task of a receipt."""
    page = store.cleared_tasks().page(receipt.receipt_id, limit=receipt.held)
    return [record.task_id for record in page.records[::2]]


if __name__ == "__main__":
    main(sys.argv[1:])
