"""The calls that each client makes; imported by the programs beside it."""

TOOLS = {
    "list_tasks",
    "get_task",
    "count_tasks",
    "wait_for_tasks",
    "clear_tasks",
    "undo_clear",
}

GOOD = (
    ("list_tasks", {}),
    ("list_tasks", {"status": "any", "limit": 3}),
    ("list_tasks", {"status": "any", "limit": 3.0, "cursor": "", "backend": None}),
    ("count_tasks", {"group_by": "status_backend"}),
    ("wait_for_tasks", {"timeout_seconds": 1}),
    ("clear_tasks", {}),
)
"""Calls that are answered."""

BAD = (
    ("list_tasks", {"statuses": "failed"}, "no argument"),
    ("list_tasks", {"limit": 1000}, "at most 100"),
    ("list_tasks", {"status": "done"}, "must be one of"),
    ("get_task", {"task_id": "nosuchtask"}, "No task has the id"),
    ("undo_clear", {"receipt": "nosuchreceipt"}, "receipt"),
)
"""Calls that are refused, and a part of the reason."""

RESOURCES = ("uniqc://store", "uniqc://tasks/active", "uniqc://tasks?status=failed&limit=2")


def check(condition, *about):
    """End the program with 1 unless a condition holds."""
    if not condition:
        raise SystemExit(f"wrong: {about}")
