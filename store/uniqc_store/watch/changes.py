"""The changes that a watch reports, and the status of the store as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from uniqc_store.errors import StoreError
    from uniqc_store.snapshot import StoreState


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """The reported fields of a task, as readable text whatever is stored.

    Attributes:
        name: ``metadata.task_name``; empty if the submitter gave none.
        active: Whether the stored status passes the filter ``active``.
        owner: As of :class:`TaskRecord`.
        machine: As of :class:`TaskRecord`.

    The other attributes are those of :class:`TaskInfo`.
    """

    task_id: str
    backend: str
    name: str
    status: str
    active: bool
    submit_time: str
    update_time: str
    owner: str = ""
    machine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """A task that existed before and exists now, with another state.

    Attributes:
        before: Its state before; None if unknown, for an old task that is active again.
        after: Its state now.
    """

    before: TaskState | None
    after: TaskState

    @property
    def state(self) -> TaskState:
        """Its last known state."""
        return self.after

    @property
    def status_changed(self) -> bool:
        """True if its status is another one, or the one before is unknown."""
        return self.before is None or self.before.status != self.after.status


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskGone:
    """A task that was removed.

    Attributes:
        before: Its state before the changes; None if unknown.
        last: Its last known state, which may be a later one.
        archived: Whether uniqc's archive has it.
    """

    before: TaskState | None
    last: TaskState
    archived: bool

    @property
    def state(self) -> TaskState:
        """Its last known state."""
        return self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """The store as a whole, as the last read found it.

    Attributes:
        store: The file that was read; None before the first successful read.
        total: Its number of tasks.
        read_at: Time of that read. Aware.
        trouble: Error of the last attempt to read; the other attributes are then older.
        viewer_changes: How often it has changed whose tasks are watched, in a store of several
            people.
    """

    store: StoreState | None = None
    total: int = 0
    read_at: datetime | None = None
    trouble: StoreError | None = None
    viewer_changes: int = 0

    def same_file_state(self, other: StoreStatus) -> bool:
        """Return whether existence, schema, readability and viewer are the same in both."""
        mine = (self.store, repr(self.trouble), self.viewer_changes)
        return mine == (other.store, repr(other.trouble), other.viewer_changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Changes since a cursor. Each task is in at most one of the lists, newest first.

    Attributes:
        cursor: Cursor for the next call.
        new: Tasks that were added.
        changed: Tasks that were saved again, or deleted and saved again, with another state.
        gone: Tasks that were removed.
        untracked_delta: Change in the number of all other tasks.
        file_changed: Whether the file appeared or disappeared, has another schema, or became
            readable or unreadable, or others' tasks are watched.
        store_status: The store as a whole now.
    """

    cursor: str
    new: tuple[TaskState, ...]
    changed: tuple[TaskChange, ...]
    gone: tuple[TaskGone, ...]
    untracked_delta: int
    file_changed: bool
    store_status: StoreStatus

    @property
    def states(self) -> tuple[TaskState, ...]:
        """The last known state of every task in the lists."""
        changed = (change.after for change in self.changed)
        return (*self.new, *changed, *(gone.last for gone in self.gone))

    @property
    def task_ids(self) -> frozenset[str]:
        """The ids of the tasks in the lists."""
        return frozenset(state.task_id for state in self.states)

    @property
    def store_changed(self) -> bool:
        """True if anything changed."""
        return bool(self.states) or self.untracked_delta != 0 or self.file_changed

    @property
    def active_changed(self) -> bool:
        """True if a list of the active tasks changed."""
        before = [change.before for change in self.changed]
        before += [gone.before for gone in self.gone]
        now = (*self.new, *(change.after for change in self.changed))
        return any(state is not None and state.active for state in (*before, *now))
