"""The tasks that a watch tracks, and the events between two scans of them.

It tracks all active tasks, the newest ones, and those that a caller names. Changes to other tasks
show in the total only, so that a scan does not read a million of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from uniqc_store.watch.change_log import Key, TaskEvent
from uniqc_store.watch.reader import HIGHEST, LOWEST, WatchReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from uniqc_store.database.connection import Session
    from uniqc_store.database.files import Identity
    from uniqc_store.watch.reader import Fingerprint, SortKey, TrackedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedTasks:
    """The findings of one scan.

    Attributes:
        identity: The file that was read; None if there was none.
        tasks: The tasks by their ids.
        fingerprints: Their fingerprints by their ids.
        updated: Ids whose fingerprint changed since the previous scan, or that it did not track.
        untracked: Ids of tasks of the previous scan that can be forgotten.
        absent: Ids that were asked for and do not exist.
        archived: Ids tracked in the previous scan that do not exist and are in the archive.
        total: Number of all tasks, tracked or not.
        highest_row: The highest rowid.
        complete_above: The sort key (submit time, rowid) above which every task is tracked.
        all_active: Whether every active task is tracked.
    """

    identity: Identity | None
    tasks: Mapping[Key, TrackedTask]
    fingerprints: Mapping[Key, Fingerprint]
    updated: AbstractSet[Key]
    untracked: AbstractSet[Key]
    absent: AbstractSet[Key]
    archived: AbstractSet[Key]
    total: int
    highest_row: int
    complete_above: SortKey
    all_active: bool


NOTHING = TrackedTasks(
    identity=None,
    tasks={},
    fingerprints={},
    updated=frozenset(),
    untracked=frozenset(),
    absent=frozenset(),
    archived=frozenset(),
    total=0,
    highest_row=0,
    complete_above=LOWEST,
    all_active=True,
)
"""The findings before the first scan."""


def scan(
    session: Session,
    before: TrackedTasks,
    *,
    newest: int,
    track: AbstractSet[Key],
    identity: Identity | None,
) -> TrackedTasks:
    """Read the tasks to track as they are now.

    Args:
        session: The state of the file to read.
        before: The findings of the previous scan.
        newest: Number of the newest tasks to track.
        track: Ids of other tasks to track.
        identity: The file that is read.
    """
    reader = WatchReader(session)
    recent = reader.newest(newest)
    active, all_active = reader.active()
    asked = (track | before.tasks.keys()) - (recent.keys() | active.keys())
    found = reader.by_id(asked)
    fingerprints = recent | active | found
    updated = {
        key for key, current in fingerprints.items() if before.fingerprints.get(key) != current
    }
    gone = before.tasks.keys() - fingerprints.keys()
    tasks = {**before.tasks, **reader.details(fingerprints[key] for key in updated)}
    for key in gone:
        del tasks[key]
    total, highest_row = reader.totals()
    return TrackedTasks(
        identity=identity,
        tasks=tasks,
        fingerprints=fingerprints,
        updated=updated,
        untracked=found.keys() - track,
        absent=asked - found.keys(),
        archived=reader.archived(gone),
        total=total,
        highest_row=highest_row,
        complete_above=LOWEST if total == len(tasks) else _lowest(recent, tasks),
        all_active=all_active,
    )


def diff(before: TrackedTasks, now: TrackedTasks) -> list[TaskEvent]:
    """Return the events between two scans, one for each task that certainly changed."""
    events = [
        TaskEvent(
            key=key,
            before=task.state,
            last=task.state,
            is_gone=True,
            archived=key in now.archived,
        )
        for key, task in before.tasks.items()
        if key not in now.tasks
    ]
    for key in now.updated:
        task, previous = now.tasks[key], before.tasks.get(key)
        if previous is None:
            is_new = _is_new(key, task, before, now)
            if is_new or (task.state.active and before.all_active):
                events.append(TaskEvent(key=key, before=None, last=task.state, is_new=is_new))
        elif previous.state != task.state:
            events.append(TaskEvent(key=key, before=previous.state, last=task.state))
    return events


def untracked_delta(before: TrackedTasks, now: TrackedTasks, events: Iterable[TaskEvent]) -> int:
    """Return the change in the number of tasks that the events do not account for."""
    return now.total - before.total - sum(event.is_new - event.is_gone for event in events)


def forget(tracked: TrackedTasks, keys: AbstractSet[Key]) -> TrackedTasks:
    """Return the findings without some of the tasks."""
    if not keys:
        return tracked
    tasks, fingerprints = dict(tracked.tasks), dict(tracked.fingerprints)
    for key in keys:
        del tasks[key], fingerprints[key]
    return replace(tracked, tasks=tasks, fingerprints=fingerprints)


def _lowest(recent: Iterable[Key], tasks: Mapping[Key, TrackedTask]) -> SortKey:
    return min((tasks[key].sort_key for key in recent), default=HIGHEST)


def _is_new(key: Key, task: TrackedTask, before: TrackedTasks, now: TrackedTasks) -> bool:
    """Return whether a task that was not tracked certainly did not exist.

    SQLite numbers rows upwards, so a row above the highest is new. A new task may also get the
    number of a removed one, which says nothing.
    """
    return (
        key in before.absent
        or task.sort_key > before.complete_above
        or (task.row > before.highest_row and now.identity == before.identity)
    )
