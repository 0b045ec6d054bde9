"""One event in a store, as a watch shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from uniqc_store import StoreStatus, TaskState

Kind = Literal["started", "new", "changed", "gone", "store", "trouble"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event in a store.

    Attributes:
        kind: ``started`` occurs once, when the file is first read or found to be missing. Only
            ``trouble`` can precede it.
        at: When the feed noticed it. Aware.
        store_status: The status of the store at that time.
        task: For ``new`` and ``changed``, the task as it is; for ``gone``, as it was last.
        before: The previous status of the task; empty if it is not known.
        archived: True if a task that is gone is in uniqc's archive.
        active: For ``started``, the active tasks, newest first.
        others: For ``store``, tasks added minus tasks removed, without those that have an event.
        problem: For ``trouble``, why the file can't be read.
        errors: Why tasks of the event failed, by their ids, as it is recorded.
        notes: What else is to be said of tasks of the event, by their ids.
        shots: The shots of each circuit of tasks of the event, by their ids, as far as known.
    """

    kind: Kind
    at: datetime
    store_status: StoreStatus
    task: TaskState | None = None
    before: str = ""
    archived: bool = False
    active: tuple[TaskState, ...] = ()
    others: int = 0
    problem: str = ""
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    shots: Mapping[str, int] = field(default_factory=dict[str, int])
