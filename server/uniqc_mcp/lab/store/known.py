"""What a watch knows of the tasks of its viewer, and what a scan changes in that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from uniqc_mcp.lab.store import revisions
from uniqc_store import TaskEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uniqc_mcp.lab.database.viewer import Viewer
    from uniqc_mcp.lab.store.revisions import ChangedTask, Scan
    from uniqc_store import TaskState


@dataclass(slots=True)
class Known:
    """The tasks whose state is known, as of the last scan.

    Attributes:
        revisions: The revision of each store.
        states: The states by the keys of the tasks: the active ones, the newest, and all that
            changed since or were asked for.
        all_active: Whether every active task is among them.
        total: The number of all live tasks.
        viewer: Whose tasks these are.
    """

    revisions: dict[tuple[str, str], int]
    states: dict[str, TaskState]
    all_active: bool
    total: int
    viewer: Viewer
    asked: set[str] = field(default_factory=set[str])


def compared(known: Known | None, scan: Scan) -> tuple[list[TaskEvent], int]:
    """Return the events between two scans, and the change in the number of all other tasks."""
    if known is None:
        return [], 0
    found = (_event(known, one) for one in scan.changed)
    events = [event for event in found if event is not None]
    counted = sum(event.is_new - event.is_gone for event in events)
    return events, scan.total - known.total - counted


def _event(known: Known, changed: ChangedTask) -> TaskEvent | None:
    """Return the event of a changed task; None if nothing of it shows."""
    before = known.states.get(changed.key)
    if changed.is_gone:
        if changed.is_new:  # it came and went between two scans
            return None
        return TaskEvent(
            key=changed.key,
            before=before,
            last=before or changed.state,
            is_gone=True,
            archived=changed.archived,
        )
    if changed.is_new:
        return TaskEvent(key=changed.key, before=None, last=changed.state, is_new=True)
    if before is None:
        # An old finished task that is active again. Of others, the state before is not known.
        is_told = changed.state.active and known.all_active
        return TaskEvent(key=changed.key, before=None, last=changed.state) if is_told else None
    if before == changed.state:
        return None
    return TaskEvent(key=changed.key, before=before, last=changed.state)


def hidden(known: Known | None, scan: Scan) -> tuple[str, ...]:
    """Return how the keys begin of the tasks that are no longer in sight."""
    gone = () if known is None else known.revisions.keys() - scan.revisions.keys()
    return tuple(revisions.key_prefix(*place) for place in gone)


def after(
    known: Known | None,
    scan: Scan,
    tracked: set[str],
    *,
    keep: Iterable[object],
    viewer: Viewer,
) -> Known:
    """Return what is known after a scan; finished tasks that nobody asks for are forgotten."""
    states = dict(known.states) if known is not None and scan.newest is None else {}
    if unseen := hidden(known, scan):
        states = {key: one for key, one in states.items() if not key.startswith(unseen)}
    states |= scan.newest or {}
    for one in scan.changed:
        if one.is_gone:
            states.pop(one.key, None)
        else:
            states[one.key] = one.state
    states |= scan.asked
    if len(states) > revisions.MAX_KNOWN:
        kept = set(keep)
        states = {
            key: state
            for key, state in states.items()
            if state.active or state.task_id in tracked or key in kept
        }
    return Known(
        revisions=scan.revisions,
        states=states,
        all_active=known.all_active if known and scan.newest is None else scan.all_active,
        total=scan.total,
        asked=tracked,
        viewer=viewer,
    )
