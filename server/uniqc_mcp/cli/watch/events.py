"""One event in a store, and its task as a watch shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from uniqc_mcp.responses.times import recorded_time, seconds_since
from uniqc_mcp.safety.sanitizer import Sanitizer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from uniqc_store import StoreStatus, TaskState

Kind = Literal["started", "new", "changed", "gone", "store", "trouble"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event in a store.

    Attributes:
        kind: ``started`` occurs once, when the file is first read or found to be missing. Only
            ``trouble`` can precede it.
        at: When the feed noticed it. Aware.
        store_status: The status of the store at that time.
        task: For ``new`` and ``changed``, the task as it is; for ``gone``, as it was last.
        before: The previous status of the task; empty if it is not known.
        archived: True if a task that is gone is in uniqc's archive.
        active: For ``started``, the active tasks, newest first.
        others: For ``store``, tasks added minus tasks removed, without those that have an event.
        problem: For ``trouble``, why the file can't be read.
        errors: Why tasks of the event failed, by their ids, as it is recorded.
        notes: What else is to be said of tasks of the event, by their ids.
        shots: The shots of each circuit of tasks of the event, by their ids, as far as known.
    """

    kind: Kind
    at: datetime
    store_status: StoreStatus
    task: TaskState | None = None
    before: str = ""
    archived: bool = False
    active: tuple[TaskState, ...] = ()
    others: int = 0
    problem: str = ""
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    shots: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class SanitizedTask:
    """A task whose texts are safe to show.

    Attributes:
        before: Its previous status; empty if that is not known or there was none.
        submitted_at: UTC in ISO 8601, as on the wire; empty if the stored text can't be read.
        updated_at: As `submitted_at`.
        active: True if it is not finished, or was not when it went.
        archived: True if it is gone from the tasks and in uniqc's archive.
        error: Why it failed; empty if it did not, or if nothing says.
        note: What its platform jobs add to its status.
        shots: The shots of each circuit; None if they are not known.
        seconds: From its submission to now or, if it ended, until that was noticed; None if the
            time of submission is unreadable.
    """

    task_id: str
    name: str
    backend: str
    status: str
    before: str
    submitted_at: str
    updated_at: str
    active: bool
    archived: bool
    error: str
    note: str
    shots: int | None = None
    seconds: int | None = None

    @classmethod
    def of(
        cls,
        state: TaskState,
        *,
        before: str = "",
        archived: bool = False,
        error: str = "",
        note: str = "",
        shots: int | None = None,
        now: datetime | None = None,
    ) -> Self:
        """Return a task with every text sanitized, and with its age where a time is given."""
        sanitizer = Sanitizer()
        return cls(
            task_id=sanitizer.one_line("task_id", state.task_id),
            name=sanitizer.one_line("name", state.name),
            backend=sanitizer.one_line("backend", state.backend),
            status=sanitizer.one_line("status", state.status),
            before=sanitizer.one_line("status", before),
            submitted_at=recorded_time(state.submit_time),
            updated_at=recorded_time(state.update_time),
            active=state.active,
            archived=archived,
            error=sanitizer.one_line("tasks.error", error),
            note=note,
            shots=shots,
            seconds=None if now is None else seconds_since(state.submit_time, now),
        )
