"""The task store of UnifiedQuantum (``uniqc``): its API and its file, with reads that scale.

    >>> from uniqc_store import TaskFilter, TaskStore
    >>> store = TaskStore(read_only=True)  # ~/.uniqc/cache/tasks.sqlite
    >>> store.search(TaskFilter(status="active"), limit=10).total  # doctest: +SKIP
    3

It needs the standard library only.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uniqc_store.clearing.backup import Receipt
    from uniqc_store.clearing.commit import ClearResult
    from uniqc_store.clearing.copies import ClearedPage, ClearedTasks
    from uniqc_store.clearing.copy_lookup import ClearedMatch
    from uniqc_store.clearing.pending import (
        MAX_PENDING_PLANS,
        MAX_PLANNED_ROWS,
        PLAN_LIFETIME,
        PendingPlan,
        PendingPlans,
    )
    from uniqc_store.clearing.plan import ClearPlan, Reason
    from uniqc_store.clearing.policy import ClearPolicy
    from uniqc_store.clearing.restore import UndoResult
    from uniqc_store.clearing.selected_copies import MAX_LEFTOVERS, Leftover
    from uniqc_store.cursors import decode_cursor, encode_cursor
    from uniqc_store.database.files import CLEARED_FILENAME, DEFAULT_CACHE_DIR
    from uniqc_store.database.integrity import Integrity
    from uniqc_store.database.schema import (
        APPLICATION_ID,
        CURRENT_SCHEMA_VERSION,
        MIGRATIONS,
        NEWEST_RELEASED_SCHEMA,
    )
    from uniqc_store.errors import (
        AmbiguousIdError,
        InterruptedReadError,
        InvalidValueError,
        PlanAlteredError,
        ReadOnlyStoreError,
        RestoreError,
        StoreBusyError,
        StoreDamagedError,
        StoreError,
        StoreFileError,
        StoreForeignError,
        StoreFullError,
        StoreMissingError,
        StoreNewerError,
        StoreUnreadableError,
        StoreUnsafeError,
        StoreUnwritableError,
        UnknownReceiptError,
        WouldBlockError,
    )
    from uniqc_store.filters import Archived, Column, Order, TaskFilter
    from uniqc_store.query.completion import Completions
    from uniqc_store.query.lookup import MAX_MATCHES, SHORTEST_PREFIX, Match, Matches
    from uniqc_store.query.measures import Measures
    from uniqc_store.query.pages import Page
    from uniqc_store.query.stored import StoredJob, StoredTask, StoredValue
    from uniqc_store.rows import parse_json
    from uniqc_store.snapshot import Group, Machine, Snapshot, StoreState
    from uniqc_store.store import DB_FILENAME, TaskStore
    from uniqc_store.tasks import (
        AFTER_EVERY_DIGIT,
        TERMINAL_STATUSES,
        UNIQC_ID,
        JsonValue,
        TaskInfo,
        TaskRecord,
        TaskShard,
        TaskStatus,
        assume_local,
        parse_time,
        text_after,
        text_before,
    )
    from uniqc_store.watch.change_log import ChangeLog, TaskEvent
    from uniqc_store.watch.changes import Changes, StoreStatus, TaskChange, TaskGone, TaskState
    from uniqc_store.watch.task_watch import TaskWatch

__all__ = [
    "AFTER_EVERY_DIGIT",
    "APPLICATION_ID",
    "CLEARED_FILENAME",
    "CURRENT_SCHEMA_VERSION",
    "DB_FILENAME",
    "DEFAULT_CACHE_DIR",
    "MAX_LEFTOVERS",
    "MAX_MATCHES",
    "MAX_PENDING_PLANS",
    "MAX_PLANNED_ROWS",
    "MIGRATIONS",
    "NEWEST_RELEASED_SCHEMA",
    "PLAN_LIFETIME",
    "SHORTEST_PREFIX",
    "TERMINAL_STATUSES",
    "UNIQC_ID",
    "AmbiguousIdError",
    "Archived",
    "ChangeLog",
    "Changes",
    "ClearPlan",
    "ClearPolicy",
    "ClearResult",
    "ClearedMatch",
    "ClearedPage",
    "ClearedTasks",
    "Column",
    "Completions",
    "Group",
    "Integrity",
    "InterruptedReadError",
    "InvalidValueError",
    "JsonValue",
    "Leftover",
    "Machine",
    "Match",
    "Matches",
    "Measures",
    "Order",
    "Page",
    "PendingPlan",
    "PendingPlans",
    "PlanAlteredError",
    "ReadOnlyStoreError",
    "Reason",
    "Receipt",
    "RestoreError",
    "Snapshot",
    "StoreBusyError",
    "StoreDamagedError",
    "StoreError",
    "StoreFileError",
    "StoreForeignError",
    "StoreFullError",
    "StoreMissingError",
    "StoreNewerError",
    "StoreState",
    "StoreStatus",
    "StoreUnreadableError",
    "StoreUnsafeError",
    "StoreUnwritableError",
    "StoredJob",
    "StoredTask",
    "StoredValue",
    "TaskChange",
    "TaskEvent",
    "TaskFilter",
    "TaskGone",
    "TaskInfo",
    "TaskRecord",
    "TaskShard",
    "TaskState",
    "TaskStatus",
    "TaskStore",
    "TaskWatch",
    "UndoResult",
    "UnknownReceiptError",
    "WouldBlockError",
    "assume_local",
    "decode_cursor",
    "encode_cursor",
    "parse_json",
    "parse_time",
    "text_after",
    "text_before",
]

_MODULES = {
    "AFTER_EVERY_DIGIT": "tasks",
    "APPLICATION_ID": "database.schema",
    "CLEARED_FILENAME": "database.files",
    "CURRENT_SCHEMA_VERSION": "database.schema",
    "DB_FILENAME": "store",
    "DEFAULT_CACHE_DIR": "database.files",
    "MAX_LEFTOVERS": "clearing.selected_copies",
    "MAX_MATCHES": "query.lookup",
    "MAX_PENDING_PLANS": "clearing.pending",
    "MAX_PLANNED_ROWS": "clearing.pending",
    "MIGRATIONS": "database.schema",
    "NEWEST_RELEASED_SCHEMA": "database.schema",
    "PLAN_LIFETIME": "clearing.pending",
    "SHORTEST_PREFIX": "query.lookup",
    "TERMINAL_STATUSES": "tasks",
    "UNIQC_ID": "tasks",
    "AmbiguousIdError": "errors",
    "Archived": "filters",
    "ChangeLog": "watch.change_log",
    "Changes": "watch.changes",
    "ClearPlan": "clearing.plan",
    "ClearPolicy": "clearing.policy",
    "ClearResult": "clearing.commit",
    "ClearedMatch": "clearing.copy_lookup",
    "ClearedPage": "clearing.copies",
    "ClearedTasks": "clearing.copies",
    "Column": "filters",
    "Completions": "query.completion",
    "Group": "snapshot",
    "Integrity": "database.integrity",
    "InterruptedReadError": "errors",
    "InvalidValueError": "errors",
    "JsonValue": "tasks",
    "Leftover": "clearing.selected_copies",
    "Machine": "snapshot",
    "Match": "query.lookup",
    "Matches": "query.lookup",
    "Measures": "query.measures",
    "Order": "filters",
    "Page": "query.pages",
    "PendingPlan": "clearing.pending",
    "PendingPlans": "clearing.pending",
    "PlanAlteredError": "errors",
    "ReadOnlyStoreError": "errors",
    "Reason": "clearing.plan",
    "Receipt": "clearing.backup",
    "RestoreError": "errors",
    "Snapshot": "snapshot",
    "StoreBusyError": "errors",
    "StoreDamagedError": "errors",
    "StoreError": "errors",
    "StoreFileError": "errors",
    "StoreForeignError": "errors",
    "StoreFullError": "errors",
    "StoreMissingError": "errors",
    "StoreNewerError": "errors",
    "StoreState": "snapshot",
    "StoreStatus": "watch.changes",
    "StoreUnreadableError": "errors",
    "StoreUnsafeError": "errors",
    "StoreUnwritableError": "errors",
    "StoredJob": "query.stored",
    "StoredTask": "query.stored",
    "StoredValue": "query.stored",
    "TaskChange": "watch.changes",
    "TaskEvent": "watch.change_log",
    "TaskFilter": "filters",
    "TaskGone": "watch.changes",
    "TaskInfo": "tasks",
    "TaskRecord": "tasks",
    "TaskShard": "tasks",
    "TaskState": "watch.changes",
    "TaskStatus": "tasks",
    "TaskStore": "store",
    "TaskWatch": "watch.task_watch",
    "UndoResult": "clearing.restore",
    "UnknownReceiptError": "errors",
    "WouldBlockError": "errors",
    "assume_local": "tasks",
    "decode_cursor": "cursors",
    "encode_cursor": "cursors",
    "parse_json": "rows",
    "parse_time": "tasks",
    "text_after": "tasks",
    "text_before": "tasks",
}
"""The module of each public name, imported on first use.

A server that nobody asks anything needs four of them, and the others take 0.1 s to import.
"""

if not TYPE_CHECKING:  # a type checker would otherwise accept any name

    def __getattr__(name: str) -> object:
        """Import a public name (PEP 562), and keep it."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value
