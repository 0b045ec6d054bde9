"""What goes over the wire about one task: its error, result, shards, circuit and metadata."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import quote

from pydantic import Field

from uniqc_mcp import texts
from uniqc_mcp.errors import quoted
from uniqc_mcp.models import (
    LONGEST_ID,
    Answer,
    OptionalFloat,
    OptionalInt,
    StoreView,
    TaskView,
    Wire,
    recorded_error,
)
from uniqc_mcp.redaction import safe_text
from uniqc_mcp.results import summarise
from uniqc_mcp.times import recorded_time
from uniqc_store import parse_json

if TYPE_CHECKING:
    from datetime import datetime

    from uniqc_mcp.lookup import FoundTask
    from uniqc_mcp.results import Results, ResultSummary
    from uniqc_mcp.screen import Screen
    from uniqc_store import TaskRecord, TaskShard

MOST_CIRCUITS = 4
"""Circuits of a batch that are summarised; the others are counted."""

LARGEST_SUMMARISED = 64 * 2**20
"""Bytes of a result that are parsed for a summary; a 20-qubit histogram stores some 28 MB."""

MOST_SHARDS = 50

_MOST_FIELDS = 8
_SIGNIFICANT_DIGITS = 6
_ELSEWHERE = ("task_name", "circuit_ir", "circuits", "circuit_language")


def task_uri(task_id: str, part: str = "") -> str:
    """The resource of a task, or of a part of it. Whatever is in the id, it stays one segment."""
    uri = f"uniqc://task/{quote(task_id, safe='', errors='replace')}"
    return f"{uri}/{part}" if part else uri


def _address(record: TaskRecord, part: str) -> str:
    """Empty for an id that holds a credential or has no bounds: the address would tell it."""
    shown = safe_text(record.task_id, limit=LONGEST_ID, multiline=True, clean=False)
    return task_uri(record.task_id, part) if shown.text == record.task_id else ""


class OutcomeView(Wire):
    bits: str
    count: OptionalInt = None
    probability: OptionalFloat = None


class CircuitResult(Wire):
    """The most frequent outcomes of one circuit."""

    kind: Annotated[
        str, Field(description="counts, probabilities, error, empty, batch or unknown.")
    ]
    outcomes: list[OutcomeView] = Field(default_factory=list[OutcomeView])
    distinct: int = 0
    shown: int = 0
    remaining_probability: OptionalFloat = None
    error: str = ""
    notes: list[str] = Field(default_factory=list[str])

    @classmethod
    def of(cls, summary: ResultSummary, screen: Screen, **more: Any) -> Self:
        """Of a summary, with what a subclass adds."""
        return cls(
            kind=summary.kind,
            outcomes=[
                OutcomeView(
                    bits=screen.line("result", outcome.bits),
                    count=outcome.count,
                    probability=_rounded(outcome.probability),
                )
                for outcome in summary.outcomes
            ],
            distinct=summary.distinct,
            shown=summary.shown,
            remaining_probability=_rounded(summary.remaining_probability),
            error=screen.line("result.error", summary.error, limit=500),
            notes=[*summary.notes, *_field_notes(summary.fields, screen)],
            **more,
        )


class ResultView(CircuitResult):
    """A result; of a batch, its first circuits one by one."""

    circuits: int = 1
    batch: list[CircuitResult] = Field(default_factory=list[CircuitResult])
    bytes: int
    uri: Annotated[str, Field(description="The whole result.")]
    damaged: Annotated[bool, Field(exclude=True, description="What is stored is not JSON.")] = False

    @classmethod
    def read(cls, task: FoundTask, *, outcomes: int, screen: Screen) -> Self | None:
        """Summarise a stored result, or say why not; None where there is none."""
        if not task.result_text:
            return None
        record = task.record
        size, uri = record.result_bytes or 0, _address(record, "result")
        if size > LARGEST_SUMMARISED:
            return cls(kind="unknown", notes=["Too large to summarise."], bytes=size, uri=uri)
        try:
            value = parse_json(task.result_text)
        except ValueError:
            notes = ["What is stored is not JSON."]
            return cls(kind="unknown", notes=notes, bytes=size, uri=uri, damaged=True)
        shots = _asked_shots(record)
        results = summarise(value, top=outcomes, shots=shots, max_circuits=MOST_CIRCUITS)
        if not results.batch:
            return cls.of(results.circuits[0], screen, bytes=size, uri=uri)
        return cls(
            kind="batch",
            notes=_batch_notes(results),
            circuits=results.total_circuits,
            batch=[CircuitResult.of(summary, screen) for summary in results.circuits],
            bytes=size,
            uri=uri,
        )


def _asked_shots(record: TaskRecord) -> int | None:
    """Shots that the counts should add up to; 0 is what imports without a number store."""
    return record.shots if record.shots > 0 and "shots" not in record.damaged else None


def _field_notes(fields: tuple[str, ...], screen: Screen) -> list[str]:
    if not fields:
        return []
    names = ", ".join(
        quoted(screen.line("result", name, limit=40)) for name in fields[:_MOST_FIELDS]
    )
    more = f" and {len(fields) - _MOST_FIELDS} more" if len(fields) > _MOST_FIELDS else ""
    return [f"Other fields, in the whole result: {names}{more}."]


def _batch_notes(results: Results) -> list[str]:
    notes: list[str] = []
    if hidden := results.total_circuits - len(results.circuits):
        notes.append(f"{hidden} more circuits are in the whole result.")
    if results.without_outcomes:
        notes.append(f"{results.without_outcomes} circuits have no outcomes.")
    return notes


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.{_SIGNIFICANT_DIGITS}g}")


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
    def of(cls, shard: TaskShard, screen: Screen) -> Self:
        return cls(
            index=shard.shard_index,
            platform_task_id=screen.line(
                "platform_task_id", shard.platform_task_id, limit=LONGEST_ID
            ),
            backend=screen.line("backend", shard.backend, limit=120),
            status=screen.line("status", shard.status, limit=60),
            circuits=shard.circuit_count,
            updated_at=recorded_time(shard.update_time),
            error=screen.line("shards.error", shard.error_message or "", limit=500),
        )


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
    result: Annotated[ResultView | None, Field(description="Left out: none stored.")] = None
    shards: list[ShardView]
    circuit: CircuitView | None = None
    metadata: dict[str, Any]
    redacted: Annotated[list[str], Field(description="Fields that a credential was hidden in.")]
    damaged: Annotated[list[str], Field(description="Fields the file holds in no known form.")]

    @classmethod
    def build(
        cls,
        found: FoundTask,
        result: ResultView | None,
        *,
        now: datetime,
        screen: Screen,
    ) -> Self:
        """Of a task, with what its result says."""
        record, archived = found.record, found.record.archived_at or ""
        recorded = recorded_error(record)
        error = screen.block("error", recorded)
        shards = found.shards[:MOST_SHARDS]
        others = {
            key: value
            for key, value in record.metadata.items()
            if key not in _ELSEWHERE and not (recorded and value == recorded)
        }
        metadata = screen.value("metadata", others)
        more = {
            # One that can't be read is shown as it stands: empty would say that it is not archived.
            "archived_at": recorded_time(archived) or screen.line("archived_at", archived),
            "result": result,
            "shards": [ShardView.of(shard, screen) for shard in shards],
            "circuit": _circuit_view(record, screen),
            "metadata": metadata,
            "damaged": [
                *record.damaged,
                *(["result"] if result and result.damaged else []),
                *(f"shards[{s.shard_index}].{name}" for s in shards for name in s.damaged),
            ],
        }
        shown_error = error or (result.error if result else "")
        task = cls.of(record, now, screen, error=shown_error, redacted=[], **more)
        # Only now is it known what was hidden.
        return task.model_copy(update={"redacted": screen.hidden})


def hidden_shards(found: FoundTask) -> list[str]:
    """What is told of the platform jobs beyond those that are shown."""
    statuses = Counter(shard.status for shard in found.shards[MOST_SHARDS:])
    if not statuses:
        return []
    by_status = ", ".join(f"{n} {quoted(status)}" for status, n in statuses.most_common(6))
    return [f"{statuses.total()} more platform jobs are not shown: {by_status}."]


def _circuit_view(record: TaskRecord, screen: Screen) -> CircuitView | None:
    circuits = recorded_circuits(record)
    if not circuits:
        return None
    language = record.metadata.get("circuit_language")
    return CircuitView(
        circuits=len(circuits),
        language=screen.line("circuit_language", language if isinstance(language, str) else ""),
        uri=_address(record, "circuit"),
    )


class TaskAnswer(Answer):
    """One task."""

    task: TaskDetail
    store: StoreView

    def text(self) -> str:
        return texts.task_answer(self)
