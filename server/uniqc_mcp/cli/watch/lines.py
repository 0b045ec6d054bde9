"""The events of a store as lines: plain text for people and logs, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from uniqc_mcp.cli.watch.events import SanitizedTask
from uniqc_mcp.records.progress import NO_PLATFORM_JOB, WITHOUT_JOB
from uniqc_mcp.responses.store_notes import fallback_note, state_notes
from uniqc_mcp.responses.text import plural
from uniqc_mcp.responses.times import (
    duration,
    is_in_future,
    recorded_time,
    seconds_since,
    wire_time,
)
from uniqc_mcp.safety.display import in_quotes, tilde, without_home, word
from uniqc_mcp.tasks.text import task_label

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from uniqc_mcp.cli.watch.events import Event
    from uniqc_store import StoreState, StoreStatus, TaskState

POLLING_NOTE = "Statuses change only while uniqc polls a platform: uniqc result TASK_ID"

_MAX_ACTIVE_LINES = 20


def store_notes(store: StoreState | None) -> Iterator[str]:
    """Yield what a reader should know of the file beside its tasks."""
    if store is None:
        return
    if store.exists:
        yield from state_notes(store)
        return
    yield f"There is no task cache at {tilde(store.path)} yet; waiting for uniqc to make one."
    if note := fallback_note(store.path):
        yield without_home(note)


# JSON


def json_line(event: Event, path: Path) -> str:
    """Return an event as one line of JSON: ``event``, ``at``, and the fields of its kind."""
    fields: dict[str, Any] = {"event": event.kind, "at": wire_time(event.at)}
    match event.kind:
        case "started":
            fields["store"] = _store(event.store_status, path)
            fields["tasks"] = [asdict(_sanitized(state, event)) for state in event.active]
            fields["notes"] = [*store_notes(event.store_status.store), f"{POLLING_NOTE}."]
        case "store":
            fields["store"] = _store(event.store_status, path)
        case "trouble":
            fields["message"] = event.problem
        case _:
            fields["task"] = asdict(_task(event))
    return json.dumps(fields)


def _store(store_status: StoreStatus, path: Path) -> dict[str, Any]:
    store = store_status.store
    return {
        "location": tilde(path),
        "exists": store is not None and store.exists,
        "schema_version": 0 if store is None else store.schema_version,
        "total": store_status.total,
    }


# Plain text


def plain_lines(event: Event, path: Path) -> list[str]:
    """Return an event as lines that begin with its time.

    There is none for a task that uniqc saved again with the same status.
    """
    at = wire_time(event.at)
    return [f"{at} {label:<8} {text}" for label, text in _labelled_texts(event, path)]


def _labelled_texts(event: Event, path: Path) -> Iterator[tuple[str, str]]:
    match event.kind:
        case "started":
            yield from _started_texts(event, path)
        case "store":
            yield "store", _store_text(event, path)
        case "trouble":
            yield "trouble", event.problem.replace("\n", " ")
        case _:
            if text := _task_text(event):
                yield event.kind, text


def _started_texts(event: Event, path: Path) -> Iterator[tuple[str, str]]:
    count = len(event.active)
    store = event.store_status.store
    if store is not None and store.exists:
        verb = "is" if count == 1 else "are"
        yield "started", f"{_task_count(count)} {verb} active. {_store_text(event, path)}"
    else:
        yield "started", f"Watching {tilde(path)}."
    for state in event.active[:_MAX_ACTIVE_LINES]:
        task = _sanitized(state, event)
        yield "active", f"{_label(task)}{_shots(task)}{_ages(task, event.at)}{_remarks(task)}"
    if count > _MAX_ACTIVE_LINES:
        yield "active", f"and {count - _MAX_ACTIVE_LINES:,} more"
    notes = [*store_notes(store), f"{POLLING_NOTE}."]
    if NO_PLATFORM_JOB in event.notes.values():
        notes.append(f"{WITHOUT_JOB}.")
    for note in notes:
        yield "note", note


def _store_text(event: Event, path: Path) -> str:
    store, total = event.store_status.store, event.store_status.total
    if store is None or not store.exists:
        return f"There is no file at {tilde(path)} any more; waiting for uniqc to make one."
    text = f"{tilde(path)} holds {_task_count(total)}, schema {store.schema_version}."
    if event.others:
        more = "more" if event.others > 0 else "fewer"
        text += f" Apart from these, there are {abs(event.others):,} {more} than before."
    return text


def _task_text(event: Event) -> str:
    task = _task(event)
    match event.kind:
        case "gone":
            end_state = "archived" if task.archived else "removed"
            return f"{_id_and_name(task)} {end_state}; it was {_status_and_backend(task)}"
        case "changed" if task.before == task.status:
            return ""
        case "changed" if task.before:
            change = f"{word(task.before)} -> {_status_and_backend(task)}{_shots(task)}"
            ended = f"{change}{_time_to_finish(task)}"
            return f"{_id_and_name(task)} {ended}{_remarks(task)}"
        case _:
            return f"{_label(task)}{_shots(task)}{_remarks(task)}"


def _task(event: Event) -> SanitizedTask:
    if event.task is None:
        raise TypeError(event.kind)
    return _sanitized(event.task, event)


def _sanitized(state: TaskState, event: Event) -> SanitizedTask:
    return SanitizedTask.of(
        state,
        before=event.before,
        archived=event.archived,
        error=event.errors.get(state.task_id, ""),
        note=event.notes.get(state.task_id, ""),
        shots=event.shots.get(state.task_id),
        now=event.at,
    )


def _remarks(task: SanitizedTask) -> str:
    note = f", {task.note}" if task.note else ""
    return f"{note}, error: {in_quotes(task.error)}" if task.error else note


def _label(task: SanitizedTask) -> str:
    return task_label(task.task_id, task.name, task.status, task.backend)


def _id_and_name(task: SanitizedTask) -> str:
    name_in_quotes = f" {in_quotes(task.name)}" if task.name else ""
    return f"{word(task.task_id)}{name_in_quotes}"


def _status_and_backend(task: SanitizedTask) -> str:
    return f"{word(task.status)} on {word(task.backend)}"


def _shots(task: SanitizedTask) -> str:
    return "" if task.shots is None else f", {task.shots:,} {plural('shot', task.shots)}"


def _ages(task: SanitizedTask, now: datetime) -> str:
    since_update = seconds_since(task.updated_at, now)
    old = "" if task.seconds is None else f", {duration(task.seconds)} old"
    if task.note == NO_PLATFORM_JOB:
        return old
    if is_in_future(recorded_time(task.updated_at), now):
        return f"{old}, touched in the future by this machine's clock"
    return old if since_update is None else f"{old}, heard of {duration(since_update)} ago"


def _time_to_finish(task: SanitizedTask) -> str:
    if task.active or task.seconds is None:
        return ""
    return f", {duration(task.seconds)} after it was submitted"


def _task_count(count: int) -> str:
    return f"{count:,} {plural('task', count)}"
