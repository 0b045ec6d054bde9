"""The log of what the scans of a watch found, and the changes since a place in it.

A cursor is a place in one log, and is valid for that log only.
"""

from __future__ import annotations

import base64
import secrets
import struct
from collections import Counter, deque
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from uniqc_store.errors import InvalidValueError
from uniqc_store.watch.changes import Changes, TaskChange, TaskGone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from uniqc_store.watch.changes import StoreStatus, TaskState

Key = str | bytes | int | float
"""A task's id as it is stored: normally text, which need not be valid UTF-8."""

_CURSOR = struct.Struct(">8sQ")
"""The session of the log, and the number of its entries so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent:
    """A change of one task between two scans.

    Attributes:
        before: Its state before; None if it is new, or if that state is unknown.
        last: Its last known state.
        is_new: Whether it certainly did not exist before.
        is_gone: Whether it was removed.
        archived: Whether uniqc's archive has it, if it was removed.
    """

    key: Key
    before: TaskState | None
    last: TaskState
    is_new: bool = False
    is_gone: bool = False
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """The findings of one scan.

    Attributes:
        untracked_delta: See :class:`Changes`.
        status_before: The store as a whole before the scan.
    """

    events: Sequence[TaskEvent]
    untracked_delta: int
    status_before: StoreStatus


class ChangeLog:
    """The findings of the last scans. Not safe for use by several threads at once.

    Args:
        max_events: Most events that are kept. Those of the last scan are always kept.
    """

    def __init__(self, *, max_events: int) -> None:
        """Make an empty log."""
        self._max_events = max_events
        self._session = secrets.token_bytes(8)
        self._entries: deque[_Entry] = deque()
        self._end = 0
        self._keys: Counter[Key] = Counter()
        self._size = 0

    @property
    def keys(self) -> AbstractSet[Key]:
        """The tasks that have an event in the log."""
        return self._keys.keys()

    def append(
        self, events: Sequence[TaskEvent], *, untracked_delta: int, before: StoreStatus
    ) -> None:
        """Add the findings of a scan.

        Args:
            events: Its events, at most one for each task.
            untracked_delta: See :class:`Changes`.
            before: The store as a whole before the scan.
        """
        self._entries.append(
            _Entry(events=events, untracked_delta=untracked_delta, status_before=before)
        )
        self._end += 1
        self._size += len(events)
        self._keys.update(event.key for event in events)
        while self._size > self._max_events and len(self._entries) > 1:
            self._drop(self._entries.popleft())

    def forget(self, is_forgotten: Callable[[Key], bool]) -> None:
        """Remove the events of some tasks; cursors stay valid."""
        for number, entry in enumerate(self._entries):
            kept = [event for event in entry.events if not is_forgotten(event.key)]
            if len(kept) < len(entry.events):
                self._drop(entry)
                self._entries[number] = replace(entry, events=kept)
                self._size += len(kept)
                self._keys.update(event.key for event in kept)

    def since(self, cursor: str, store_status: StoreStatus) -> Changes:
        """Return the changes from a cursor until now; no changes for an empty cursor.

        Args:
            cursor: The cursor of an earlier answer, or an empty text.
            store_status: The store as a whole now.

        Raises:
            InvalidValueError: The cursor is not one of this log, or the log no longer reaches
                back to it.
        """
        entries = self._entries_from(self._position(cursor) if cursor else self._end)
        before = entries[0].status_before if entries else store_status
        events = sorted(_merged(entries), key=_submitted, reverse=True)
        return Changes(
            cursor=self._cursor(),
            new=tuple(event.last for event in events if event.is_new),
            changed=tuple(
                TaskChange(before=event.before, after=event.last)
                for event in events
                if not event.is_new and not event.is_gone and event.before != event.last
            ),
            gone=tuple(
                TaskGone(before=event.before, last=event.last, archived=event.archived)
                for event in events
                if event.is_gone
            ),
            untracked_delta=sum(entry.untracked_delta for entry in entries),
            file_changed=not store_status.same_file_state(before),
            store_status=store_status,
        )

    def _drop(self, entry: _Entry) -> None:
        self._size -= len(entry.events)
        self._keys.subtract(event.key for event in entry.events)
        for event in entry.events:
            if not self._keys[event.key]:
                del self._keys[event.key]

    def _entries_from(self, position: int) -> list[_Entry]:
        begin = self._end - len(self._entries)
        if position < begin:
            raise InvalidValueError(
                "cursor",
                "is too old: more has changed since than is kept; leave it out to begin now, and "
                "read the tasks again",
            )
        return list(islice(self._entries, position - begin, None))

    def _cursor(self) -> str:
        packed = _CURSOR.pack(self._session, self._end)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    def _position(self, cursor: str) -> int:
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            session, position = _CURSOR.unpack(base64.b64decode(padded, b"-_", validate=True))
        except (ValueError, struct.error):
            session, position = b"", 0
        if session != self._session or position > self._end:
            raise InvalidValueError(
                "cursor",
                "is not from this process: a cursor ends with the process that gave it; leave "
                "it out to begin now, and read the tasks again",
            )
        return int(position)


def _merged(entries: Iterable[_Entry]) -> list[TaskEvent]:
    """Return one event for each task, from its first state to its last.

    A task that was added and removed again is left out.
    """
    merged: dict[Key, TaskEvent] = {}
    for entry in entries:
        for event in entry.events:
            if first := merged.get(event.key):
                merged[event.key] = replace(event, before=first.before, is_new=first.is_new)
            else:
                merged[event.key] = event
    return [event for event in merged.values() if not (event.is_new and event.is_gone)]


def _submitted(event: TaskEvent) -> tuple[str, str]:
    return event.last.submit_time, event.last.task_id
