"""What a watch tells: tasks as they were and as they are, and the store as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from uniqc_store.errors import StoreError
    from uniqc_store.snapshot import StoreState


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """What is told of a task, as readable text whatever is stored.

    Attributes:
        name: ``metadata.task_name``, empty where the submitter gave none.
        active: Whether it is not finished; by what is stored, as filters have it.

    The others are those of :class:`TaskInfo`.
    """

    task_id: str
    backend: str
    name: str
    status: str
    active: bool
    submit_time: str
    update_time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """A task that is there before and after, and not the same.

    Attributes:
        before: As it was; None where that isn't known: an old task that is active again.
        after: As it is.
    """

    before: TaskState | None
    after: TaskState

    @property
    def state(self) -> TaskState:
        """As it is known last."""
        return self.after

    @property
    def status_changed(self) -> bool:
        return self.before is None or self.before.status != self.after.status


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskGone:
    """A task that is no longer among the tasks.

    Attributes:
        before: As in :class:`TaskChange`.
        last: As it was last, which may be later.
        archived: Whether uniqc has it in its archive.
    """

    before: TaskState | None
    last: TaskState
    archived: bool

    @property
    def state(self) -> TaskState:
        """As it is known last."""
        return self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """How the store as a whole is, as far as is known.

    Attributes:
        store: Which file was read; None where none could be yet.
        total: How many tasks it had.
        read_at: When it was read. Aware.
        trouble: Why it can't be read now; the others are then what was known before.
    """

    store: StoreState | None = None
    total: int = 0
    read_at: datetime | None = None
    trouble: StoreError | None = None

    def same_file_state(self, other: StoreStatus) -> bool:
        """Whether the file is there, of its schema and readable just as in the other."""
        return (self.store, repr(self.trouble)) == (other.store, repr(other.trouble))


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed since a cursor. Each task is in at most one of the three, newest first.

    Attributes:
        cursor: For the next call.
        new: Tasks that were saved since.
        changed: Tasks that were saved again, or deleted and saved again, with another status,
            update time or anything else that is told of them.
        gone: Tasks that were removed.
        others: How many tasks more came than went, beyond those three.
        file_changed: Whether the file came or went, is of another schema, or became readable
            or unreadable.
        standing: How the store as a whole is now.
    """

    cursor: str
    new: tuple[TaskState, ...]
    changed: tuple[TaskChange, ...]
    gone: tuple[TaskGone, ...]
    others: int
    file_changed: bool
    store_status: StoreStatus

    @property
    def states(self) -> tuple[TaskState, ...]:
        """Every task of the three, as it is or as it was last."""
        changed = (change.after for change in self.changed)
        return (*self.new, *changed, *(gone.last for gone in self.gone))

    @property
    def task_ids(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(state.task_id for state in self.states)

    @property
    def store_changed(self) -> bool:
        """Whether there is anything new to say of the store as a whole."""
        return bool(self.states) or self.others != 0 or self.file_changed

    @property
    def active_changed(self) -> bool:
        """Whether a list of the active tasks would be another one."""
        before = [change.before for change in self.changed]
        before += [gone.before for gone in self.gone]
        now = (*self.new, *(change.after for change in self.changed))
        return any(state is not None and state.active for state in (*before, *now))
