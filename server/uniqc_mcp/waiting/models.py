"""The answer to a wait: the tasks that changed, and those that are still active."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, Protocol, Self, TypeVar

from pydantic import Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from uniqc_mcp.responses.base import OMIT_EMPTY, Absent, Answer, OptionalText, StoreField, Wire
from uniqc_mcp.responses.json_schema import Unnamed
from uniqc_mcp.responses.text import is_or_are, plural, told_time
from uniqc_mcp.responses.times import recorded_time
from uniqc_mcp.safety.display import in_quotes, word
from uniqc_mcp.tasks.models import TaskView
from uniqc_mcp.tasks.text import whose
from uniqc_mcp.token_budget import ANSWER, how_many_fit, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from uniqc_mcp.records.related_rows import EndedTasks, RelatedRows
    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import TaskChange, TaskGone, TaskRecord, TaskState

WaitState = Literal["none_match", "changed", "finished", "not_submitted", "timeout"]

MAX_CHANGES = 50
MAX_ACTIVE = 10

TASK_TOKENS = ANSWER - 2_000
"""Tokens for tasks; the rest of the answer is for its other fields, notes included."""

_CHANGE_TOKENS = 90
"""Tokens of a change without the texts of its record."""


class ChangeView(Wire):
    """A task whose status changed, that is gone, or that had finished before."""

    task_id: str
    name: OptionalText
    backend: str
    before: OptionalText
    status: Annotated[str, Field(description="gone: no longer in the cache, archived: put away.")]
    updated_at: OptionalText
    error: OptionalText
    note: str | Absent = None
    owner: SkipJsonSchema[OptionalText] = ""
    machine: SkipJsonSchema[OptionalText] = ""

    @classmethod
    def of(cls, change: TaskChange | TaskGone, sanitizer: Sanitizer, ended: EndedTasks) -> Self:
        """Return the view of a change during the wait."""
        before = change.before.status if change.before else ""
        status, record = _status(change), ended.records.get(change.state.task_id)
        if record is None or record.status != status:
            return cls._of(change.state, sanitizer, before=before, status=status)
        return cls._with_reason(record, sanitizer, ended.related, before=before)

    @classmethod
    def finished(cls, record: TaskRecord, sanitizer: Sanitizer, related: RelatedRows) -> Self:
        """Return the view of a task that had finished before the wait."""
        return cls._with_reason(record, sanitizer, related, before="")

    @classmethod
    def _with_reason(
        cls, record: TaskRecord, sanitizer: Sanitizer, related: RelatedRows, *, before: str
    ) -> Self:
        remarks = related.remarks(record)
        return cls._of(
            record,
            sanitizer,
            before=before,
            status=record.status,
            error=sanitizer.one_line("tasks.error", remarks.error),
            note=remarks.note or None,
        )

    @classmethod
    def _of(
        cls,
        task: TaskState | TaskRecord,
        sanitizer: Sanitizer,
        *,
        before: str,
        status: str,
        error: str = "",
        note: str | None = None,
    ) -> Self:
        return cls(
            task_id=sanitizer.one_line("task_id", task.task_id),
            name=sanitizer.one_line("name", task.name),
            backend=sanitizer.one_line("backend", task.backend),
            before=sanitizer.one_line("status", before),
            status=sanitizer.one_line("status", status),
            updated_at=recorded_time(task.update_time),
            error=error,
            note=note,
            owner=task.owner and sanitizer.one_line("owner", task.owner),
            machine=task.machine and sanitizer.one_line("machine", task.machine),
        )

    def lines(self) -> Iterator[str]:
        """Yield the change in words, and the error of a failed task."""
        yield f"- {self._line}"
        if self.error:
            yield f"  error: {in_quotes(self.error)}"

    @property
    def _line(self) -> str:
        name = f" {in_quotes(self.name)}" if self.name else ""
        before = f"{word(self.before)} -> " if self.before else ""
        when = f", updated {told_time(self.updated_at)}" if self.updated_at else ""
        note = f", {self.note}" if self.note else ""
        status = f"{before}{word(self.status)} on {word(self.backend)}"
        return f"{word(self.task_id)}{name} {status}{whose(self.owner, self.machine)}{when}{note}"

    @property
    def size(self) -> int:
        """The most tokens that it can take, as text and as structured content together."""
        texts = (
            *(self.task_id, self.name, self.backend, self.before, self.status),
            *(self.error, self.note or "", self.owner, self.machine),
        )
        return _CHANGE_TOKENS + 2 * sum(map(max_tokens_of, texts))


def _status(change: TaskChange | TaskGone) -> str:
    from uniqc_store import TaskGone  # noqa: PLC0415 - 0.009 s of every start

    if isinstance(change, TaskGone):
        return "archived" if change.archived else "gone"
    return change.after.status


class _Sized(Protocol):
    @property
    def size(self) -> int:
        """The most tokens that it can take."""
        ...


_View = TypeVar("_View", bound=_Sized)


def first_that_fit(views: Iterable[_View], tokens: int) -> list[_View]:
    """Return as many of the first views as fit into so many tokens."""
    views = list(views)
    return views[: how_many_fit((view.size for view in views), tokens)]


def total_size(views: Sequence[_Sized]) -> int:
    """Return the most tokens that views can take."""
    return sum(view.size for view in views)


def _list_schema(description: str) -> WithJsonSchema:
    """Return the schema of a list whose entries another field of the answer describes."""
    return WithJsonSchema({"type": "array", "description": description})


MORE: Final = "to go on waiting, call again with this cursor"
"""How to go on after a wait whose tasks can still change."""

_ENDED: Final = ("finished", "none_match", "not_submitted")
"""States after which another wait would end at once."""


def more_after(state: WaitState) -> str:
    """Return how to go on after a wait that ended in a state; empty if it needn't go on."""
    return "" if state in _ENDED else MORE


def hidden_notes(*, changes: int, active: int) -> list[str]:
    """Return a note on the tasks that changed, and one on active ones, beyond those shown."""
    notes: list[str] = []
    if changes > 0:
        shown_by = "list_tasks with status=any shows"
        notes.append(f"{changes} more {plural('task', changes)} changed; {shown_by} them.")
    if active > 0:
        tasks_are = f"{active} more {plural('task', active)} {is_or_are(active)}"
        notes.append(f"{tasks_are} active; list_tasks shows them.")
    return notes


class WaitAnswer(Answer):
    """The answer of wait_for_tasks."""

    matching: str
    state: Annotated[
        WaitState,
        Field(
            description="finished: none is active. not_submitted: no job. none_match: no such task."
        ),
    ]
    changes: Annotated[list[ChangeView], Unnamed("Newest first."), OMIT_EMPTY]
    changes_total: int
    active: Annotated[
        list[TaskView], _list_schema("Still active; as list_tasks has them."), OMIT_EMPTY
    ]
    active_total: int
    finished: Annotated[
        list[ChangeView], _list_schema("Of task_ids, finished before; as changes."), OMIT_EMPTY
    ]
    waited_seconds: int
    cursor: str
    more: OptionalText = ""
    store: StoreField

    def text(self) -> str:
        """Return what changed and what is still active, a line for each task."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self._message()} {self.store.source}"
        for change in self.changes:
            yield from change.lines()
        if self.finished:
            yield "Finished before:"
            for change in self.finished:
                yield from change.lines()
        yield from self._active_lines()
        cursor = in_quotes(self.cursor)
        yield f"To go on waiting: cursor={cursor}." if self.more else f"cursor: {cursor}"
        yield from self.store.notes

    def _active_lines(self) -> Iterator[str]:
        if self.active_total:
            yield f"Still active: {self.active_total}"
        for task in self.active:
            yield f"- {task.line}"
            if task.error:
                yield f"  error: {in_quotes(task.error)}"

    def _message(self) -> str:
        seconds = f"{self.waited_seconds} {plural('second', self.waited_seconds)}"
        after = f", after {seconds}" if self.waited_seconds else ""
        match self.state:
            case "none_match":
                return f"There are no {self.matching}, nor finished ones: nothing was waited for."
            case "finished":
                none = f"There are no {self.matching}"
                if not self.matching.startswith("active "):
                    none = f"None of the {self.matching} is active"
                return f"{none}{after}."
            case "not_submitted":
                themselves = "itself" if self.active_total == 1 else "themselves"
                stuck = f"{self.active_total} of the {self.matching} can't finish by {themselves}"
                return f"{stuck}{after}."
            case "changed":
                # Of a task that is gone since an older cursor, only a note tells.
                changed = self.changes_total or "Some"
                return f"{changed} of the {self.matching} changed{after}."
            case "timeout" if self.changes_total:
                changed = f"{self.changes_total} of the {self.matching} changed in {seconds}"
                return f"{changed}, but not all are finished."
            case "timeout":
                return f"None of the {self.matching} changed in {seconds}."
