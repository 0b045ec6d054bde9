"""Figures of groups of tasks: how many, how many succeeded, shots, and how long they took."""

from __future__ import annotations

import math
from array import array
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from uniqc_mcp.records.failure_kinds import failure_kinds
from uniqc_store import TERMINAL_STATUSES, assume_local, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import Measures, TaskFilter

GroupKey = Literal["status", "backend", "platform", "day", "hour", "week", "name", "error"]
Labels: TypeAlias = tuple[str, ...]

UNDATED: Final = "(no readable time)"
NO_REASON: Final = "(no reason recorded)"

_DAY: Final = len("2026-08-05")
_HOUR: Final = len("2026-08-05T05")
_OFFSET: Final = len("+00:00")


class Figures:
    """The figures of one group, to which tasks are added one by one.

    Attributes:
        tasks: The number of tasks.
        finished: The number of those that are finished.
        succeeded: The number of those that succeeded.
        shots: Shots of all circuits of all tasks.
        oldest: The earliest submit time; None if none is readable.
        newest: The latest submit time.
    """

    __slots__ = ("_seconds", "finished", "newest", "oldest", "shots", "succeeded", "tasks")

    def __init__(self) -> None:
        self.tasks = self.finished = self.succeeded = self.shots = 0
        self.oldest: datetime | None = None
        self.newest: datetime | None = None
        self._seconds = array("d")

    def add(self, task: Measures, submitted: datetime | None) -> None:
        """Add a task that was submitted at this time, aware; None if it is unreadable."""
        self.tasks += 1
        self.shots += task.shots
        if submitted is not None:
            if self.oldest is None or submitted < self.oldest:
                self.oldest = submitted
            if self.newest is None or submitted > self.newest:
                self.newest = submitted
        if task.status not in TERMINAL_STATUSES:
            return
        self.finished += 1
        if task.status == "success":
            self.succeeded += 1
        touched = _aware(task.update_time)
        if submitted is not None and touched is not None and touched >= submitted:
            self._seconds.append((touched - submitted).total_seconds())

    def merge(self, other: Figures) -> None:
        """Add all tasks of another group."""
        self.tasks += other.tasks
        self.finished += other.finished
        self.succeeded += other.succeeded
        self.shots += other.shots
        self._seconds.extend(other._seconds)
        times = [self.oldest, self.newest, other.oldest, other.newest]
        known = [moment for moment in times if moment is not None]
        self.oldest, self.newest = (min(known), max(known)) if known else (None, None)

    def seconds_at(self, *shares: float) -> list[float]:
        """Return the times that so large a share of the finished tasks did not exceed.

        From submission to uniqc's last touch. The smallest such time that occurs ("nearest
        rank"); empty if no finished task has both times.
        """
        ordered = sorted(self._seconds)
        return [ordered[max(0, math.ceil(share * len(ordered)) - 1)] for share in shares if ordered]


def figures_by(
    snapshot: StoreSnapshot, task_filter: TaskFilter, keys: Sequence[GroupKey], sanitizer: Sanitizer
) -> dict[Labels, Figures]:
    """Return the figures of each group of the tasks that match, by the group's labels.

    Args:
        snapshot: The state of the file.
        task_filter: The tasks.
        keys: What the tasks are grouped by; one label for each. Days, weeks and hours are those of
            this machine's time zone.
        sanitizer: Redacts the reasons of failures before their kinds are told.
    """
    kinds = dict(failure_kinds(snapshot, task_filter, sanitizer)) if "error" in keys else {}
    labels_of = [_label_function(key, kinds) for key in keys]
    groups: dict[Labels, Figures] = {}
    for task in snapshot.measures(task_filter, names="name" in keys):
        submitted = _aware(task.submit_time)
        labels = tuple([label(task, submitted) for label in labels_of])
        if (figures := groups.get(labels)) is None:
            figures = groups[labels] = Figures()
        figures.add(task, submitted)
    return groups


LabelFunction: TypeAlias = "Callable[[Measures, datetime | None], str]"


def _label_function(key: GroupKey, kinds: Mapping[str, str]) -> LabelFunction:
    match key:
        case "status":
            return lambda task, _: task.status
        case "backend":
            return lambda task, _: task.backend
        case "platform":
            return lambda task, _: task.backend.partition(":")[0]
        case "name":
            return lambda task, _: task.name
        case "error":
            return lambda task, _: _kind(task, kinds)
        case _:
            return LocalTimes(key).label


def _kind(task: Measures, kinds: Mapping[str, str]) -> str:
    without = NO_REASON if task.status in {"failed", "cancelled"} else f"({task.status})"
    return kinds.get(task.task_id, without)


class LocalTimes:
    """Days, weeks and hours of this machine's time zone, remembered for each recorded day and hour.

    A summary by day of many tasks takes half the time of one with a conversion for each.
    """

    def __init__(self, key: Literal["day", "hour", "week"]) -> None:
        self._key = key
        self._labels: dict[tuple[str, str], str] = {}

    def label(self, task: Measures, submitted: datetime | None) -> str:
        """Return the day such as ``2026-11-03``, its hour, or the day on which its week begins."""
        if submitted is None:
            return UNDATED
        text = task.submit_time
        offset = text[-_OFFSET:]
        if offset[0] not in "+-":
            return self._label(submitted)
        day = text[:_DAY], offset
        if (label := self._labels.get(day)) is None:
            label = self._labels[day] = self._label_of_day(datetime.fromisoformat(text))
        if label:
            return label
        hour = text[:_HOUR], offset
        if (label := self._labels.get(hour)) is None:
            label = self._labels[hour] = self._label_of_hour(datetime.fromisoformat(text))
        return label or self._label(submitted)

    def _label_of_day(self, moment: datetime) -> str:
        """Return the label of the whole day, as it was recorded; empty if it has several."""
        first, last = (datetime.combine(moment, end, moment.tzinfo) for end in (time.min, time.max))
        return self._label_between(first, last)

    def _label_of_hour(self, moment: datetime) -> str:
        first = moment.replace(minute=0, second=0, microsecond=0)
        return self._label_between(first, first + timedelta(hours=1, microseconds=-1))

    def _label_between(self, first: datetime, last: datetime) -> str:
        label = self._label(first)
        return label if label == self._label(last) else ""

    def _label(self, submitted: datetime) -> str:
        try:
            local = submitted.astimezone()
            if self._key == "hour":
                return f"{local:%Y-%m-%d %H}:00{local:%z}"
            days = local.weekday() if self._key == "week" else 0
            return (local.date() - timedelta(days=days)).isoformat()
        except (OverflowError, ValueError, OSError):  # in the years 1 and 9999
            return submitted.date().isoformat()


def _aware(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is UTC:
        return moment
    parsed = parse_time(text)
    return None if parsed is None else assume_local(parsed)
