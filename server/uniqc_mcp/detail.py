"""What goes over the wire about one task: its error, shards, circuit and metadata."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field

from uniqc_mcp.errors import quoted
from uniqc_mcp.models import (
    LONGEST_ID,
    Answer,
    StoreView,
    TaskView,
    Wire,
    recorded_error,
)
from uniqc_mcp.result_views import ResultView, address_of
from uniqc_mcp.times import recorded_time

if TYPE_CHECKING:
    from datetime import datetime

    from uniqc_mcp.lookup import FoundTask
    from uniqc_mcp.screen import Screen
    from uniqc_store import TaskRecord, TaskShard

MOST_SHARDS = 50

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
        uri=address_of(record, "circuit"),
    )


class TaskAnswer(Answer):
    """One task."""

    task: TaskDetail
    store: StoreView
