"""Filters of tasks, and cursors into their pages."""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from uniqc_store.errors import InvalidValueError
from uniqc_store.tasks import TERMINAL_STATUSES, assume_local, parse_time
from uniqc_store.validation import text

if TYPE_CHECKING:
    from datetime import datetime

Column = Literal["status", "backend"]
"""An indexed column of labels. uniqc's files also have an index on the submit time."""

Label: TypeAlias = "str | bytes | int | float | None"
"""A status or a backend as SQLite returns it. A file may hold a value of any type."""

ANY = "any"
"""The status of a filter that every task passes."""

ACTIVE = "active"
"""The status of a filter that a task passes unless it is finished."""

FINISHED = "finished"
"""The status of a filter that a task passes with one of ``TERMINAL_STATUSES``."""

_CURSOR = struct.Struct(">4sqq?")
"""Head of a cursor: fingerprint of the filter, rowid, tasks up to here, whether the time is text.

The bytes of the time follow.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Conditions that a task passes or not. A field left at its default passes every task.

    ``query.conditions`` says the same in SQL. A property-based test in ``tests/store`` holds that
    both pass the same tasks.

    Attributes:
        status: ``any``; ``finished`` for success, failed and cancelled; ``active`` for all
            others, unknown ones included; or one status exactly.
        backend: A whole label (``originq:WK_C180``), or the platform before its first colon.
        submitted_after: The earliest submit time that passes. Aware.
        submitted_before: The earliest submit time that no longer passes. Aware.
        name_contains: A part of ``metadata.task_name``, compared without case.

    Raises:
        InvalidValueError: A time without a time zone, or a text that UTF-8 cannot encode.
    """

    status: str = ANY
    backend: str = ""
    submitted_after: datetime | None = None
    submitted_before: datetime | None = None
    name_contains: str = ""

    def __post_init__(self) -> None:
        """Check the fields."""
        for field in ("status", "backend", "name_contains"):
            text(field, getattr(self, field))
        for field in ("submitted_after", "submitted_before"):
            moment: datetime | None = getattr(self, field)
            if moment is not None and moment.tzinfo is None:
                raise InvalidValueError(field, "needs a time zone")

    def matches(self, *, status: Label, backend: Label, name: str, submit_time: Label) -> bool:
        """Return whether a task passes.

        Args:
            status: As SQLite returns it.
            backend: As SQLite returns it.
            name: ``metadata.task_name``; empty if the task has none.
            submit_time: Text as ``rows.readable`` returns it, or a stored value of another type.
        """
        return (
            self.matches_status(status)
            and self.matches_backend(backend)
            and self.matches_name(name)
            and self.matches_submit_time(submit_time)
        )

    def matches_status(self, status: Label) -> bool:
        """Return whether a status passes.

        A status that is not text is active, except NULL, which is neither active nor finished.
        """
        if self.status == ACTIVE:
            return status is not None and status not in TERMINAL_STATUSES
        if self.status == FINISHED:
            return status in TERMINAL_STATUSES
        return self.status in (ANY, status)

    def matches_backend(self, backend: Label) -> bool:
        """Return whether a backend passes: the label itself, or one of the platform."""
        if not self.backend or backend == self.backend:
            return True
        platform = f"{self.backend}:"
        return ":" not in self.backend and isinstance(backend, str) and backend.startswith(platform)

    def matches_name(self, name: str) -> bool:
        """Return whether a name passes, which is empty if the task has none."""
        return self.name_contains.casefold() in name.casefold()

    def matches_submit_time(self, submit_time: Label) -> bool:
        """Return whether a submit time passes; a naive one counts as local time.

        A value that is not a time passes only a filter without times.
        """
        if not self.by_time:
            return True
        moment = parse_time(submit_time) if isinstance(submit_time, str) else None
        if moment is None:
            return False
        submitted = assume_local(moment)
        after, before = self.submitted_after, self.submitted_before
        return (after is None or submitted >= after) and (before is None or submitted < before)

    @property
    def by_time(self) -> bool:
        """True if the submit time decides."""
        return self.submitted_after is not None or self.submitted_before is not None

    @property
    def by_label(self) -> bool:
        """True if the status or the backend decides."""
        return self.status != ANY or bool(self.backend)

    @property
    def only_by_label(self) -> bool:
        """True if nothing but the status and the backend decides."""
        return not self.by_time and not self.name_contains

    @property
    def is_simple(self) -> bool:
        """True if at most one label decides, so that one index has the exact count."""
        return self.only_by_label and (self.status == ANY or not self.backend)

    def names_one(self, column: Column) -> bool:
        """Return whether at most one label of the column passes."""
        if column == "status":
            return self.status not in {ANY, ACTIVE, FINISHED}
        return ":" in self.backend

    @property
    def fingerprint(self) -> bytes:
        """Four bytes that differ for another filter.

        Of the times, only their presence counts: "since 7 days ago" moves between two pages.
        """
        after, before = self.submitted_after is not None, self.submitted_before is not None
        fields = (self.status, self.backend, self.name_contains, after, before)
        return hashlib.sha256(repr(fields).encode()).digest()[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The last task of a page; the next page begins after it.

    Attributes:
        time: The stored bytes of its submit time.
        is_text: Whether they are stored as text. A BLOB sorts after every text.
        rowid: Its rowid.
        seen: Number of tasks on the pages up to here.
    """

    time: bytes
    is_text: bool
    rowid: int
    seen: int

    def encode(self, task_filter: TaskFilter) -> str:
        """Return opaque text, valid with the filter of the page and no other."""
        head = _CURSOR.pack(task_filter.fingerprint, self.rowid, self.seen, self.is_text)
        return base64.urlsafe_b64encode(head + self.time).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, task_filter: TaskFilter) -> Self:
        """Return the cursor that :meth:`encode` made text of.

        Raises:
            InvalidValueError: It is not a cursor, or it belongs to another filter.
        """
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            fingerprint, rowid, seen, is_text = _CURSOR.unpack_from(packed)
        except (ValueError, struct.error):
            raise InvalidValueError(
                "cursor", "is not one that a page returned; leave it out for the first page"
            ) from None
        if fingerprint != task_filter.fingerprint:
            raise InvalidValueError(
                "cursor", "belongs to other filters; repeat the filters of the page it came from"
            )
        return cls(time=packed[_CURSOR.size :], is_text=is_text, rowid=rowid, seen=seen)
