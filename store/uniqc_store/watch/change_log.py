"""What the looks of a watch found, and what that comes to since any of them.

A cursor is a place in one log and good for that log alone: it means the store as it was then.
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
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from uniqc_store.watch.changes import StoreStatus, TaskState

Key = str | bytes | int | float
"""A task's id just as it is stored: normally text, which need not be UTF-8."""

_CURSOR = struct.Struct(">8sQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What one look found of one task.

    Attributes:
        was: As it was; None where it was not there, or isn't known to have been.
        last: As it is, or as it was last where it is gone.
        fresh: Whether it is certain that it was not there.
        gone: Whether it is no longer there.
        archived: See :class:`TaskGone`.
    """

    key: Key
    was: TaskState | None
    last: TaskState
    fresh: bool = False
    gone: bool = False
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What one look found.

    Attributes:
        others: See :class:`Changes`.
        before: How the store was until then.
    """

    events: Sequence[Event]
    others: int
    before: StoreStatus


class ChangeLog:
    """The last looks that found something. Not safe to be used by several threads at once.

    Args:
        most: How many events are kept; the last look's are, however many they are.
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._session = secrets.token_bytes(8)
        self._entries: deque[_Entry] = deque()
        self._end = 0
        self._keys: Counter[Key] = Counter()
        self._size = 0

    @property
    def keys(self) -> AbstractSet[Key]:
        """The tasks that it tells of."""
        return self._keys.keys()

    def append(self, events: Sequence[Event], *, others: int, before: StoreStatus) -> None:
        """Take down what a look found."""
        self._entries.append(_Entry(events=events, others=others, before=before))
        self._end += 1
        self._size += len(events)
        self._keys.update(event.key for event in events)
        while self._size > self._most and len(self._entries) > 1:
            self._drop(self._entries.popleft())

    def since(self, cursor: str, store_status: StoreStatus) -> Changes:
        """What happened from a cursor, or from now where it is empty, until now.

        Raises:
            InvalidValueError: The cursor is none of this log, or the log no longer reaches back
                to it.
        """
        entries = self._entries_from(self._position(cursor) if cursor else self._end)
        before = entries[0].before if entries else store_status
        events = sorted(_joined(entries), key=_age, reverse=True)
        return Changes(
            cursor=self._cursor(),
            new=tuple(event.last for event in events if event.fresh),
            changed=tuple(
                TaskChange(before=event.was, after=event.last)
                for event in events
                if not event.fresh and not event.gone and event.was != event.last
            ),
            gone=tuple(
                TaskGone(before=event.was, last=event.last, archived=event.archived)
                for event in events
                if event.gone
            ),
            others=sum(entry.others for entry in entries),
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
                "is too old: more has changed since than is remembered; leave it out to begin "
                "now, and read the tasks anew",
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
                "is none of this process's: a cursor ends with the process that gave it; leave "
                "it out to begin now, and read the tasks anew",
            )
        return int(position)


def _joined(entries: Iterable[_Entry]) -> list[Event]:
    """One event for each task: from how it was first to how it is now.

    What came and went again is left out.
    """
    joined: dict[Key, Event] = {}
    for entry in entries:
        for event in entry.events:
            first = joined.get(event.key)
            joined[event.key] = replace(event, was=first.was, fresh=first.fresh) if first else event
    return [event for event in joined.values() if not (event.fresh and event.gone)]


def _age(event: Event) -> tuple[str, str]:
    return event.last.submit_time, event.last.task_id
