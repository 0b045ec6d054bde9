"""The task store of UnifiedQuantum (``uniqc``): its API and its file, with reads that scale.

    >>> from uniqc_store import TaskFilter, TaskStore
    >>> store = TaskStore(read_only=True)  # ~/.uniqc/cache/tasks.sqlite
    >>> store.search(TaskFilter(status="active"), limit=10).total  # doctest: +SKIP
    3

It needs the standard library only.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from uniqc_store.clearing.policy import ClearPolicy
from uniqc_store.database.files import CLEARED_FILENAME
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
from uniqc_store.rows import parse_json
from uniqc_store.snapshot import Group, Snapshot, StoreState
from uniqc_store.store import DB_FILENAME, DEFAULT_CACHE_DIR, TaskStore
from uniqc_store.tasks import (
    TERMINAL_STATUSES,
    UNIQC_ID,
    JsonValue,
    TaskInfo,
    TaskRecord,
    TaskShard,
    TaskStatus,
    assume_local,
    parse_time,
)

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
    from uniqc_store.clearing.restore import UndoResult
    from uniqc_store.clearing.selected_copies import MAX_LEFTOVERS, Leftover
    from uniqc_store.watch.changes import Changes, StoreStatus, TaskChange, TaskGone, TaskState
    from uniqc_store.watch.task_watch import TaskWatch

__all__ = [
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
    "TaskChange",
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
    "parse_json",
    "parse_time",
]

_LAZY = {
    "Changes": "watch.changes",
    "StoreStatus": "watch.changes",
    "TaskChange": "watch.changes",
    "TaskGone": "watch.changes",
    "TaskState": "watch.changes",
    "TaskWatch": "watch.task_watch",
    "Receipt": "clearing.backup",
    "MAX_PENDING_PLANS": "clearing.pending",
    "MAX_PLANNED_ROWS": "clearing.pending",
    "PLAN_LIFETIME": "clearing.pending",
    "PendingPlan": "clearing.pending",
    "PendingPlans": "clearing.pending",
    "ClearPlan": "clearing.plan",
    "ClearResult": "clearing.commit",
    "ClearedPage": "clearing.copies",
    "ClearedTasks": "clearing.copies",
    "ClearedMatch": "clearing.copy_lookup",
    "Reason": "clearing.plan",
    "UndoResult": "clearing.restore",
    "MAX_LEFTOVERS": "clearing.selected_copies",
    "Leftover": "clearing.selected_copies",
}
"""Names whose modules are imported on first use, with those modules.

A start without them takes 0.03 s less, 0.3 of the time to import the rest of this package. Compare
``python -X importtime`` of ``import uniqc_store`` with that of these modules.
"""

if not TYPE_CHECKING:  # a type checker would otherwise accept any name

    def __getattr__(name: str) -> object:
        """Import one of the lazy names (PEP 562)."""
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
