"""Models of a task in a list, and of a page of them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from uniqc_mcp.records.progress import NO_PLATFORM_JOB
from uniqc_mcp.responses.base import (
    OMIT_EMPTY,
    Absent,
    Answer,
    OptionalInt,
    OptionalText,
    StoreField,
    Wire,
)
from uniqc_mcp.responses.json_schema import Named
from uniqc_mcp.responses.numbers import ExactInteger, exact_integer
from uniqc_mcp.responses.text import counted, plural, told_time
from uniqc_mcp.responses.times import age, is_in_future, recorded_time, seconds_since
from uniqc_mcp.safety.display import in_quotes
from uniqc_mcp.tasks.text import task_label, whose
from uniqc_mcp.token_budget import ANSWER, bytes_in_json, how_many_fit, max_tokens_of
from uniqc_store import Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_mcp.records.related_rows import RelatedRows
    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import TaskRecord


ENVELOPE_TOKENS: Final = 1_500
"""Tokens of an answer without its tasks or groups, notes included."""

_TASK_TOKENS: Final = 115
"""Tokens of a task in a list without its texts: names of fields, times, numbers."""


MAX_WITH_TIMES: Final = 10
"""The most tasks of a list whose active ones are told with their time beside their age."""

_IN_FUTURE: Final = "in the future by this machine's clock"


class TaskView(Wire):
    """A task in a list."""

    task_id: str
    name: OptionalText
    backend: str
    status: str
    active: bool
    shots: Annotated[ExactInteger | Absent, Field(description="of each circuit")] = None
    submitted_at: Annotated[
        OptionalText, Field(description="UTC; an offset: zone not recorded; left out: unreadable.")
    ]
    updated_at: OptionalText
    seconds_since_update: Annotated[OptionalInt, Field(description="Active only.")] = None
    in_future: Annotated[
        list[str] | Absent, Field(description="Times ahead of this machine's clock.")
    ] = None
    error: OptionalText
    note: str | Absent = None
    owner: SkipJsonSchema[OptionalText] = ""
    machine: SkipJsonSchema[OptionalText] = ""

    @classmethod
    def of(
        cls,
        record: TaskRecord,
        now: datetime,
        sanitizer: Sanitizer,
        *,
        error: str,
        never_submitted: bool,
        **more: Any,
    ) -> Self:
        """Return the view of a record.

        Args:
            record: The task as the store has it.
            now: The time that the answer is made.
            sanitizer: The sanitizer of the answer.
            error: The error as it is shown.
            never_submitted: Whether no platform knows of it.
            **more: The fields that a subclass adds.
        """
        active, shots = not record.finished, record.known_shots
        heard_of = active and not never_submitted
        submitted_at = recorded_time(record.submit_time)
        updated_at = recorded_time(record.update_time)
        return cls(
            task_id=sanitizer.one_line("task_id", record.task_id),
            name=sanitizer.one_line("name", record.name),
            backend=sanitizer.one_line("backend", record.backend),
            status=sanitizer.one_line("status", record.status),
            active=active,
            shots=None if shots is None else exact_integer(shots),
            submitted_at=submitted_at,
            updated_at=updated_at,
            in_future=_in_future(submitted_at, updated_at, now),
            seconds_since_update=seconds_since(record.update_time, now) if heard_of else None,
            error=error,
            owner=record.owner and sanitizer.one_line("owner", record.owner),
            machine=record.machine and sanitizer.one_line("machine", record.machine),
            **more,
        )

    @classmethod
    def in_list(
        cls, record: TaskRecord, now: datetime, sanitizer: Sanitizer, related: RelatedRows
    ) -> Self:
        """Return the view of a record, with the beginning and end of its error on one line."""
        remarks = related.remarks(record)
        return cls.of(
            record,
            now,
            sanitizer,
            error=sanitizer.one_line("tasks.error", remarks.error),
            never_submitted=remarks.never_submitted,
            note=remarks.note or None,
        )

    def at(self, now: datetime, *, seconds_since_update: int | None) -> Self:
        """Return the view at a later time.

        The seconds are those of an active task that a platform knows of; others show none.
        """
        seconds = seconds_since_update if self.active and not self._has_no_job else None
        # A time that the clock has passed once does not lie ahead of it again.
        in_future = self.in_future and _in_future(self.submitted_at, self.updated_at, now)
        if (seconds, in_future) == (self.seconds_since_update, self.in_future):
            return self
        return self.model_copy(update={"seconds_since_update": seconds, "in_future": in_future})

    def __copy__(self) -> Self:
        """Return a copy without the label, because a copy may get another name."""
        copied = super().__copy__()
        vars(copied).pop("label", None)
        return copied

    @cached_property
    def label(self) -> str:
        """The id, name, status, backend and owner as text.

        A cached page keeps the views of its finished tasks, and so their labels. The text of 50
        takes 0.35 of the time then.
        """
        label = task_label(self.task_id, self.name, self.status, self.backend)
        return f"{label}{whose(self.owner, self.machine)}"

    @property
    def line(self) -> str:
        """The task as text, with the time it was submitted."""
        return (
            f"{self.label}, {_told_shots(self.shots)}, "
            f"submitted {self._submitted}{self._last_update('last heard of')}{self._note}"
        )

    def line_at(self, now: datetime, *, short: bool, with_shots: bool) -> str:
        """Return the task as text, of an active one with its age.

        Args:
            now: The time that the answer is made.
            short: Whether the age stands in place of the time, which takes 15 tokens.
            with_shots: Whether it has the shots.
        """
        label = f"{self.label}, {_told_shots(self.shots)}" if with_shots else self.label
        seconds = None
        if self.active and self.submitted_at.endswith("Z"):
            seconds = seconds_since(self.submitted_at, now)
        last_update = self._last_update("heard of")
        if short and seconds is not None:
            return f"{label}, {age(seconds)} old{last_update}{self._note}"
        old = "" if seconds is None else f" ({age(seconds)} ago)"
        return f"{label}, submitted {self._submitted}{old}{last_update}{self._note}"

    @property
    def _note(self) -> str:
        return f", {self.note}" if self.note else ""

    @property
    def _has_no_job(self) -> bool:
        return NO_PLATFORM_JOB in (self.note or "")

    def _last_update(self, verb: str) -> str:
        seconds = self.seconds_since_update
        if seconds is None:
            ahead = "updated_at" in (self.in_future or ())
            return f", touched {_IN_FUTURE}" if ahead and self.active else ""
        return f", {verb} {age(seconds)} ago"

    @property
    def _submitted(self) -> str:
        ahead = "submitted_at" in (self.in_future or ())
        return f"{told_time(self.submitted_at)}{f' ({_IN_FUTURE})' if ahead else ''}"

    @property
    def last_touched(self) -> str:
        """The time of the last update as text."""
        ahead = "updated_at" in (self.in_future or ())
        return f"{told_time(self.updated_at)}{f' ({_IN_FUTURE})' if ahead else ''}"

    @property
    def times(self) -> tuple[str, str]:
        """The fields that are times."""
        return self.submitted_at, self.updated_at

    @property
    def size(self) -> int:
        """The most tokens it takes in an answer, as text and as structured content together."""
        return _TASK_TOKENS + 2 * sum(map(max_tokens_of, self.texts))

    @property
    def texts(self) -> tuple[str, ...]:
        """The fields whose length the record decides."""
        texts = self.task_id, self.name, self.backend, self.status, self.error, self.note or ""
        return (*texts, self.owner, self.machine) if self.owner else texts


def _in_future(submitted_at: str, updated_at: str, now: datetime) -> list[str] | None:
    times = {"submitted_at": submitted_at, "updated_at": updated_at}
    return [name for name, shown in times.items() if is_in_future(shown, now)] or None


def how_many_tasks_fit(tasks: Sequence[TaskView]) -> int:
    """Return how many of these tasks, from the first on, an answer has room for; at least one."""
    texts = "".join(text for task in tasks for text in task.texts)
    room = ANSWER - ENVELOPE_TOKENS
    if _TASK_TOKENS * len(tasks) + 2 * bytes_in_json(texts) <= room:
        return len(tasks)
    return max(1, how_many_fit((task.size for task in tasks), room))


def _told_shots(shots: int | str | None) -> str:
    return "shots not recorded" if shots is None else f"{shots} {plural('shot', int(shots))}"


_IN_ORDER: Final[dict[Order, str]] = {
    "newest": "newest first",
    "oldest": "oldest first",
    "updated": "last touched first",
}
MORE: Final = "repeat the call with cursor=next_cursor"
"""How to get the next page, for a client that shows the structured content only."""


class TaskList(Answer):
    """A page of tasks."""

    matching: str
    tasks: Annotated[list[TaskView], Named(), OMIT_EMPTY]
    total: Annotated[OptionalInt, Field(description="shown or not")] = None
    total_at_least: Annotated[OptionalInt, Field(description="In place of total.")] = None
    shown: int
    order: Annotated[Order, WithJsonSchema({"type": "string"})] = "newest"
    shows_touch: Annotated[bool, Field(exclude=True)] = False
    next_cursor: OptionalText
    more: OptionalText = ""
    store: StoreField

    def text(self) -> str:
        """Return a line of totals, a line for each task, and how to get the others."""
        return "\n".join(self._lines())

    def _common_shots(self) -> tuple[int | str | None, str]:
        """Return the shots that most tasks have, and a sentence that tells them for all of these.

        Lines without them are shorter by 5 tokens. None if no two tasks have the same.
        """
        shots = Counter(task.shots for task in self.tasks).most_common(1)
        if not shots or (shots[0][1] == 1 and self.shown > 1):
            return None, ""
        common, tasks = shots[0]
        if common is None:
            return None, ""
        each = " each" if self.shown > 1 else ""
        others = "" if tasks == self.shown else ", unless a line tells others"
        return common, f" {_told_shots(common)}{each}{others}."

    def _lines(self) -> Iterator[str]:
        total = self.total if self.total is not None else self.total_at_least or 0
        count = counted(total, self.matching)
        if self.total is None:
            count = f"At least {count}" if total else f"{count} so far"
        if self.shown < total:
            count += f"; {self.shown} shown, {_IN_ORDER[self.order]}"
        common, told = self._common_shots()
        yield f"{count}. {self.store.source}{told}"
        now = datetime.fromisoformat(self.store.read_at)
        short = len(self.tasks) > MAX_WITH_TIMES
        for task in self.tasks:
            touched = self.shows_touch and not task.active
            when = f", touched {task.last_touched}" if touched else ""
            with_shots = task.shots is None or task.shots != common
            yield f"- {task.line_at(now, short=short, with_shots=with_shots)}{when}"
            if task.error:
                yield f"  error: {in_quotes(task.error)}"
        if self.next_cursor:
            yield f"More: repeat the call with cursor={in_quotes(self.next_cursor)}."
        yield from self.store.notes
