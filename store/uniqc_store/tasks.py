"""The values that the store takes and returns: tasks, their shards and their statuses.

``TaskInfo`` and ``TaskShard`` have the fields of uniqc's own classes, so that code written for
those works with these. They are mutable because uniqc's are.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Self, TypeAlias

from uniqc_store.errors import InvalidValueError

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
"""A value that ``json.loads`` returns. uniqc also writes numbers that are NaN or infinite."""

TERMINAL_STATUSES = ("success", "failed", "cancelled")
"""Statuses of finished tasks. A task with any other status, known or not, is active."""


class TaskStatus(str, Enum):  # noqa: UP042 - as in uniqc: StrEnum would print differently
    """The statuses that uniqc knows. A file may hold others, such as those of a platform."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNIQC_ID = "uqt_"
"""Prefix of the ids that uniqc generates since version 5 of its schema."""

KNOWN_STATUSES = frozenset(status.value for status in TaskStatus)
"""The statuses that uniqc knows, as they are stored."""


def status_text(status: str) -> str:
    """Return a status as it is stored: ``running``, never ``TaskStatus.RUNNING``."""
    return str(status.value) if isinstance(status, Enum) else status


def utc_now() -> str:
    """Return the current time as uniqc writes it: ISO 8601 in UTC, with its offset."""
    return datetime.now(UTC).isoformat()


def parse_time(text: str) -> datetime | None:
    """Return a recorded time: in UTC, or naive if it has no offset; None if it is unreadable.

    uniqc wrote naive local times up to 0.0.7 and UTC with its offset from 0.0.8 on. Only ISO 8601
    with hyphens and months is accepted, because only that sorts as text.
    """
    try:
        if text[4:5] != "-" or text[5:6] == "W":
            return None
        moment = datetime.fromisoformat(text)
        # Most times are in UTC already; astimezone() would add half to the time of a scan.
        zone = moment.tzinfo
        return moment if zone is UTC or zone is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def assume_local(moment: datetime) -> datetime:
    """Return the time in UTC, with a naive one taken as this machine's local time.

    uniqc wrote naive times by the clock of its own machine, which is most likely this one. That
    is good enough for a filter or an age, but not to be shown as a fact.
    """
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):  # in the years 1 and 9999
        return moment.replace(tzinfo=UTC)


_MAX_UTC_OFFSET = timedelta(days=1)
"""More than any offset from UTC that ISO 8601 can express."""

AFTER_EVERY_DIGIT = ":"
"""The character that follows ``9``: text that begins with it sorts after every date."""


def text_before(moment: datetime) -> str:
    """Return text that sorts before every later time as recorded, whatever its zone."""
    try:
        return (moment.astimezone(UTC) - _MAX_UTC_OFFSET).date().isoformat()
    except OverflowError:
        return ""


def text_after(moment: datetime) -> str:
    """Return text that sorts after every earlier time as recorded, whatever its zone."""
    try:
        return (moment.astimezone(UTC) + _MAX_UTC_OFFSET + timedelta(days=1)).date().isoformat()
    except OverflowError:
        return AFTER_EVERY_DIGIT


@dataclass
class TaskInfo:
    """One task.

    Attributes:
        task_id: Unique in its file: ``uqt_<32 hex>`` from 0.0.12 on, before that the platform's.
        backend: Its label, such as ``originq:WK_C180``; the platform is before the colon.
        status: A ``TaskStatus`` or any other text.
        result: The platform's result, in the platform's shape.
        shots: Repetitions of each circuit.
        submit_time: ISO 8601 as recorded; see :attr:`submitted_at`.
        update_time: Time of uniqc's last write to the row, not of the end of the task.
        metadata: Values that the submitter attached; ``task_name`` is the task's name.
        error_message: The error of a failed task, in files of schema 3 and later.
        archived_at: Time of its move to the archive; None for a live task.
        damaged: Fields that are unreadable or that hold a value no release writes. A status or a
            time among them is returned as it stands, any other field as a placeholder.
    """

    task_id: str
    backend: str
    status: str = TaskStatus.PENDING
    result: JsonValue = None
    shots: int = 1000
    submit_time: str = field(default_factory=utc_now)
    update_time: str = field(default_factory=utc_now)
    metadata: dict[str, JsonValue] = field(default_factory=dict[str, "JsonValue"])
    error_message: str | None = None
    archived_at: str | None = None
    damaged: tuple[str, ...] = ()

    @property
    def finished(self) -> bool:
        """True if the status is one of ``TERMINAL_STATUSES``."""
        return status_text(self.status) in TERMINAL_STATUSES

    @property
    def submitted_at(self) -> datetime | None:
        """``submit_time`` in UTC; naive where no zone was recorded, None if unreadable."""
        return parse_time(self.submit_time)

    @property
    def updated_at(self) -> datetime | None:
        """``update_time`` in UTC; naive where no zone was recorded, None if unreadable."""
        return parse_time(self.update_time)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of the first schema, and those of later schemas that are not empty.

        Every release of uniqc accepts the dictionary, unless a field is filled that the release
        does not have.
        """
        values = {name: deepcopy(getattr(self, name)) for name in _FIELDS}
        for name in _LATER_FIELDS:
            if not values[name]:
                del values[name]
        return values

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the task of a dictionary that :meth:`to_dict`, or uniqc's own, returned.

        Raises:
            InvalidValueError: A required field is missing or a field is unknown; it is named.
        """
        for name in data:
            if name not in _FIELDS:
                raise InvalidValueError(name, f"no such field; a task has {', '.join(_FIELDS)}")
        for name in ("task_id", "backend"):
            if name not in data:
                raise InvalidValueError(name, "missing")
        task = cls(**data)
        task.damaged = tuple(task.damaged)  # a list, if the dictionary was stored as JSON
        return task


_FIELDS = tuple(field.name for field in fields(TaskInfo))
_LATER_FIELDS = ("error_message", "archived_at", "damaged")


@dataclass
class TaskShard:
    """One platform job of a task. A batch of circuits may be cut into several.

    Attributes:
        uniqc_task_id: Id of its task.
        shard_index: Its place in the task, from 0.
        platform_task_id: The platform's own id. Not unique: equal circuits can share one.
        backend: See :class:`TaskInfo`.
        circuit_count: Number of its circuits.
        sub_index_offset: The place of its first circuit in the batch.
        status: Its own status, which may differ from that of the task.
        result: See :class:`TaskInfo`; a list if it has several circuits. Reads leave it out,
            except a short result of a failed job, in which platforms write why it failed.
        has_result: True if a result is stored, whether it was read or not.
        error_message: Its error, if it failed.
        submit_time: ISO 8601 as recorded.
        update_time: Time of uniqc's last write to the row.
        damaged: See :class:`TaskInfo`.
    """

    uniqc_task_id: str
    shard_index: int
    platform_task_id: str
    backend: str
    circuit_count: int = 1
    sub_index_offset: int = 0
    status: str = TaskStatus.PENDING
    result: JsonValue = None
    error_message: str | None = None
    submit_time: str = field(default_factory=utc_now)
    update_time: str = field(default_factory=utc_now)
    damaged: tuple[str, ...] = ()
    has_result: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One task without its result, which may be large.

    This is not a ``TaskInfo``, because saving one without its result would erase the result.

    Attributes:
        result_bytes: Size of the stored result; None if there is none, or if the query did not
            ask for it.
        result_elsewhere: True if the store knows of a result that it does not hold, as one of
            several machines may.
        metadata_elsewhere: Likewise of the metadata, of which the name alone may be held.
        owner: The person whose task it is, in a store of several people; empty in uniqc's files.
        machine: The machine that it came from; empty in the same cases.

    The other attributes are those of :class:`TaskInfo`.
    """

    task_id: str
    backend: str
    status: str
    shots: int
    submit_time: str
    update_time: str
    metadata: dict[str, JsonValue]
    error_message: str | None
    archived_at: str | None
    result_bytes: int | None
    damaged: tuple[str, ...]
    result_elsewhere: bool = False
    metadata_elsewhere: bool = False
    owner: str = ""
    machine: str = ""

    @property
    def name(self) -> str:
        """``metadata.task_name``; empty if the submitter gave none."""
        name = self.metadata.get("task_name")
        return name if isinstance(name, str) else ""

    @property
    def known_shots(self) -> int | None:
        """The repetitions of each circuit; None if not recorded, where imports store 0."""
        return self.shots if self.shots > 0 and "shots" not in self.damaged else None

    @property
    def finished(self) -> bool:
        """True if the status is one of ``TERMINAL_STATUSES``."""
        return self.status in TERMINAL_STATUSES
