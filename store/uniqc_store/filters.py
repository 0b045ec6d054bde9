"""Filters of tasks, and the orders of their pages."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from uniqc_store.errors import InvalidValueError
from uniqc_store.tasks import TERMINAL_STATUSES, assume_local, parse_time
from uniqc_store.validation import text

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

Order = Literal["newest", "oldest", "updated"]
"""The order of a list: by submit time, or by update time, of which the newest comes first."""


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
        updated_after: The earliest update time that passes. Aware.
        updated_before: The earliest update time that no longer passes. Aware.

    Raises:
        InvalidValueError: A time without a time zone, or a text that UTF-8 cannot encode.
    """

    status: str = ANY
    backend: str = ""
    submitted_after: datetime | None = None
    submitted_before: datetime | None = None
    name_contains: str = ""
    updated_after: datetime | None = None
    updated_before: datetime | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        for field in ("status", "backend", "name_contains"):
            text(field, getattr(self, field))
        for field in ("submitted_after", "submitted_before", "updated_after", "updated_before"):
            moment: datetime | None = getattr(self, field)
            if moment is not None and moment.tzinfo is None:
                raise InvalidValueError(field, "needs a time zone")

    def matches(
        self,
        *,
        status: Label,
        backend: Label,
        name: str,
        submit_time: Label,
        update_time: Label = "",
    ) -> bool:
        """Return whether a task passes.

        Args:
            status: As SQLite returns it.
            backend: As SQLite returns it.
            name: ``metadata.task_name``; empty if the task has none.
            submit_time: Text as ``rows.readable`` returns it, or a stored value of another type.
            update_time: Likewise. Needed where the filter has a time of it.
        """
        return (
            self.matches_status(status)
            and self.matches_backend(backend)
            and self.matches_name(name)
            and self.matches_submit_time(submit_time)
            and self.matches_update_time(update_time)
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
        return _is_between(submit_time, self.submitted_after, self.submitted_before)

    def matches_update_time(self, update_time: Label) -> bool:
        """Return whether an update time passes; see :meth:`matches_submit_time`."""
        return _is_between(update_time, self.updated_after, self.updated_before)

    @property
    def by_time(self) -> bool:
        """True if the submit time decides."""
        return self.submitted_after is not None or self.submitted_before is not None

    @property
    def by_update(self) -> bool:
        """True if the update time decides, on which the file has no index."""
        return self.updated_after is not None or self.updated_before is not None

    @property
    def by_label(self) -> bool:
        """True if the status or the backend decides."""
        return self.status != ANY or bool(self.backend)

    @property
    def only_by_label(self) -> bool:
        """True if nothing but the status and the backend decides."""
        return not (self.by_time or self.by_update or self.name_contains)

    @property
    def is_simple(self) -> bool:
        """True if at most one label decides, so that one index has the exact count."""
        return self.only_by_label and (self.status == ANY or not self.backend)

    def names_one(self, column: Column) -> bool:
        """Return whether at most one label of the column passes."""
        if column == "status":
            return self.status not in {ANY, ACTIVE, FINISHED}
        return ":" in self.backend

    def fingerprint(self, order: Order) -> bytes:
        """Return four bytes that differ for another filter or order.

        Of the times, only their presence counts: "since 7 days ago" moves between two pages.
        """
        fields = tuple(isinstance(value, datetime) or value for value in astuple(self))
        return hashlib.sha256(repr((order, *fields)).encode()).digest()[:4]


def _is_between(time: Label, after: datetime | None, before: datetime | None) -> bool:
    if after is None and before is None:
        return True
    moment = parse_time(time) if isinstance(time, str) else None
    if moment is None:
        return False
    at = assume_local(moment)
    return (after is None or at >= after) and (before is None or at < before)
