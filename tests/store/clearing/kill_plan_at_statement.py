"""Keep a plan, or take and commit one, and kill this process before the nth SQL statement.

    python -m tests.store.clearing.kill_plan_at_statement DIRECTORY {keep,commit} N [PLAN_ID]

``keep`` prints the id of the plan. The exit code is 0 if the operation needs fewer statements.
"""

import sqlite3
import sys
from typing import Any

from tests.store.clearing.kill_at_statement import CountingConnection

from uniqc_store import TaskFilter, TaskStore


def main() -> None:
    directory, operation, statements, *plan_ids = sys.argv[1:]
    store = TaskStore(directory)
    plans = store.pending_plans()
    plan = store.plan_clear(TaskFilter())

    connect = sqlite3.connect

    def connect_and_count(*arguments: Any, **options: Any) -> sqlite3.Connection:
        return connect(*arguments, factory=CountingConnection, **options)

    sqlite3.connect = connect_and_count  # type: ignore[assignment]
    CountingConnection.left = int(statements)
    if operation == "keep":
        print(plans.add(plan, asks_user=False).plan_id)  # noqa: T201 - for the test
    else:
        taken = plans.take(plan_ids[0])
        if taken is None:
            raise SystemExit("there is no such plan")
        store.clear(taken.plan)


if __name__ == "__main__":
    main()
