"""Which tasks a question is about, and where the next page of them begins."""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from uniqc_store.errors import InvalidValueError
from uniqc_store.tasks import TERMINAL_STATUSES
from uniqc_store.validation import text

if TYPE_CHECKING:
    from datetime import datetime

Column = Literal["status", "backend"]
"""What uniqc's files have an index of, beside the submit time."""

Label: TypeAlias = "str | bytes | int | float | None"
"""A status or a backend as SQLite hands it over, whatever was stored."""

_PACKED = struct.Struct(">4sqq?")
"""Of a cursor: the filter's fingerprint, the row, how many tasks are on the pages so far, and
whether the time is text; then the time."""

ANY = "any"
ACTIVE = "active"
FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """What a task has to be like. A field left alone lets every task through.

    Attributes:
        status: ``any``; ``finished`` for success, failed and cancelled; ``active`` for all
            others, unknown ones included; or one status exactly.
        backend: A whole label (``originq:WK_C180``), or the platform before its first colon.
        submitted_after: The first moment that counts. Aware.
        submitted_before: The first moment that no longer counts. Aware.
        name_contains: Part of ``metadata.task_name``, in any case.

    Raises:
        InvalidValueError: A moment without a time zone, or a text that could not be stored.
    """

    status: str = ANY
    backend: str = ""
    submitted_after: datetime | None = None
    submitted_before: datetime | None = None
    name_contains: str = ""

    def __post_init__(self) -> None:
        for name in ("status", "backend", "name_contains"):
            text(name, getattr(self, name))
        for name in ("submitted_after", "submitted_before"):
            moment: datetime | None = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise InvalidValueError(name, "needs a time zone")

    @property
    def by_time(self) -> bool:
        return self.submitted_after is not None or self.submitted_before is not None

    @property
    def by_label(self) -> bool:
        return self.status != ANY or bool(self.backend)

    @property
    def is_simple(self) -> bool:
        """Whether one label decides, or nothing: an index then tells how many there are."""
        return self.only_by_label and (self.status == ANY or not self.backend)

    @property
    def only_by_label(self) -> bool:
        """Whether status and backend decide alone."""
        return not self.by_time and not self.name_contains

    def names_one(self, column: Column) -> bool:
        """Whether it lets through just one label of a column."""
        if column == "status":
            return self.status not in {ANY, ACTIVE, FINISHED}
        return ":" in self.backend

    def lets_label_through(self, status: Label, backend: Label) -> bool:
        """Whether a task with these, as SQLite hands them over, is let through but for the rest.

        The same as the conditions in SQL say: a BLOB is no finished status, NULL is none at all.
        """
        return self.lets_status(status) and self.is_on(backend)

    def is_on(self, backend: Label) -> bool:
        """Whether a backend is the one that is meant, or one of the platform that is."""
        if not self.backend or backend == self.backend:
            return True
        platform = f"{self.backend}:"
        return ":" not in self.backend and isinstance(backend, str) and backend.startswith(platform)

    def lets_status(self, status: Label) -> bool:
        """Whether a status is the one that is meant, or one of those."""
        if self.status == ACTIVE:
            return status is not None and status not in TERMINAL_STATUSES
        if self.status == FINISHED:
            return status in TERMINAL_STATUSES
        return self.status in (ANY, status)

    @property
    def fingerprint(self) -> bytes:
        """Four bytes, others for another filter.

        Only whether there are times counts: "since 7 days ago" moves on between two pages.
        """
        after, before = self.submitted_after is not None, self.submitted_before is not None
        said = (self.status, self.backend, self.name_contains, after, before)
        return hashlib.sha256(repr(said).encode()).digest()[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The last task of a page; the next page begins after it.

    Attributes:
        time: Its submit time, as the bytes that are stored.
        is_text: Whether they are stored as text. A BLOB sorts after every text.
        rowid: Its row.
        seen: How many tasks are on the pages up to here.
    """

    time: bytes
    is_text: bool
    rowid: int
    seen: int

    def encode(self, task_filter: TaskFilter) -> str:
        """Opaque text, good for the filter that made the page and for no other."""
        said = _PACKED.pack(task_filter.fingerprint, self.rowid, self.seen, self.is_text)
        packed = said + self.time
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, task_filter: TaskFilter) -> Self:
        """The reverse of :meth:`encode`.

        Raises:
            InvalidValueError: It is no cursor of ours, or one of another filter.
        """
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            fingerprint, rowid, seen, is_text = _PACKED.unpack_from(packed)
        except (ValueError, struct.error):
            raise InvalidValueError(
                "cursor", "is not one that a page returned; leave it out for the first page"
            ) from None
        if fingerprint != task_filter.fingerprint:
            raise InvalidValueError(
                "cursor", "belongs to other filters; repeat the filters of the page it came from"
            )
        return cls(time=packed[_PACKED.size :], is_text=is_text, rowid=rowid, seen=seen)
