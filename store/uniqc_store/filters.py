"""Filters of tasks, and the orders of their pages."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from uniqc_store.errors import InvalidValueError
from uniqc_store.tasks import TERMINAL_STATUSES, assume_local, parse_time
from uniqc_store.validation import text

if TYPE_CHECKING:
    from collections.abc import Iterable

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

Archived = Literal["exclude", "include", "only"]
"""Whether an answer is about live tasks, about archived ones as well, or about these alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Conditions that a task passes or not. A field left at its default passes every task.

    ``query.conditions`` says the same in SQL. A property-based test in ``tests/store`` holds that
    both pass the same tasks.

    Attributes:
        status: ``any``; ``finished`` for success, failed and cancelled; ``active`` for all
            others, unknown ones included; or one status exactly. A tuple is any one of several.
        backend: A whole label (``originq:WK_C180``), or the platform before its first colon, in
            any case.
        submitted_after: The earliest submit time that passes. Aware.
        submitted_before: The earliest submit time that no longer passes. Aware.
        name_contains: A part of ``metadata.task_name``, compared without case.
        updated_after: The earliest update time that passes. Aware.
        updated_before: The earliest update time that no longer passes. Aware.
        except_backends: Labels or platforms that do not pass.
        task_ids: uniqc's ids that pass, whole; empty for all.
        error_contains: A part of the task's own error message, compared without case.

    Raises:
        InvalidValueError: A time without a time zone, a text that UTF-8 cannot encode, or no
            status.
    """

    status: str | tuple[str, ...] = ANY
    backend: str = ""
    submitted_after: datetime | None = None
    submitted_before: datetime | None = None
    name_contains: str = ""
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    except_backends: tuple[str, ...] = ()
    task_ids: tuple[str, ...] = ()
    error_contains: str = ""

    def __post_init__(self) -> None:
        """Check the fields."""
        for field in ("backend", "name_contains", "error_contains"):
            text(field, getattr(self, field))
        several = self.status if isinstance(self.status, tuple) else (self.status,)
        if not several:
            raise InvalidValueError("status", "names no status")
        for field, values in (
            ("status", several),
            ("except_backends", self.except_backends),
            ("task_ids", self.task_ids),
        ):
            for value in values:
                text(field, value)
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
        task_id: Label = "",
        error: Label = None,
    ) -> bool:
        """Return whether a task passes.

        Args:
            status: As SQLite returns it.
            backend: As SQLite returns it.
            name: ``metadata.task_name``; empty if the task has none.
            submit_time: Text as ``rows.readable`` returns it, or a stored value of another type.
            update_time: As ``submit_time``; needed where the filter has a time of it.
            task_id: Text as ``rows.readable`` returns it; needed where the filter has ids.
            error: ``error_message`` as recorded; needed where the filter has a part of it.
        """
        return (
            self.matches_status(status)
            and self.matches_backend(backend)
            and self.matches_name(name)
            and self.matches_submit_time(submit_time)
            and self.matches_update_time(update_time)
            and (not self.task_ids or task_id in self.task_ids)
            and self.matches_error(error)
        )

    def matches_status(self, status: Label) -> bool:
        """Return whether a status passes.

        A status that is not text is active, except NULL, which is neither active nor finished.
        """
        return any(_is_status(status, wanted) for wanted in self.statuses)

    def matches_backend(self, backend: Label) -> bool:
        """Return whether a backend passes: the label itself, or one of the platform."""
        if self.backend and not backend_is_among(backend, (self.backend,)):
            return False
        return not backend_is_among(backend, self.except_backends)

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

    def matches_error(self, error: Label) -> bool:
        """Return whether an error message passes."""
        if not self.error_contains:
            return True
        return isinstance(error, str) and self.error_contains.casefold() in error.casefold()

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses and groups of them, any one of which passes."""
        return (self.status,) if isinstance(self.status, str) else self.status

    @property
    def by_status(self) -> bool:
        """True if the status decides."""
        return ANY not in self.statuses

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
        return self.by_status or self.by_backend

    @property
    def by_backend(self) -> bool:
        """True if the backend decides."""
        return bool(self.backend or self.except_backends)

    @property
    def only_by_label(self) -> bool:
        """True if nothing but the status and the backend decides."""
        others = self.by_update or self.name_contains or self.task_ids or self.error_contains
        return not (self.by_time or others)

    @property
    def is_unindexed(self) -> bool:
        """True if a condition decides for which no index finds the tasks."""
        texts = self.name_contains or self.error_contains
        return bool(texts or self.except_backends) or self.by_update

    @property
    def is_simple(self) -> bool:
        """True if at most one label decides, so that one index has the exact count."""
        one = not (self.by_status and self.by_backend) and not self.except_backends
        return self.only_by_label and one

    def decides_by(self, column: Column) -> bool:
        """Return whether a column of labels decides."""
        return self.by_status if column == "status" else self.by_backend

    def fingerprint(self, order: str) -> bytes:
        """Return four bytes that differ for another filter or order of pages.

        Of the times, only their presence counts: "since 7 days ago" moves between two pages.
        """
        fields = tuple(isinstance(value, datetime) or value for value in astuple(self))
        return hashlib.sha256(repr((order, *fields)).encode()).digest()[:4]


def backend_is_among(backend: Label, wanted: Iterable[str]) -> bool:
    """Return whether a backend is one of some labels, or of some platforms, in any case."""
    if not isinstance(backend, str):
        return False
    label = backend.casefold()
    return any(_is_label(label, name.casefold()) for name in wanted)


def _is_label(label: str, name: str) -> bool:
    return label == name or (":" not in name and label.startswith(f"{name}:"))


def _is_status(status: Label, wanted: str) -> bool:
    if wanted == ACTIVE:
        return status is not None and status not in TERMINAL_STATUSES
    if wanted == FINISHED:
        return status in TERMINAL_STATUSES
    return wanted in (ANY, status)


def _is_between(time: Label, after: datetime | None, before: datetime | None) -> bool:
    if after is None and before is None:
        return True
    moment = parse_time(time) if isinstance(time, str) else None
    if moment is None:
        return False
    at = assume_local(moment)
    return (after is None or at >= after) and (before is None or at < before)
