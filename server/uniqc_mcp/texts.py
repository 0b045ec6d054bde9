"""The answers as text: short, complete, and good to read for a person too.

Text of a record stands in quotes after a label, so that it is seen to be the record's and not
ours. A list says how many there are, how many are shown, and how to get the others.
"""

from __future__ import annotations

import json
import re
from functools import singledispatch
from typing import TYPE_CHECKING

from uniqc_mcp.clearing_models import ClearAnswer, UndoAnswer
from uniqc_mcp.detail import TaskAnswer
from uniqc_mcp.models import Answer, TaskCounts, TaskList
from uniqc_mcp.times import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.detail import ShardView, TaskDetail
    from uniqc_mcp.models import StoreView, TaskView
    from uniqc_mcp.result_views import CircuitResult, ResultView

_MOST_METADATA = 1_200
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
    if answer.shown < answer.total:
        count += f"; {answer.shown} shown, newest first"
    yield f"{count}. {_source(answer.store)}"
    for task in answer.tasks:
        yield f"- {_task_line(task)}"
        if task.error:
            yield f"  error: {_quoted(task.error)}"
    if answer.next_cursor:
        yield f"More: repeat the call with cursor={_quoted(answer.next_cursor)}."
    yield from answer.store.notes


def _task_line(task: TaskView) -> str:
    name = f" {_quoted(task.name)}" if task.name else ""
    heard = task.heard_ago_seconds
    since = f", last heard of {duration(heard)} ago" if heard is not None else ""
    return (
        f"{_word(task.task_id)}{name} {_word(task.status)} on {_word(task.backend)}, "
        f"{task.shots} {_plural('shot', task.shots)}, submitted {_time(task.submitted_at)}{since}"
    )


@text_of.register(TaskCounts)
def _(answer: TaskCounts) -> str:
    lines = [f"{_counted(answer.total, answer.matching)}. {_source(answer.store)}"]
    for group in answer.groups:
        labels = " on ".join(_word(label) for label in (group.status, group.backend) if label)
        lines.append(f"- {labels or '(empty)'}: {group.count}")
    return "\n".join([*lines, *answer.store.notes])


@text_of.register(TaskAnswer)
def _(answer: TaskAnswer) -> str:
    task = answer.task
    return "\n".join(
        [
            _task_line(task),
            *_fate_lines(task),
            *map(_shard_line, task.shards),
            *_record_lines(task),
            f"({_source(answer.store)})",
            *answer.store.notes,
        ]
    )


def _fate_lines(task: TaskDetail) -> Iterator[str]:
    """What became of it."""
    if task.archived_at:
        yield f"archived: {task.archived_at}, so it is in no list"
    if not task.active:
        yield f"last touched: {_time(task.updated_at)}"
    if task.error:
        yield f"error, as recorded: {_quoted(task.error)}"
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
        language = f", {_word(task.circuit.language)}" if task.circuit.language else ""
        yield f"circuit: {count} {_plural('circuit', count)}{language}, {_at(task.circuit.uri)}"
    if task.metadata:
        yield f"metadata: {_metadata(task)}"
    if task.redacted:
        yield f"redacted in: {', '.join(map(_word, task.redacted))}"
    if task.damaged:
        yield f"damaged in the file: {', '.join(task.damaged)}"


def _metadata(task: TaskDetail) -> str:
    text = json.dumps(task.metadata, ensure_ascii=False)
    if len(text) <= _MOST_METADATA:
        return text
    return f"{text[:_MOST_METADATA]}… (all of it in the structured answer)"


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
            f"{_word(outcome.bits)} {_share(outcome.count, outcome.probability)}"
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
        parts.append(f"error {_quoted(result.error)}")
    return "; ".join([*parts, *result.notes])


def _share(count: int | None, probability: float | None) -> str:
    share = "" if probability is None else f"{probability:.4g}"
    if count is None:
        return share
    return f"{count}x ({share})" if share else f"{count}x"


def _shard_line(shard: ShardView) -> str:
    error = f", error: {_quoted(shard.error)}" if shard.error else ""
    return (
        f"job {shard.index}: {_word(shard.status)} on {_word(shard.backend)}, {shard.circuits} "
        f"{_plural('circuit', shard.circuits)}, platform id {_word(shard.platform_task_id)}{error}"
    )


@text_of.register(ClearAnswer)
def _(answer: ClearAnswer) -> str:
    return "\n".join([*_clear_lines(answer), f"({_source(answer.store)})", *answer.store.notes])


def _clear_lines(answer: ClearAnswer) -> Iterator[str]:
    if answer.plan_id:
        yield (
            f"Plan: clear {answer.matched} {_plural('task', answer.matched)}, {answer.bytes} bytes "
            f"of results and metadata, submitted {_time(answer.oldest)} to {_time(answer.newest)}."
        )
    yield answer.said
    for group in answer.groups:
        yield f"- {group.count} {_word(group.status)} on {_word(group.backend)}"
    for example in answer.examples:
        name = f" {_quoted(example.name)}" if example.name else ""
        words = f"{_word(example.status)} on {_word(example.backend)}"
        yield f"  such as {_word(example.task_id)}{name} {words}"
    for reason in answer.left_out:
        yield f"- left out, {reason.why}: {reason.count}"
    for reason in answer.kept:
        yield f"- kept, {reason.why}: {reason.count}"
    if answer.plan_id:
        yield f"plan_id: {answer.plan_id} (until {answer.expires_at})"


@text_of.register(UndoAnswer)
def _(answer: UndoAnswer) -> str:
    return "\n".join([answer.said, f"({_source(answer.store)})", *answer.store.notes])


def _counted(total: int, matching: str) -> str:
    return f"{total or 'No'} {matching.replace('tasks', _plural('task', total), 1)}"


def _source(store: StoreView) -> str:
    return f"Read {store.read_at} from {store.location}."


def _time(time: str) -> str:
    if not time:
        return "at an unreadable time"
    return time if time.endswith("Z") else f"{time} (local time, zone not recorded)"


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _at(uri: str) -> str:
    return uri or "at no address, for its id can't be shown"


def _word(text: str) -> str:
    """As it stands where it is one word or bits, and in quotes where it may read as prose."""
    return text if _ONE_WORD.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
