"""What goes over the wire: the store, a task in a list, and the answers about many tasks.

Absent text is ``""``; absent numbers are left out. Descriptions are few, as every client pays
for them at each start.
"""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field

from uniqc_mcp.responses.base import Answer, OptionalInt, StoreField, Wire
from uniqc_mcp.responses.json_schema import Inlined, Named
from uniqc_mcp.responses.text import counted, plural, told_time
from uniqc_mcp.responses.times import duration, recorded_time, seconds_since
from uniqc_mcp.safety.display import in_quotes, word
from uniqc_mcp.safety.sanitizer import FIELD_LIMITS
from uniqc_mcp.tasks.text import task_label
from uniqc_mcp.token_budget import ANSWER, bytes_in_json, how_many_fit, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import Group, TaskRecord

MAX_ID = FIELD_LIMITS["task_id"]

MAX_GROUPS = 100

_AROUND = 1_500
"""Tokens of what stands around the tasks or groups of an answer, notes included."""

_ROW = 115
"""Tokens of a task in a list but for what its record tells: names of fields, times, numbers."""

_GROUP = 45


class TaskView(Wire):
    """A task in a list."""

    task_id: str
    name: str
    backend: str
    status: str
    active: bool
    shots: int
    submitted_at: Annotated[str, Field(description="UTC; without Z where no zone was recorded.")]
    updated_at: str
    seconds_since_update: Annotated[
        OptionalInt, Field(description="Active only: since uniqc last heard of it.")
    ] = None
    error: str

    @classmethod
    def of(
        cls, record: TaskRecord, now: datetime, sanitizer: Sanitizer, *, error: str, **more: Any
    ) -> Self:
        """Of a record, with the error as it is to be shown and what a subclass adds."""
        active = not record.finished
        return cls(
            task_id=sanitizer.one_line("task_id", record.task_id),
            name=sanitizer.one_line("name", record.name),
            backend=sanitizer.one_line("backend", record.backend),
            status=sanitizer.one_line("status", record.status),
            active=active,
            shots=record.shots,
            submitted_at=recorded_time(record.submit_time),
            updated_at=recorded_time(record.update_time),
            seconds_since_update=seconds_since(record.update_time, now) if active else None,
            error=error,
            **more,
        )

    @classmethod
    def in_list(cls, record: TaskRecord, now: datetime, sanitizer: Sanitizer) -> Self:
        """Of a record, with the beginning of its error on one line."""
        error = sanitizer.one_line("tasks.error", recorded_error(record))
        return cls.of(record, now, sanitizer, error=error)

    def heard(self, touched: str, now: datetime) -> Self:
        """The same as it is now: of an active task it matters how long ago uniqc heard of it."""
        if not self.active:
            return self
        heard = copy(self)
        # As model_copy does, which takes a third longer, for twenty tasks a call.
        vars(heard)["seconds_since_update"] = seconds_since(touched, now)
        return heard

    @property
    def label(self) -> str:
        """The id, name, status and backend in words."""
        return task_label(self.task_id, self.name, self.status, self.backend)

    @property
    def line(self) -> str:
        """The task in words, with its times as they are."""
        return (
            f"{self.label}, {self.shots} {plural('shot', self.shots)}, "
            f"submitted {told_time(self.submitted_at)}{self._heard('last heard of')}"
        )

    def line_at(self, now: datetime) -> str:
        """Return the task in words; of an active one its age, which takes a third of the tokens."""
        if not (self.active and self.submitted_at.endswith("Z")):
            return (
                f"{self.label}, submitted {told_time(self.submitted_at)}{self._heard('heard of')}"
            )
        age = duration(seconds_since(self.submitted_at, now) or 0)
        return f"{self.label}, {age} old{self._heard('heard of')}"

    def _heard(self, verb: str) -> str:
        heard = self.seconds_since_update
        return f", {verb} {duration(heard)} ago" if heard is not None else ""

    @property
    def size(self) -> int:
        """Tokens that it takes at most in an answer, as text and as structured content."""
        return _ROW + 2 * sum(map(max_tokens_of, self.texts))

    @property
    def texts(self) -> tuple[str, ...]:
        """What of it can be long."""
        return self.task_id, self.name, self.backend, self.status, self.error


def how_many_tasks_fit(tasks: Sequence[TaskView]) -> int:
    """How many of these tasks an answer has room for; one, at the least."""
    texts = "".join(text for task in tasks for text in task.texts)
    if _ROW * len(tasks) + 2 * bytes_in_json(texts) <= ANSWER - _AROUND:
        return len(tasks)
    return max(1, how_many_fit((task.size for task in tasks), ANSWER - _AROUND))


def recorded_error(record: TaskRecord) -> str:
    """What went wrong, wherever the release that wrote the record put it; empty if nowhere."""
    if record.error_message:
        return record.error_message
    for key in ("failure_error", "submission_error"):
        error = record.metadata.get(key)
        if isinstance(error, str) and error:
            return error
    return ""


class TaskList(Answer):
    """Some tasks, newest first."""

    matching: Annotated[str, Field(exclude=True, description="What they match, in words.")]
    tasks: Annotated[list[TaskView], Inlined()]
    total: Annotated[int, Field(description="Tasks that match, shown or not.")]
    total_is_exact: Annotated[bool, Field(description="If not, at least so many.")]
    shown: int
    next_cursor: Annotated[str, Field(description="Empty on the last page.")]
    store: StoreField

    def text(self) -> str:
        """Return a line of totals, a line for each task, and how to get the others."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        count = counted(self.total, self.matching)
        if not self.total_is_exact:
            count = f"At least {count}" if self.total else f"{count} so far"
        if self.shown < self.total:
            count += f"; {self.shown} shown, newest first"
        yield f"{count}. {self.store.source}"
        now = datetime.fromisoformat(self.store.read_at)
        for task in self.tasks:
            yield f"- {task.line_at(now)}"
            if task.error:
                yield f"  error: {in_quotes(task.error)}"
        if self.next_cursor:
            yield f"More: repeat the call with cursor={in_quotes(self.next_cursor)}."
        yield from self.store.notes


class GroupView(Wire):
    """How many tasks share a status and a backend; empty is what was not grouped by."""

    status: str
    backend: str
    count: int

    @classmethod
    def of(cls, group: Group, sanitizer: Sanitizer) -> Self:
        return cls(
            status=sanitizer.one_line("status", group.status),
            backend=sanitizer.one_line("backend", group.backend),
            count=group.count,
        )

    @property
    def size(self) -> int:
        """Tokens that it takes at most in an answer, as text and as structured content."""
        return _GROUP + 2 * (max_tokens_of(self.status) + max_tokens_of(self.backend))


GroupViews = Annotated[list[GroupView], Named()]


def largest_groups(
    groups: Sequence[Group], sanitizer: Sanitizer, *, tokens: int = ANSWER - _AROUND
) -> tuple[list[GroupView], list[str]]:
    """The groups to show, most first, within these tokens; and a note on the others."""
    views = [GroupView.of(group, sanitizer) for group in groups[:MAX_GROUPS]]
    shown = views[: how_many_fit((view.size for view in views), tokens)]
    others = groups[len(shown) :]
    held = sum(group.count for group in others)
    notes = [f"{len(others)} smaller groups are not shown; {held} tasks are in them."]
    return shown, notes if others else []


class TaskCounts(Answer):
    """How many tasks there are."""

    matching: Annotated[str, Field(exclude=True, description="What they match, in words.")]
    total: int
    groups: GroupViews
    store: StoreField

    def text(self) -> str:
        """Return a line of the total and a line for each group."""
        lines = [f"{counted(self.total, self.matching)}. {self.store.source}"]
        for group in self.groups:
            labels = " on ".join(word(label) for label in (group.status, group.backend) if label)
            lines.append(f"- {labels or '(empty)'}: {group.count}")
        return "\n".join([*lines, *self.store.notes])
