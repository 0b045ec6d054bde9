"""The answers as text: short, complete, and good to read for a person too.

Text of a record stands in quotes after a label, so that it is seen to be the record's and not
ours. A list says how many there are, how many are shown, and how to get the others.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import lru_cache, singledispatch
from typing import TYPE_CHECKING

from uniqc_mcp.responses.times import duration, seconds_since
from uniqc_mcp.tasks.models import Answer, TaskCounts, TaskList
from uniqc_mcp.tasks.task_detail import TaskAnswer
from uniqc_mcp.token_budget import truncate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.tasks.models import StoreView, TaskView
    from uniqc_mcp.tasks.result_models import CircuitResult, ResultView
    from uniqc_mcp.tasks.task_detail import ShardView, TaskDetail

_MAX_METADATA = 1_200
_ONE_WORD = re.compile(r"[\w.:@/+=#\[\]-]+|[01]+(?: [01]+)+")


@singledispatch
def text_of(answer: Answer) -> str:
    """An answer in words, for a reader who sees nothing else."""
    raise TypeError(type(answer).__name__)


@text_of.register(TaskList)
def _(answer: TaskList) -> str:
    return "\n".join(_task_list_lines(answer))


def _task_list_lines(answer: TaskList) -> Iterator[str]:
    count = _counted(answer.total, answer.matching)
    if not answer.total_is_exact:
        count = f"At least {count}" if answer.total else f"{count} so far"
    if answer.shown < answer.total:
        count += f"; {answer.shown} shown, newest first"
    yield f"{count}. {source_of(answer.store)}"
    now = datetime.fromisoformat(answer.store.read_at)
    for task in answer.tasks:
        if task.active:
            yield f"- {_which(task)}, {_since(task, now)}"
        else:
            yield _finished(task.task_id, task.name, task.status, task.backend, task.submitted_at)
        if task.error:
            yield f"  error: {in_quotes(task.error)}"
    if answer.next_cursor:
        yield f"More: repeat the call with cursor={in_quotes(answer.next_cursor)}."
    yield from answer.store.notes


def task_line(task: TaskView) -> str:
    return (
        f"{_which(task)}, {task.shots} {plural('shot', task.shots)}, "
        f"submitted {told_time(task.submitted_at)}{_heard(task, 'last heard of')}"
    )


def _which(task: TaskView) -> str:
    return _named(task.task_id, task.name, task.status, task.backend)


@lru_cache(maxsize=1_024)
def _named(task_id: str, name: str, status: str, backend: str) -> str:
    quoted = f" {in_quotes(name)}" if name else ""
    return f"{word(task_id)}{quoted} {word(status)} on {word(backend)}"


def _heard(task: TaskView, verb: str) -> str:
    heard = task.seconds_since_update
    return f", {verb} {duration(heard)} ago" if heard is not None else ""


@lru_cache(maxsize=1_024)
def _finished(task_id: str, name: str, status: str, backend: str, submitted_at: str) -> str:
    """The line of a task that no longer changes."""
    return f"- {_named(task_id, name, status, backend)}, submitted {told_time(submitted_at)}"


def _since(task: TaskView, now: datetime) -> str:
    """Of an active task, for how long it has been waited: a time takes three times the tokens."""
    if not task.submitted_at.endswith("Z"):
        return f"submitted {told_time(task.submitted_at)}{_heard(task, 'heard of')}"
    old = duration(seconds_since(task.submitted_at, now) or 0)
    return f"{old} old{_heard(task, 'heard of')}"


@text_of.register(TaskCounts)
def _(answer: TaskCounts) -> str:
    lines = [f"{_counted(answer.total, answer.matching)}. {source_of(answer.store)}"]
    for group in answer.groups:
        labels = " on ".join(word(label) for label in (group.status, group.backend) if label)
        lines.append(f"- {labels or '(empty)'}: {group.count}")
    return "\n".join([*lines, *answer.store.notes])


@text_of.register(TaskAnswer)
def _(answer: TaskAnswer) -> str:
    task = answer.task
    return "\n".join(
        [
            task_line(task),
            *_fate_lines(task),
            *map(_shard_line, task.shards),
            *_record_lines(task),
            f"({source_of(answer.store)})",
            *answer.store.notes,
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
        yield from _result_lines(task.result)
    elif task.status == "success":
        yield "result: none stored"
    if task.status == "failed" and not task.error:
        yield "error: none recorded"


def _record_lines(task: TaskDetail) -> Iterator[str]:
    """What else the record holds."""
    if task.circuit is not None:
        count = task.circuit.circuits
        language = f", {word(task.circuit.language)}" if task.circuit.language else ""
        yield f"circuit: {count} {plural('circuit', count)}{language}, {_at(task.circuit.uri)}"
    if task.metadata:
        yield f"metadata: {_metadata(task)}"
    if task.redacted:
        yield f"redacted in: {', '.join(map(word, task.redacted))}"
    if task.damaged:
        yield f"damaged in the file: {', '.join(task.damaged)}"


def _metadata(task: TaskDetail) -> str:
    text = json.dumps(task.metadata, ensure_ascii=False)
    shown = truncate(text, _MAX_METADATA)
    return text if shown == text else f"{shown}… (more in the structured answer)"


def _result_lines(result: ResultView) -> Iterator[str]:
    if result.kind != "batch":
        yield f"result: {_circuit_result(result)}"
    else:
        yield f"result: a batch of {result.circuits} circuits"
        for index, circuit in enumerate(result.batch):
            yield f"  circuit {index}: {_circuit_result(circuit)}"
        yield from (f"  {note}" for note in result.notes)
    yield f"  whole result: {_at(result.uri)} ({result.bytes} bytes)"


def _circuit_result(result: CircuitResult) -> str:
    parts: list[str] = []
    if result.outcomes:
        shown = ", ".join(
            f"{word(outcome.bits)} {_share(outcome.count, outcome.probability)}"
            for outcome in result.outcomes
        )
        parts.append(f"{shown} ({result.shown} of {result.distinct} outcomes shown)")
        if result.remaining_probability:
            parts.append(f"the others have {result.remaining_probability:.3g} together")
    elif result.kind == "empty":
        parts.append("empty")
    elif result.distinct:
        parts.append(f"{result.distinct} outcomes")
    if result.error:
        parts.append(f"error {in_quotes(result.error)}")
    return "; ".join([*parts, *result.notes])


def _share(count: int | None, probability: float | None) -> str:
    share = "" if probability is None else f"{probability:.4g}"
    if count is None:
        return share
    return f"{count}x ({share})" if share else f"{count}x"


def _shard_line(shard: ShardView) -> str:
    error = f", error: {in_quotes(shard.error)}" if shard.error else ""
    return (
        f"job {shard.index}: {word(shard.status)} on {word(shard.backend)}, {shard.circuits} "
        f"{plural('circuit', shard.circuits)}, platform id {word(shard.platform_task_id)}{error}"
    )


def _counted(total: int, matching: str) -> str:
    return f"{total or 'No'} {matching.replace('tasks', plural('task', total), 1)}"


def source_of(store: StoreView) -> str:
    return f"Read {store.read_at} from {store.location}."


def told_time(time: str) -> str:
    if not time:
        return "at an unreadable time"
    return time if time.endswith("Z") else f"{time} (local time, zone not recorded)"


def plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _at(uri: str) -> str:
    return uri or "at no address, for its id can't be shown"


@lru_cache(maxsize=4_096)
def word(text: str) -> str:
    """As it stands where it is one word or bits, and in quotes where it may read as prose."""
    return text if _ONE_WORD.fullmatch(text) else in_quotes(text)


def in_quotes(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
