"""Model of one task with its error, result, jobs, circuits and metadata, and its answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from uniqc_mcp.records.failures import failure_reason, result_reason
from uniqc_mcp.records.metadata import other_metadata
from uniqc_mcp.records.old_releases import CANCELLED_BY_OTHERS, lost_originq_results
from uniqc_mcp.responses.base import (
    OMIT_EMPTY,
    Absent,
    Answer,
    OptionalInt,
    OptionalText,
    OptionalTexts,
    StoreField,
)
from uniqc_mcp.responses.json_schema import Named
from uniqc_mcp.responses.text import plural, told_time
from uniqc_mcp.responses.times import recorded_time
from uniqc_mcp.safety.display import in_quotes, word
from uniqc_mcp.tasks.circuits import CircuitView
from uniqc_mcp.tasks.job_models import ShardView, shards_that_fit
from uniqc_mcp.tasks.lookup import METADATA_ELSEWHERE, SOME_RESULTS_ELSEWHERE
from uniqc_mcp.tasks.models import TaskView
from uniqc_mcp.tasks.result_models import ResultView  # noqa: TC001 - pydantic needs it
from uniqc_mcp.tasks.uris import ARCHIVED
from uniqc_mcp.tasks.whole_parts import IncludedPart
from uniqc_mcp.token_budget import ANSWER, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from uniqc_mcp.records.progress import Progress
    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_mcp.tasks.lookup import FoundTask
    from uniqc_store import TaskRecord

DETAIL_ENVELOPE: Final = 1_500
"""Tokens of an answer without its task, notes included."""

_METADATA_TOKENS: Final = 3_500
"""Tokens of the metadata, in text and in structured content each."""

_KINDS_OF_CIRCUITS: Final = ("batch", "counts", "probabilities")

_MAX_DAMAGED: Final = 20

PAGE_ONLY: Final = "This page goes on with what was included; without cursor, the task is told too."


class TaskDetail(TaskView):
    """One task with everything that its record holds."""

    notes: OptionalTexts
    circuits_requested: OptionalInt = None
    circuits_submitted: OptionalInt = None
    archived_at: OptionalText
    cleared_at: OptionalText = ""
    receipt: OptionalText = ""
    result: Annotated[ResultView | Absent, Named("left out if none is stored;")] = None
    shards: Annotated[list[ShardView], Named("platform jobs;"), OMIT_EMPTY]
    jobs_total: Annotated[OptionalInt, Field(description="shown or not")] = None
    circuits: Annotated[list[CircuitView], Named(), OMIT_EMPTY]
    metadata: Annotated[dict[str, Any], OMIT_EMPTY]
    redacted: Annotated[OptionalTexts, Field(description="in these a credential was hidden")]
    damaged: Annotated[OptionalTexts, Field(description="these are in no known form")]

    @classmethod
    def build(
        cls,
        found: FoundTask,
        result: ResultView | None,
        *,
        now: datetime,
        sanitizer: Sanitizer,
    ) -> Self:
        """Return the view of a task, with as many of its jobs as there is room for.

        Args:
            found: The task as the store has it.
            result: The view of its result, made with the same sanitizer.
            now: The time that the answer is made.
            sanitizer: The sanitizer of the answer.
        """
        record, progress = found.record, found.progress
        own_result = "" if found.assembled is not None else found.result_text
        result_error = result.error if result else ""
        reason = failure_reason(
            record,
            found.shards,
            result_error=result_reason(record, own_result) or result_error,
        )
        error = sanitizer.multiline("error", reason)
        task = cls.of(
            record,
            now,
            sanitizer,
            error=error,
            never_submitted=progress.never_submitted,
            note=progress.marks or None,
            notes=_notes(found, result, sanitizer),
            circuits_requested=progress.requested,
            circuits_submitted=None if progress.requested is None else progress.submitted,
            archived_at=_archived_at(record, sanitizer),
            result=result,
            shards=[],
            jobs_total=len(found.shards) or None,
            circuits=CircuitView.all_of(record, sanitizer),
            metadata=sanitizer.json_within(
                "metadata", other_metadata(record, error=reason), tokens=_METADATA_TOKENS
            ),
            redacted=[],
            damaged=[],
        )
        # Each text of the structured content is in the text as well.
        taken = DETAIL_ENVELOPE + 2 * max_tokens_of(task.model_dump_json(exclude_none=True))
        shards = shards_that_fit(found.shards, sanitizer, tokens=ANSWER - taken)
        return task.model_copy(
            update={
                "shards": shards,
                # Complete only now that every text has been through the sanitizer.
                "redacted": sanitizer.redacted_fields,
                "damaged": _damaged_fields(found, result),
            }
        )


def _archived_at(record: TaskRecord, sanitizer: Sanitizer) -> str:
    archived_at = record.archived_at or ""
    # An unreadable time is shown as it is recorded: an empty one would mean "not archived".
    return recorded_time(archived_at) or sanitizer.one_line("archived_at", archived_at)


def _notes(found: FoundTask, result: ResultView | None, sanitizer: Sanitizer) -> list[str]:
    """Return sentences on what a reader of the other fields could misunderstand."""
    record, progress = found.record, found.progress
    notes = [*progress.sentences()]
    if found.assembled is not None:
        notes += found.assembled.sentences()
        if record.result_elsewhere:
            notes.append(SOME_RESULTS_ELSEWHERE)
    elif _is_short(result, progress):
        notes.append(f"The result has fewer circuits than the {progress.requested} asked for.")
    shots, requested = found.result_record.shots, progress.requested or 0
    if shots is None and result is not None:
        notes.append("The number of shots is not recorded.")
    elif shots is not None and requested > 1 and not (result and result.batch):
        notes.append(
            f"{shots} {plural('shot', shots)} for each of {requested} circuits, "
            f"{shots * requested} in all, were asked for."
        )
    of_jobs = found.assembled is not None
    if lost := lost_originq_results(record, found.result_text, found.shards, of_jobs=of_jobs):
        notes.append(lost)
    if record.metadata_elsewhere:
        notes.append(METADATA_ELSEWHERE)
    if record.status == "cancelled":
        notes.append(CANCELLED_BY_OTHERS)
    if found.twin is not None:
        notes.append(_twin_note(found.twin, sanitizer))
    return notes


def _is_short(result: ResultView | None, progress: Progress) -> bool:
    """Return whether the result of a batch lacks circuits that were submitted, as far as known."""
    if result is None or result.kind not in _KINDS_OF_CIRCUITS or progress.requested is None:
        return False
    submitted = progress.requested if progress.submitted is None else progress.submitted
    return result.circuits < min(submitted, progress.requested)


def _twin_note(twin: TaskRecord, sanitizer: Sanitizer) -> str:
    """Return the note on an archived task that has the same id."""
    status = word(sanitizer.one_line("status", twin.status))
    task_id = sanitizer.one_line("task_id", twin.task_id)
    name = f" {in_quotes(sanitizer.one_line('name', twin.name))}" if twin.name else ""
    return (
        f"uniqc's archive has another task of this id:{name} {status}, submitted "
        f"{told_time(recorded_time(twin.submit_time))}, archived {_archived_at(twin, sanitizer)}. "
        f"This is the live one; get_task shows the other as {in_quotes(f'{ARCHIVED}{task_id}')}."
    )


def _damaged_fields(found: FoundTask, result: ResultView | None) -> list[str]:
    """Return the names of the fields that could not be read, at most `_MAX_DAMAGED`."""
    unreadable = found.assembled.unreadable if found.assembled is not None else ()
    damaged = [
        *found.record.damaged,
        *(["result"] if result and result.damaged else []),
        *(f"shards[{s.shard_index}].{name}" for s in found.shards for name in s.damaged),
        *(f"shards[{index}].result" for index in unreadable),
    ]
    more = len(damaged) - _MAX_DAMAGED
    return [*damaged[:_MAX_DAMAGED], *([f"… [+{more:,} fields]"] if more > 0 else ())]


def times_of(task: TaskDetail) -> tuple[str, ...]:
    """Return every time that the view of a task shows."""
    return *task.times, task.archived_at, *(shard.updated_at for shard in task.shards)


class TaskAnswer(Answer):
    """One task."""

    task: Annotated[TaskDetail, Named("as in list_tasks, and", beyond=TaskView)]
    included: Annotated[
        list[IncludedPart],
        WithJsonSchema({"type": "array"}),
        OMIT_EMPTY,
    ] = Field(default_factory=list[IncludedPart])
    next_cursor: OptionalText = ""
    store: StoreField
    plot: SkipJsonSchema[Annotated[bytes, Field(exclude=True)]] = b""

    @property
    def image(self) -> bytes:
        """The histogram as a PNG image; empty if none was asked for."""
        return self.plot

    def text(self) -> str:
        """Return a line of the task, then its outcome, its jobs and the rest of its record."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        task = self.task
        yield task.line
        if PAGE_ONLY not in self.store.notes:
            yield from _outcome_lines(task)
            yield from _job_lines(task)
        yield from _record_lines(task)
        for part in self.included:
            yield from part.lines
        if self.next_cursor:
            yield f"More: repeat the call with cursor={in_quotes(self.next_cursor)}."
        yield f"({self.store.source})"
        yield from self.store.notes


def _outcome_lines(task: TaskDetail) -> Iterator[str]:
    yield from (f"note: {note}" for note in task.notes)
    if task.archived_at:
        yield f"archived: {told_time(task.archived_at)}, so it is in no list"
    if not task.active or task.seconds_since_update is None:
        yield f"last touched: {task.last_touched}"
    if task.error:
        yield f"error, as recorded: {in_quotes(task.error)}"
    if task.result is not None:
        yield from task.result.lines()
    elif task.status == "success":
        yield "result: none stored"
    if task.status == "failed" and not task.error:
        yield "error: none recorded"


def _job_lines(task: TaskDetail) -> Iterator[str]:
    total = task.jobs_total or 0
    for place, shard in enumerate(task.shards, 1):
        yield shard.line(place, total, told=task.error)


def _record_lines(task: TaskDetail) -> Iterator[str]:
    yield from (circuits.line for circuits in task.circuits)
    if task.metadata:
        yield f"metadata: {json.dumps(task.metadata, ensure_ascii=False)}"
    if task.redacted:
        yield f"redacted in: {', '.join(map(word, task.redacted))}"
    if task.damaged:
        yield f"damaged in the file: {', '.join(task.damaged)}"
