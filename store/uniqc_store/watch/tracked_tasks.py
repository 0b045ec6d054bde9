"""What a watch knows of the tasks, and how what it knew before differs from that.

It knows all active tasks, the newest ones, and those it was told to follow: what others do is
told by their number alone, without reading a million of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from uniqc_store.watch.change_log import Event, Key
from uniqc_store.watch.reader import AFTER_ALL, BEFORE_ALL, WatchReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from uniqc_store.database.connection import Session
    from uniqc_store.database.files import Identity
    from uniqc_store.watch.reader import KnownTask, Mark, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedTasks:
    """What one look saw.

    Attributes:
        identity: Of the file; None where there was none.
        tasks: By their ids.
        marks: Theirs.
        touched: Those of them that are not marked as before, or were not known.
        slipped: Those of them that were known before and are to be known no longer.
        absent: Ids that were asked for and are not there.
        archived: Ids that were known before, are not there, and are in the archive.
        total: How many tasks there are, known or not.
        last_row: The greatest row.
        bottom: The place above which every task is known.
        all_active: Whether every active task is known.
    """

    identity: Identity | None
    tasks: Mapping[Key, KnownTask]
    marks: Mapping[Key, Mark]
    touched: AbstractSet[Key]
    untracked: AbstractSet[Key]
    absent: AbstractSet[Key]
    archived: AbstractSet[Key]
    total: int
    last_row: int
    bottom: Place
    all_active: bool


NOTHING = TrackedTasks(
    identity=None,
    tasks={},
    marks={},
    touched=frozenset(),
    untracked=frozenset(),
    absent=frozenset(),
    archived=frozenset(),
    total=0,
    last_row=0,
    bottom=BEFORE_ALL,
    all_active=True,
)


def scan(
    session: Session,
    before: TrackedTasks,
    *,
    newest: int,
    track: AbstractSet[Key],
    identity: Identity | None,
) -> TrackedTasks:
    """See how the tasks are now.

    Args:
        before: What the look before this one saw.
        newest: How many of the newest tasks are known.
        follow: Ids of other tasks that are.
        identity: Of the file, as it is about to be read.
    """
    reader = WatchReader(session)
    recent = reader.newest(newest)
    active, all_active = reader.active()
    marks = recent | active
    asked = (track | before.tasks.keys()) - marks.keys()
    found = reader.by_id(asked)
    marks |= found
    touched = {key for key, mark in marks.items() if before.marks.get(key) != mark}
    gone = before.tasks.keys() - marks.keys()
    tasks = {**before.tasks, **reader.told(marks[key] for key in touched)}
    for key in gone:
        del tasks[key]
    total, last_row = reader.totals()
    return TrackedTasks(
        identity=identity,
        tasks=tasks,
        marks=marks,
        touched=touched,
        untracked=found.keys() - track,
        absent=asked - found.keys(),
        archived=reader.archived(gone),
        total=total,
        last_row=last_row,
        bottom=BEFORE_ALL if total == len(tasks) else _last_place(recent, tasks),
        all_active=all_active,
    )


def diff(before: TrackedTasks, now: TrackedTasks) -> list[Event]:
    """What happened to tasks between two looks, as far as it is known."""
    events = [
        Event(key=key, was=task.state, last=task.state, gone=True, archived=key in now.archived)
        for key, task in before.tasks.items()
        if key not in now.tasks
    ]
    for key in now.touched:
        task, known = now.tasks[key], before.tasks.get(key)
        if known is None:
            fresh = _is_fresh(key, task, before, now)
            if fresh or (task.state.active and before.all_active):
                events.append(Event(key=key, was=None, last=task.state, fresh=fresh))
        elif known.state != task.state:
            events.append(Event(key=key, was=known.state, last=task.state))
    return events


def others(before: TrackedTasks, now: TrackedTasks, events: Iterable[Event]) -> int:
    """How many tasks more came than went, beyond those of the events."""
    return now.total - before.total - sum(event.fresh - event.gone for event in events)


def forget(known: TrackedTasks, keys: AbstractSet[Key]) -> TrackedTasks:
    """The same without some tasks."""
    if not keys:
        return known
    tasks, marks = dict(known.tasks), dict(known.marks)
    for key in keys:
        del tasks[key], marks[key]
    return replace(known, tasks=tasks, marks=marks)


def _last_place(recent: Iterable[Key], tasks: Mapping[Key, KnownTask]) -> Place:
    return min((tasks[key].place for key in recent), default=AFTER_ALL)


def _is_fresh(key: Key, task: KnownTask, before: TrackedTasks, now: TrackedTasks) -> bool:
    """Whether a task that was not known was certainly not there.

    Rows are numbered upwards, so that one beyond the last was not there; but not all that
    were not there are beyond it, as the numbers of removed rows are given anew.
    """
    return (
        key in before.absent
        or task.place > before.bottom
        or (task.row > before.last_row and now.identity == before.identity)
    )
