"""What a task is: the values that go into the store and come out of it.

``TaskInfo`` and ``TaskShard`` have the fields of uniqc's own classes, so that code written for
those works with these. They are mutable because uniqc's are.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Self, TypeAlias

from uniqc_store.errors import InvalidValueError

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
"""What ``json.loads`` returns. A number may be NaN or infinite: uniqc writes such."""

TERMINAL_STATUSES = ("success", "failed", "cancelled")
"""A task with one of these is finished. Every other status, known or not, is active."""


class TaskStatus(str, Enum):  # noqa: UP042 - as in uniqc: StrEnum would print differently
    """The statuses that uniqc knows. A file may hold others, such as a platform's own."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNIQC_ID = "uqt_"
"""How the ids begin that uniqc gives since version 5 of its schema."""

KNOWN_STATUSES = frozenset(status.value for status in TaskStatus)


def status_text(status: str) -> str:
    """What is stored for a status: ``running``, never ``TaskStatus.RUNNING``."""
    return str(status.value) if isinstance(status, Enum) else status


def utc_now() -> str:
    """The present as uniqc writes it: ISO 8601, aware, UTC."""
    return datetime.now(UTC).isoformat()


def parse_time(text: str) -> datetime | None:
    """A recorded time, aware where its zone was recorded and naive where not; None if unreadable.

    uniqc wrote naive local times up to 0.0.7 and aware UTC from 0.0.8 on. Only ISO 8601 with
    its hyphens, and with months, is read, as only that sorts as text.
    """
    try:
        if text[4:5] != "-" or text[5:6] == "W":
            return None
        moment = datetime.fromisoformat(text)
        # Most are in UTC as they stand, and there may be a million of them.
        zone = moment.tzinfo
        return moment if zone is UTC or zone is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def assume_local(moment: datetime) -> datetime:
    """The moment in UTC, a naive one taken for this machine's local time.

    uniqc wrote it on the machine whose clock it showed, which is most likely this one. It is
    good enough to filter and to tell an age, not to be shown as a fact.
    """
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):  # the years 1 and 9999
        return moment.replace(tzinfo=UTC)


@dataclass
class TaskInfo:
    """One task.

    Attributes:
        task_id: Unique in its file: ``uqt_<32 hex>`` from 0.0.12 on, before that the platform's.
        backend: Where it was submitted, ``originq:WK_C180``; the platform is before the colon.
        status: A ``TaskStatus`` or any other text.
        result: What the platform answered, in the platform's shape.
        shots: Repetitions of each circuit.
        submit_time: ISO 8601 as recorded; see :attr:`submitted_at`.
        update_time: When uniqc last touched the row, not when the task finished.
        metadata: Whatever the submitter attached; ``task_name`` is its name.
        error_message: What went wrong, in files of schema 3 and later.
        archived_at: When it was moved to the archive, for a task that was.
        damaged: The fields that could not be read or that hold what no release writes. Their
            value here is a stand-in, except that a status or a time is given as it stands.
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
        """The fields of the first schema, and of the later ones those that say something.

        So every release of uniqc takes the dictionary back, the oldest for as long as the
        task says nothing that it has no field for.
        """
        values = {name: deepcopy(getattr(self, name)) for name in _FIELDS}
        for name in _LATER_FIELDS:
            if not values[name]:
                del values[name]
        return values

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The reverse of :meth:`to_dict`, also of uniqc's own.

        Raises:
            InvalidValueError: A required field is missing, or one is unknown; it is named.
        """
        for name in data:
            if name not in _FIELDS:
                raise InvalidValueError(name, f"no such field; a task has {', '.join(_FIELDS)}")
        for name in ("task_id", "backend"):
            if name not in data:
                raise InvalidValueError(name, "missing")
        task = cls(**data)
        task.damaged = tuple(task.damaged)  # JSON has made a list of it
        return task


_FIELDS = tuple(field.name for field in fields(TaskInfo))
_LATER_FIELDS = ("error_message", "archived_at", "damaged")


@dataclass
class TaskShard:
    """One platform job of a task: a batch may be cut into several.

    Attributes:
        uniqc_task_id: The task it belongs to.
        shard_index: Its place in the task, from 0.
        platform_task_id: The platform's own id. Not unique: equal circuits can share one.
        backend: As in :class:`TaskInfo`.
        circuit_count: How many circuits it carries.
        sub_index_offset: The place of its first circuit in the batch.
        status: Its own status, whatever its task's is.
        result: As in :class:`TaskInfo`; a list where it carries several circuits.
        error_message: What went wrong.
        submit_time: ISO 8601 as recorded.
        update_time: When uniqc last touched the row.
        damaged: As in :class:`TaskInfo`.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One task as a reader sees it: everything but its result, which may be large.

    A value of its own and not a ``TaskInfo`` without its result, which, saved back, would wipe
    the result out.

    Attributes:
        result_bytes: Size of the stored result, if that was asked for; None where there is none.

    The others are those of :class:`TaskInfo`.
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

    @property
    def name(self) -> str:
        """``metadata.task_name``, empty where the submitter gave none."""
        name = self.metadata.get("task_name")
        return name if isinstance(name, str) else ""

    @property
    def finished(self) -> bool:
        return self.status in TERMINAL_STATUSES
