"""The events of a store as lines: plain ones for people and logs, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from uniqc_mcp.responses.store_notes import fallback_note
from uniqc_mcp.responses.times import duration, recorded_time, seconds_since, wire_time
from uniqc_mcp.safety.display import tilde, without_home
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_store import NEWEST_RELEASED_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from uniqc_mcp.cli.watch.feed import Event
    from uniqc_store import StoreStatus, TaskState

HOW_IT_MOVES = "The cache moves only while uniqc polls a platform: uniqc result TASK_ID"

_MAX_ACTIVE_LINES = 20
_MAX_ID = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldTask:
    """A task as it is told, every text of it screened.

    Attributes:
        before: Its status until then, empty where it is not known or there was none.
        submitted_at: As all times on the wire; empty where what is stored can't be read.
        active: Whether it is not finished; of one that is gone, whether it wasn't.
        archived: Whether it is gone from the tasks, but not from uniqc's archive.
    """

    task_id: str
    name: str
    backend: str
    status: str
    before: str
    submitted_at: str
    updated_at: str
    active: bool
    archived: bool

    @classmethod
    def of(cls, state: TaskState, *, before: str = "", archived: bool = False) -> Self:
        sanitizer = Sanitizer()
        return cls(
            task_id=sanitizer.one_line("task_id", state.task_id, limit=_MAX_ID),
            name=sanitizer.one_line("name", state.name, limit=120),
            backend=sanitizer.one_line("backend", state.backend, limit=120),
            status=sanitizer.one_line("status", state.status, limit=60),
            before=sanitizer.one_line("before", before, limit=60),
            submitted_at=recorded_time(state.submit_time),
            updated_at=recorded_time(state.update_time),
            active=state.active,
            archived=archived,
        )


def notes(store_status: StoreStatus, path: Path) -> Iterator[str]:
    """What there is to be known of the file, beside the tasks in it."""
    store = store_status.store
    if store is not None and not store.exists:
        yield f"There is no task cache at {tilde(path)} yet; waiting for uniqc to make one."
    if store is not None and store.schema_version > NEWEST_RELEASED_SCHEMA:
        yield (
            f"Schema {store.schema_version} is newer than this release knows "
            f"({NEWEST_RELEASED_SCHEMA}); what it does not know is not shown."
        )
    if note := fallback_note(path):
        yield without_home(note)


# For programs


def json_line(event: Event, path: Path) -> str:
    """One event as JSON: ``event`` and ``at``, and what there is to tell of it."""
    told: dict[str, Any] = {"event": event.kind, "at": wire_time(event.at)}
    match event.kind:
        case "started":
            told["store"] = _store(event.store_status, path)
            told["tasks"] = [asdict(ToldTask.of(state)) for state in event.active]
            told["notes"] = [*notes(event.store_status, path), f"{HOW_IT_MOVES}."]
        case "store":
            told["store"] = _store(event.store_status, path)
        case "trouble":
            told["message"] = event.problem
        case _:
            told["task"] = asdict(_task(event))
    return json.dumps(told)


def _store(store_status: StoreStatus, path: Path) -> dict[str, Any]:
    store = store_status.store
    return {
        "location": tilde(path),
        "exists": store is not None and store.exists,
        "schema_version": 0 if store is None else store.schema_version,
        "total": store_status.total,
    }


# For people


def plain_lines(event: Event, path: Path) -> list[str]:
    """One event as lines that begin with the time; none where uniqc only heard of a task again."""
    at = wire_time(event.at)
    return [f"{at} {label:<8} {text}" for label, text in _labelled(event, path)]


def _labelled(event: Event, path: Path) -> Iterator[tuple[str, str]]:
    match event.kind:
        case "started":
            yield from _started(event, path)
        case "store":
            yield "store", _store_text(event, path)
        case "trouble":
            yield "trouble", event.problem.replace("\n", " ")
        case _:
            if text := _task_text(event):
                yield event.kind, text


def _started(event: Event, path: Path) -> Iterator[tuple[str, str]]:
    count = len(event.active)
    if event.store_status.store is not None and event.store_status.store.exists:
        yield (
            "started",
            f"{_tasks(count)} {'is' if count == 1 else 'are'} active. {_store_text(event, path)}",
        )
    else:
        yield "started", f"Watching {tilde(path)}."
    for state in event.active[:_MAX_ACTIVE_LINES]:
        task = ToldTask.of(state)
        yield "active", f"{_which(task)} {_at(task)}{_ages(task, event.at)}"
    if count > _MAX_ACTIVE_LINES:
        yield "active", f"and {count - _MAX_ACTIVE_LINES:,} more"
    for note in (*notes(event.store_status, path), f"{HOW_IT_MOVES}."):
        yield "note", note


def _store_text(event: Event, path: Path) -> str:
    store = event.store_status.store
    if store is None or not store.exists:
        return f"There is no file at {tilde(path)} any more; waiting for uniqc to make one."
    text = f"{tilde(path)} holds {_tasks(event.store_status.total)}, schema {store.schema_version}."
    if event.others:
        more = "more" if event.others > 0 else "fewer"
        text += f" Beside those told of, there are {abs(event.others):,} {more} than before."
    return text


def _task_text(event: Event) -> str:
    task = _task(event)
    match event.kind:
        case "gone":
            how = "archived" if task.archived else "removed"
            return f"{_which(task)} {how}; it was {_at(task)}"
        case "changed" if task.before == task.status:
            return ""
        case "changed" if task.before:
            return f"{_which(task)} {_word(task.before)} -> {_at(task)}{_took(task, event.at)}"
        case _:
            return f"{_which(task)} {_at(task)}"


def _task(event: Event) -> ToldTask:
    if event.task is None:
        raise TypeError(event.kind)
    return ToldTask.of(event.task, before=event.before, archived=event.archived)


def _which(task: ToldTask) -> str:
    name = f" {json.dumps(task.name, ensure_ascii=False)}" if task.name else ""
    return f"{_word(task.task_id)}{name}"


def _at(task: ToldTask) -> str:
    return f"{_word(task.status)} on {_word(task.backend)}"


def _ages(task: ToldTask, now: datetime) -> str:
    age, heard = seconds_since(task.submitted_at, now), seconds_since(task.updated_at, now)
    old = "" if age is None else f", {duration(age)} old"
    return old if heard is None else f"{old}, heard of {duration(heard)} ago"


def _took(task: ToldTask, now: datetime) -> str:
    age = seconds_since(task.submitted_at, now)
    return "" if task.active or age is None else f", {duration(age)} after it was submitted"


def _tasks(count: int) -> str:
    return f"{count:,} task{'' if count == 1 else 's'}"


def _word(text: str) -> str:
    """In quotes where it may read as prose, or as nothing."""
    plain = text.isprintable() and not set(text) & set(' "')
    return text if text and plain else json.dumps(text, ensure_ascii=False)
