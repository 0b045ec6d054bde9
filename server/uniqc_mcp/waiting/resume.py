"""The changes since a cursor that no change log of this process reaches back to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.records.related_rows import records_of
from uniqc_mcp.responses.times import wire_time
from uniqc_mcp.waiting.cursor import ActiveTasks, id_mark, status_mark
from uniqc_store import TaskChange, TaskState, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_mcp.waiting.cursor import WaitCursor
    from uniqc_mcp.waiting.target import WaitTarget
    from uniqc_store import TaskRecord

_MAX_FINISHED: Final = 200
"""The newest finished tasks among which those of a cursor are looked for."""

_STATUSES: Final = ("pending", "running", "QUEUED", "queued", "submitted")
"""Active statuses that are recognised by their mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """The changes since a cursor of another process, told from the tasks as they are now.

    Attributes:
        changes: The tasks that changed status, or that came and finished.
        lost: The number of tasks that were active and of which nothing is known any more.
        uncertain: True if more was active than the cursor tells, and that changed.
        note: What a reader must know of the changes.
    """

    changes: tuple[TaskChange, ...]
    lost: int
    uncertain: bool
    note: str

    @property
    def differs(self) -> bool:
        """True if anything changed."""
        return bool(self.changes) or self.lost > 0 or self.uncertain

    @classmethod
    def read(
        cls,
        snapshot: StoreSnapshot,
        target: WaitTarget,
        cursor: WaitCursor,
        active: Sequence[TaskState],
    ) -> Self:
        """Return the changes of a target since a cursor.

        Args:
            snapshot: The store as it is now.
            target: The tasks to wait for.
            cursor: A cursor of another process, or one that is too old.
            active: The active tasks of the target.
        """
        then = cursor.active
        all_marked = len(then.marks) == then.total
        finished = list(_finished(snapshot, target))
        changes = [
            change
            for change in (
                *(_change(state, cursor) for state in active),
                *(_change(_state_of(record), cursor) for record in finished),
            )
            if change is not None
        ]
        found = {id_mark(state.task_id) for state in active}
        found |= {id_mark(record.task_id) for record in finished}
        same = ActiveTasks.of(active).digest == then.digest
        lost = 0 if same else len(then.marks.keys() - found)
        uncertain = not same and not all_marked
        return cls(
            changes=tuple(changes),
            lost=lost,
            uncertain=uncertain,
            note=_note(cursor, lost=lost, uncertain=uncertain),
        )


def _finished(snapshot: StoreSnapshot, target: WaitTarget) -> Iterator[TaskRecord]:
    """Yield the finished tasks of a target, the newest ones of a filter."""
    if target.task_ids:
        yield from (
            record
            for record in records_of(snapshot, target.task_ids)
            if record.finished and record.archived_at is None
        )
    else:
        yield from snapshot.search(target.finished_filter, limit=_MAX_FINISHED).records


def _change(state: TaskState, cursor: WaitCursor) -> TaskChange | None:
    """Return the change of one task since a cursor; None if it did not change."""
    marked = cursor.active.marks.get(id_mark(state.task_id))
    if marked is not None:
        if marked == status_mark(state.status):
            return None
        return TaskChange(before=_state_before(state, marked), after=state)
    if state.active:  # as in other waits, a new active task is no change
        return None
    all_marked = len(cursor.active.marks) == cursor.active.total
    # Where the cursor tells of each active task, only one that came later can have finished.
    time = parse_time(state.submit_time if all_marked else state.update_time)
    return TaskChange(before=None, after=state) if time and time.timestamp() > cursor.at else None


def _state_before(state: TaskState, marked: int) -> TaskState | None:
    for status in _STATUSES:
        if status_mark(status) == marked:
            return TaskState(
                task_id=state.task_id,
                backend=state.backend,
                name=state.name,
                status=status,
                active=True,
                submit_time=state.submit_time,
                update_time="",
            )
    return None


def _state_of(record: TaskRecord) -> TaskState:
    return TaskState(
        task_id=record.task_id,
        backend=record.backend,
        name=record.name,
        status=record.status,
        active=False,
        submit_time=record.submit_time,
        update_time=record.update_time,
    )


def _note(cursor: WaitCursor, *, lost: int, uncertain: bool) -> str:
    try:
        since = f" at {wire_time(datetime.fromtimestamp(cursor.at, UTC))}"
    except (OverflowError, ValueError, OSError):
        since = ""
    note = (
        f"The cursor was given{since} by another process of this server, or is older than its log: "
        "changes since are told from the tasks as they are now."
    )
    if lost:
        note += (
            f" Of the tasks active then, {lost} are not among these: removed, archived, very old, "
            "or of another wait."
        )
    if uncertain:
        note += " More were active then than the cursor tells, and not all of these are the same."
    return note
