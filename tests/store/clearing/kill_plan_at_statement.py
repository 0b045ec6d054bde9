"""Keep a plan, or take and commit one, and kill this process before the nth SQL statement.

    python -m tests.store.clearing.kill_plan_at_statement DIRECTORY {keep,commit} N [PLAN_ID]

``keep`` prints the id of the plan. The exit code is 0 if the operation needs fewer statements.
"""

import sys

from tests.store.clearing.kill_at_statement import kill_before_statement

from uniqc_store import TaskFilter, TaskStore


def main(arguments: list[str]) -> None:
    directory, operation, statements, *plan_ids = arguments
    store = TaskStore(directory)
    plans = store.pending_plans()
    plan = store.plan_clear(TaskFilter())
    kill_before_statement(int(statements))
    if operation == "keep":
        print(plans.add(plan, asks_user=False).plan_id)  # noqa: T201 - for the test
    else:
        taken = plans.take(plan_ids[0])
        if taken is None:
            raise SystemExit("there is no such plan")
        store.clear(taken.plan)


if __name__ == "__main__":
    main(sys.argv[1:])
