"""The meaning of the filters that tools take, and the words for them in an answer."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, Unpack

from uniqc_mcp.errors import InvalidArgumentError, nearest
from uniqc_mcp.questions.snapshot import StoreSnapshot
from uniqc_mcp.responses.text import counted, is_or_are
from uniqc_mcp.responses.times import exact_wire_time, requested_duration, requested_time
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.tasks.filter_arguments import FilterArguments, Status
from uniqc_store import TERMINAL_STATUSES, Archived, TaskFilter

_MAX_BACKENDS: Final = 10
_MAX_IDS: Final = 5


def requested_filter(
    now: datetime,
    *,
    status: Status | Sequence[Status],
    **filters: Unpack[FilterArguments],
) -> TaskFilter:
    """Return the filter that the arguments of a tool mean.

    Raises:
        InvalidArgumentError: A time is neither a time nor an age, a range of times holds none, a
            duration is none, or finished tasks are to be untouched.
    """
    task_filter = TaskFilter(
        status=_status(status),
        backend=filters.get("backend", ""),
        submitted_after=_time("submitted_after", filters, now),
        submitted_before=_time("submitted_before", filters, now),
        name_contains=filters.get("name_contains", ""),
        updated_after=_time("updated_after", filters, now),
        updated_before=_time("updated_before", filters, now),
        except_backends=tuple(filters.get("except_backend", ())),
        task_ids=tuple(filters.get("task_ids", ())),
        error_contains=filters.get("error_contains", ""),
    )
    _check_range("submitted", task_filter.submitted_after, task_filter.submitted_before)
    _check_range("updated", task_filter.updated_after, task_filter.updated_before)
    not_heard_for = filters.get("not_heard_for", "")
    return _unheard(task_filter, not_heard_for, now) if not_heard_for else task_filter


def _check_range(name: str, after: datetime | None, before: datetime | None) -> None:
    """Refuse a range that no time is in, which would find nothing whatever there is."""
    if after is not None and before is not None and after >= before:
        raise InvalidArgumentError(
            f"{name}_after ({exact_wire_time(after)}) is not earlier than {name}_before "
            f"({exact_wire_time(before)}), so no time is between. {name}_before is exclusive: for "
            "one day, give it the next day."
        )


def _unheard(task_filter: TaskFilter, not_heard_for: str, now: datetime) -> TaskFilter:
    """Return the filter with the active tasks alone that uniqc has not touched for a while."""
    try:
        # As an age, it has the bounds of an age.
        moment = now - requested_duration(not_heard_for)
    except (ValueError, OverflowError):
        raise InvalidArgumentError(
            f"not_heard_for must be a duration such as 6h or 2d, not {quoted(not_heard_for)}."
        ) from None
    if {"finished", *TERMINAL_STATUSES}.intersection(task_filter.statuses):
        raise InvalidArgumentError(
            "not_heard_for is for active tasks: leave out the finished statuses. For others, "
            "updated_before asks for the time of the last touch."
        )
    moment = moment.replace(microsecond=0)
    return replace(
        task_filter,
        status=task_filter.status if task_filter.by_status else "active",
        updated_before=min(moment, task_filter.updated_before or moment),
    )


def _status(asked: Status | Sequence[Status]) -> str | tuple[str, ...]:
    """Return the status of a filter: one name where one says it all."""
    names = tuple(dict.fromkeys((asked,) if isinstance(asked, str) else asked))
    if "any" in names:
        return "any"
    return names[0] if len(names) == 1 else names


TimeArgument = Literal["submitted_after", "submitted_before", "updated_after", "updated_before"]


def _time(argument: TimeArgument, filters: FilterArguments, now: datetime) -> datetime | None:
    text = filters.get(argument, "")
    try:
        return requested_time(text, now)
    except ValueError:
        raise InvalidArgumentError(
            f"{argument} must be a date or time such as 2026-11-03 or 2026-11-03T18:00:00Z, or "
            f"how long ago such as 36h or 7d, not {quoted(text)}."
        ) from None


def notes_on_filter(
    snapshot: StoreSnapshot, task_filter: TaskFilter, *, found: bool, archived: Archived = "exclude"
) -> list[str]:
    """Return notes on the tasks that a filter leaves out and that a reader could miss.

    Args:
        snapshot: The state of the file that was read.
        task_filter: The filter.
        found: Whether any task matches it. If none does, the notes say what else there is.
        archived: Whether tasks of the archive were asked for. The notes are on live tasks.
    """
    if archived != "exclude":
        every = snapshot.archived()
        return [] if found else [f"Tasks in the archive in all: {every}."]
    notes: list[str] = []
    if not found and (put_away := snapshot.archived(task_filter)):
        notes.append(
            f"{counted(put_away, describe_filter(task_filter))} {is_or_are(put_away)} archived: "
            "archived=include lists them."
        )
    if task_filter.by_time and (undated := snapshot.without_date(task_filter)):
        notes.append(f"Tasks without a readable submit time, which no time filter finds: {undated}")
    if not snapshot.state.exists:
        return notes
    if task_filter.error_contains and not snapshot.has_errors:
        notes.append("This file is too old to hold error messages, so error_contains finds none.")
    notes += _unknown_ids(snapshot, task_filter, found=found)
    unknown = list(task_filter.except_backends)
    if not found:
        if total := snapshot.count(TaskFilter()):
            notes.append(f"Tasks in the cache that do not match: {total}.")
        unknown += filter(None, [task_filter.backend])
    return notes + _unknown_backends(snapshot, unknown)


def _unknown_ids(snapshot: StoreSnapshot, task_filter: TaskFilter, *, found: bool) -> list[str]:
    """Return notes on the ids of a filter that no task in the cache has."""
    if not task_filter.task_ids:
        return []
    known = snapshot.live_among(task_filter.task_ids)
    unknown = [task_id for task_id in task_filter.task_ids if task_id not in known]
    if not unknown:
        return []
    shown = ", ".join(map(quoted, unknown[:_MAX_IDS]))
    others = f" and {len(unknown) - _MAX_IDS} others" if len(unknown) > _MAX_IDS else ""
    notes = [f"No task in the cache has the id {shown}{others}."]
    # Where nothing was found, the archived ones have a note already.
    if found and (put_away := snapshot.archived(TaskFilter(task_ids=tuple(unknown)))):
        notes.append(
            f"{put_away} of these {is_or_are(put_away)} archived: archived=include lists them."
        )
    return notes


def _unknown_backends(snapshot: StoreSnapshot, names: Sequence[str]) -> list[str]:
    """Return a note for each of these backends that no task is on."""
    backends = snapshot.backends() if names else ()
    platforms = {label.partition(":")[0] for label in backends}
    known = platforms.union(backends)
    notes: list[str] = []
    for name in names[:_MAX_BACKENDS]:
        if backends and not any(map(TaskFilter(backend=name).matches_backend, backends)):
            similar = nearest(name, known, most=3)
            shown = ", ".join(map(quoted, similar or sorted(platforms)[:_MAX_BACKENDS]))
            these = "Similar ones" if similar else "Platforms in the cache"
            notes.append(f"None is on backend {quoted(name)}. {these}: {shown}.")
    return notes


def describe_filter(task_filter: TaskFilter, archived: Archived = "exclude") -> str:
    """Return the words for what a filter matches: ``active tasks on "originq"``."""
    words = [" or ".join(task_filter.statuses)] if task_filter.by_status else []
    if archived == "only":
        words.insert(0, "archived")
    words.append("tasks")
    if archived == "include":
        words.append("in the cache or its archive")
    if task_filter.task_ids:
        words.append(f"among {len(task_filter.task_ids)} given by id")
    if task_filter.backend:
        words.append(f"on {quoted(task_filter.backend)}")
    if task_filter.except_backends:
        words.append(f"not on {' or '.join(map(quoted, task_filter.except_backends))}")
    parts = {"name": task_filter.name_contains, "error": task_filter.error_contains}
    if contains := [f"{quoted(part)} in the {field}" for field, part in parts.items() if part]:
        words.append(f"with {' and '.join(contains)}")
    times = {
        "submitted": _between(task_filter.submitted_after, task_filter.submitted_before),
        "last touched by uniqc": _between(task_filter.updated_after, task_filter.updated_before),
    }
    ranges = ", ".join(f"{verb} {time}" for verb, time in times.items() if time)
    return " ".join([*words, ranges]).rstrip()


def _between(after: datetime | None, before: datetime | None) -> str:
    """Return the words for a range of times that includes its beginning; empty for no range."""
    if after is not None and before is not None:
        return f"between {exact_wire_time(after)} and {exact_wire_time(before)}"
    if after is not None:
        return f"since {exact_wire_time(after)}"
    return "" if before is None else f"before {exact_wire_time(before)}"
