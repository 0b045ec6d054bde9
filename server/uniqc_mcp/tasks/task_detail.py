"""What goes over the wire about one task: its error, shards, circuit and metadata."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field

from uniqc_mcp.responses.base import Absent, Answer, StoreField, Wire
from uniqc_mcp.responses.json_schema import Named
from uniqc_mcp.responses.text import plural, told_time
from uniqc_mcp.responses.times import recorded_time
from uniqc_mcp.safety.display import in_quotes, quoted, word
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.models import TaskView, recorded_error
from uniqc_mcp.tasks.result_models import ResultView, address_of, readable_at
from uniqc_mcp.token_budget import ANSWER, how_many_fit, max_tokens_of, truncate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from uniqc_mcp.tasks.lookup import FoundTask
    from uniqc_store import TaskRecord, TaskShard

MAX_SHARDS = 50

_MAX_TEXT_METADATA = 1_200
"""Tokens of the metadata in the text."""

_METADATA = 3_500
"""Tokens of the metadata in the structured answer; the text tells the beginning of it."""

_SHARD = 95
"""Tokens of a platform job in an answer but for what its record tells."""

_MAX_DAMAGED = 20
_AROUND = 1_500

_ELSEWHERE = ("task_name", "circuit_ir", "circuits", "circuit_language")


class ShardView(Wire):
    """One platform job of the task."""

    index: int
    platform_task_id: str
    backend: str
    status: str
    circuits: int
    updated_at: str
    error: str

    @classmethod
    def of(cls, shard: TaskShard, sanitizer: Sanitizer) -> Self:
        return cls(
            index=shard.shard_index,
            platform_task_id=sanitizer.one_line("platform_task_id", shard.platform_task_id),
            backend=sanitizer.one_line("backend", shard.backend),
            status=sanitizer.one_line("status", shard.status),
            circuits=shard.circuit_count,
            updated_at=recorded_time(shard.update_time),
            error=sanitizer.one_line("shards.error", shard.error_message or ""),
        )

    @property
    def size(self) -> int:
        """Tokens that it takes at most in an answer, as text and as structured content."""
        texts = (self.platform_task_id, self.backend, self.status, self.error)
        return _SHARD + 2 * sum(map(max_tokens_of, texts))


class CircuitView(Wire):
    """What was submitted, by where to read it."""

    circuits: int
    language: str
    uri: str


def recorded_circuits(record: TaskRecord) -> list[str]:
    """The circuits as uniqc keeps them in the metadata; none for a task of an older release."""
    circuits = record.metadata.get("circuits")
    if isinstance(circuits, list):
        return [circuit for circuit in circuits if isinstance(circuit, str)]
    circuit = record.metadata.get("circuit_ir")
    return [circuit] if isinstance(circuit, str) else []


class TaskDetail(TaskView):
    """One task whole."""

    archived_at: str
    result: Annotated[ResultView | Absent, Named("left out if none is stored;")] = None
    shards: Annotated[list[ShardView], Named("platform jobs;")]
    circuit: Annotated[CircuitView | Absent, Named()] = None
    metadata: dict[str, Any]
    redacted: Annotated[list[str], Field(description="in these a credential was hidden")]
    damaged: Annotated[list[str], Field(description="these are in no known form")]

    @classmethod
    def build(
        cls,
        found: FoundTask,
        result: ResultView | None,
        *,
        now: datetime,
        sanitizer: Sanitizer,
    ) -> Self:
        """Of a task and its result, with as many of the shards as there is room for."""
        record, archived = found.record, found.record.archived_at or ""
        recorded = recorded_error(record)
        error = sanitizer.multiline("error", recorded)
        others = {
            key: value
            for key, value in record.metadata.items()
            if key not in _ELSEWHERE and not (recorded and value == recorded)
        }
        more = {
            # One that can't be read is shown as it stands: empty would say that it is not archived.
            "archived_at": recorded_time(archived) or sanitizer.one_line("archived_at", archived),
            "result": result,
            "circuit": _circuit_view(record, sanitizer),
            "metadata": sanitizer.json_within("metadata", others, tokens=_METADATA),
        }
        shown_error = error or (result.error if result else "")
        nothing: dict[str, list[str]] = {"shards": [], "redacted": [], "damaged": []}
        task = cls.of(record, now, sanitizer, error=shown_error, **nothing, **more)
        shards = task.shards_that_fit(found.shards[:MAX_SHARDS], sanitizer)
        damaged = [
            *record.damaged,
            *(["result"] if result and result.damaged else []),
            *(f"shards[{s.shard_index}].{name}" for s in found.shards for name in s.damaged),
        ]
        # Only now is it known what was hidden.
        return task.model_copy(
            update={
                "shards": shards,
                "redacted": sanitizer.redacted_fields,
                "damaged": _first(damaged),
            }
        )

    def shards_that_fit(self, shards: Iterable[TaskShard], sanitizer: Sanitizer) -> list[ShardView]:
        """The first of these shards, as many as an answer has room for beside the rest of it."""
        # What is in the structure is in the text, but for the names of the fields.
        left = ANSWER - _AROUND - 2 * max_tokens_of(self.model_dump_json(exclude_none=True))
        views = [ShardView.of(shard, sanitizer) for shard in shards]
        return views[: how_many_fit((view.size for view in views), left)]


def _first(damaged: Sequence[str]) -> list[str]:
    more = len(damaged) - _MAX_DAMAGED
    return [*damaged[:_MAX_DAMAGED], *([f"… [+{more:,} fields]"] if more > 0 else ())]


def hidden_shards(found: FoundTask, *, shown: int) -> list[str]:
    """What is told of the platform jobs beyond those that are shown."""
    statuses = Counter(shard.status for shard in found.shards[shown:])
    if not statuses:
        return []
    by_status = ", ".join(
        f"{n} {quoted(Sanitizer().one_line('status', status))}"
        for status, n in statuses.most_common(6)
    )
    return [f"{statuses.total()} more platform jobs are not shown: {by_status}."]


def _circuit_view(record: TaskRecord, sanitizer: Sanitizer) -> CircuitView | None:
    circuits = recorded_circuits(record)
    if not circuits:
        return None
    stored = record.metadata.get("circuit_language")
    language = stored if isinstance(stored, str) else ""
    return CircuitView(
        circuits=len(circuits),
        language=sanitizer.one_line("circuit_language", language),
        uri=address_of(record, "circuit"),
    )


class TaskAnswer(Answer):
    """One task."""

    task: Annotated[TaskDetail, Named()]
    store: StoreField

    def text(self) -> str:
        """Return the task's line, its outcome, its jobs and the rest of its record."""
        task = self.task
        return "\n".join(
            [
                task.line,
                *_fate_lines(task),
                *map(_shard_line, task.shards),
                *_record_lines(task),
                f"({self.store.source})",
                *self.store.notes,
            ]
        )


def _fate_lines(task: TaskDetail) -> Iterator[str]:
    """What became of it."""
    if task.archived_at:
        yield f"archived: {task.archived_at}, so it is in no list"
    if not task.active:
        yield f"last touched: {told_time(task.updated_at)}"
    if task.error:
        yield f"error, as recorded: {in_quotes(task.error)}"
    if task.result is not None:
        yield from task.result.lines()
    elif task.status == "success":
        yield "result: none stored"
    if task.status == "failed" and not task.error:
        yield "error: none recorded"


def _record_lines(task: TaskDetail) -> Iterator[str]:
    """What else the record holds."""
    if task.circuit is not None:
        count = task.circuit.circuits
        language = f", {word(task.circuit.language)}" if task.circuit.language else ""
        at = readable_at(task.circuit.uri)
        yield f"circuit: {count} {plural('circuit', count)}{language}, {at}"
    if task.metadata:
        yield f"metadata: {_metadata(task)}"
    if task.redacted:
        yield f"redacted in: {', '.join(map(word, task.redacted))}"
    if task.damaged:
        yield f"damaged in the file: {', '.join(task.damaged)}"


def _metadata(task: TaskDetail) -> str:
    text = json.dumps(task.metadata, ensure_ascii=False)
    shown = truncate(text, _MAX_TEXT_METADATA)
    return text if shown == text else f"{shown}… (more in the structured answer)"


def _shard_line(shard: ShardView) -> str:
    error = f", error: {in_quotes(shard.error)}" if shard.error else ""
    return (
        f"job {shard.index}: {word(shard.status)} on {word(shard.backend)}, {shard.circuits} "
        f"{plural('circuit', shard.circuits)}, platform id {word(shard.platform_task_id)}{error}"
    )
