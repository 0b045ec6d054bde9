"""What goes over the wire: the store, a task in a list, and the answers about many tasks.

Absent text is ``""``; absent numbers are left out. Descriptions are few, as every client pays
for them at each start.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from uniqc_mcp.errors import tilde, without_home
from uniqc_mcp.responses.json_schema import Inlined, Named, without_repetition
from uniqc_mcp.responses.store_notes import fallback_note
from uniqc_mcp.responses.times import recorded_time, seconds_since, wire_time
from uniqc_mcp.token_budget import ANSWER, bytes_in_json, how_many_fit, max_tokens_of
from uniqc_store import NEWEST_RELEASED_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import Group, StoreState, TaskRecord

Absent = SkipJsonSchema[None]
OptionalInt = int | Absent
OptionalFloat = float | Absent

MAX_LIST_ERROR = 200
"""Characters of an error in a list; the whole of it is with the task."""

MAX_ID = 256

MAX_GROUPS = 100

_AROUND = 1_500
"""Tokens of what stands around the tasks or groups of an answer, notes included."""

_ROW = 115
"""Tokens of a task in a list but for what its record tells: names of fields, times, numbers."""

_GROUP = 45


class Wire(BaseModel):
    """A value on the wire."""

    model_config = ConfigDict(frozen=True)


class Answer(Wire):
    """What a tool returns; ``texts.text_of`` says the same in words."""

    model_config = ConfigDict(json_schema_extra=without_repetition)

    def structured(self) -> dict[str, Any]:
        """The answer for a program, as its output schema says."""
        return self.model_dump(mode="json", exclude_none=True)


class StoreView(Wire):
    """Which file was read, and when."""

    location: str
    exists: bool
    schema_version: int
    read_at: str
    notes: list[str]

    @classmethod
    def of(cls, state: StoreState, now: datetime, notes: Iterable[str] = ()) -> Self:
        return cls(
            location=tilde(state.path),
            exists=state.exists,
            schema_version=state.schema_version,
            read_at=wire_time(now),
            notes=[*_state_notes(state), *notes],
        )


StoreField = Annotated[StoreView, Named()]


def _state_notes(state: StoreState) -> Iterator[str]:
    if not state.exists:
        yield (
            f"uniqc has no task cache yet: there is no file at {tilde(state.path)}. Counts are 0 "
            "because of that."
        )
    if state.schema_version > NEWEST_RELEASED_SCHEMA:
        yield (
            f"Schema {state.schema_version} is newer than this server knows "
            f"({NEWEST_RELEASED_SCHEMA}); what it does not know is not shown."
        )
    if note := fallback_note(state.path):
        yield without_home(note)


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
            task_id=sanitizer.one_line("task_id", record.task_id, limit=MAX_ID),
            name=sanitizer.one_line("name", record.name, limit=120),
            backend=sanitizer.one_line("backend", record.backend, limit=120),
            status=sanitizer.one_line("status", record.status, limit=60),
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
        error = sanitizer.one_line("error", recorded_error(record), limit=MAX_LIST_ERROR)
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


class GroupView(Wire):
    """How many tasks share a status and a backend; empty is what was not grouped by."""

    status: str
    backend: str
    count: int

    @classmethod
    def of(cls, group: Group, sanitizer: Sanitizer) -> Self:
        return cls(
            status=sanitizer.one_line("status", group.status, limit=60),
            backend=sanitizer.one_line("backend", group.backend, limit=120),
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
