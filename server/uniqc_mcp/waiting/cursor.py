"""The cursor of a wait, which another process of this server can read too.

A client may start a process for each call, and a change log ends with its process. So beside its
place in the log, a cursor has the time, and the active tasks of the wait as far as they fit.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from uniqc_store import TaskState

MAX_MARKED: Final = 12
"""Active tasks of which a cursor tells the status, so that it has some 130 characters at most."""

_HEAD: Final = struct.Struct(">dI8s")
_MARK: Final = struct.Struct(">4sB")
_SEPARATOR: Final = "."
_BAD_CURSOR: Final = (
    "The cursor is not one that wait_for_tasks gave. Leave cursor out to wait from now on; "
    "list_tasks and get_task tell what has become of the tasks meanwhile."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveTasks:
    """The active tasks of a wait at one moment, in few bytes.

    Attributes:
        total: Their number.
        digest: Equal for equal tasks with equal statuses.
        marks: A byte for the status of each of the newest, by a hash of its id.
    """

    total: int
    digest: bytes
    marks: Mapping[bytes, int]

    @classmethod
    def of(cls, states: Iterable[TaskState]) -> Self:
        """Return the tasks in these states."""
        newest_first = sorted(
            states, key=lambda state: (state.submit_time, state.task_id), reverse=True
        )
        digest = hashlib.blake2b(digest_size=8)
        for state in newest_first:
            digest.update(repr((state.task_id, state.status)).encode("utf-8", "backslashreplace"))
        return cls(
            total=len(newest_first),
            digest=digest.digest(),
            marks={
                id_mark(state.task_id): status_mark(state.status)
                for state in newest_first[:MAX_MARKED]
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitCursor:
    """The end of one wait, at which the next one begins.

    Attributes:
        place: The cursor in the change log of the process that gave it.
        at: The time, in seconds since 1970.
        active: The tasks that were active.
    """

    place: str
    at: float
    active: ActiveTasks

    def encode(self) -> str:
        """Return the cursor as text."""
        head = _HEAD.pack(self.at, self.active.total, self.active.digest)
        marks = b"".join(_MARK.pack(key, status) for key, status in self.active.marks.items())
        return f"{self.place}{_SEPARATOR}{base64.urlsafe_b64encode(head + marks).decode()}"

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return the cursor in a text.

        Raises:
            InvalidArgumentError: The text is none.
        """
        place, separator, packed = text.rpartition(_SEPARATOR)
        try:
            stored = base64.b64decode(packed, b"-_", validate=True)
            at, total, digest = _HEAD.unpack_from(stored)
            marks = dict(_MARK.iter_unpack(stored[_HEAD.size :]))
        except (ValueError, struct.error):
            raise InvalidArgumentError(_BAD_CURSOR) from None
        if not separator or not math.isfinite(at) or len(marks) > total:
            raise InvalidArgumentError(_BAD_CURSOR)
        return cls(place=place, at=at, active=ActiveTasks(total=total, digest=digest, marks=marks))


def id_mark(task_id: str) -> bytes:
    """Return the key of a task's mark."""
    return _hashed(task_id, 4)


def status_mark(status: str) -> int:
    """Return the mark of a status."""
    return _hashed(status, 1)[0]


def _hashed(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=size).digest()
