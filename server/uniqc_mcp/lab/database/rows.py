"""Rows of the tables, made of the tasks of a message and checked one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.database.values import (
    MAX_KEY_BYTES,
    RefusedTaskError,
    checked,
    checked_integer,
    checked_moment,
    optional_integer,
)
from uniqc_mcp.lab.exchange import MAX_BODY_BYTES
from uniqc_store import parse_json

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.redaction import Redaction
    from uniqc_mcp.lab.exchange import Job, Key, Task

UNREADABLE: Final = -(2**63)
"""The order of a task whose update time can't be read: before every other."""

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRows:
    """The rows of one task, without owner, store and revision.

    Attributes:
        task: The values of ``TASK_COLUMNS``.
        body: Its metadata and its result.
        jobs: The values of ``JOB_COLUMNS`` of each of its jobs.
    """

    key: Key
    fingerprint: str
    status: str
    backend: str
    task: Row
    body: tuple[str | None, str | None]
    jobs: tuple[Row, ...]


TASK_COLUMNS: Final[dict[str, str]] = {
    "task_id": "text",
    "archived": "boolean",
    "fingerprint": "text",
    "place": "bigint",
    "backend": "text",
    "backend_folded": "text",
    "platform_folded": "text",
    "status": "text",
    "shots": "bigint",
    "circuits": "bigint",
    "submit_time": "text",
    "update_time": "text",
    "submitted_us": "bigint",
    "updated_us": "bigint",
    "updated_order": "bigint",
    "name": "text",
    "name_folded": "text",
    "error": "text",
    "error_folded": "text",
    "archived_at": "text",
    "legacy_id": "text",
    "has_job": "boolean",
    "result_bytes": "bigint",
    "damaged": "text",
}
"""The columns of a task and their types, in the order of ``TaskRows.task``."""

JOB_COLUMNS: Final[dict[str, str]] = {
    "task_id": "text",
    "archived": "boolean",
    "shard_index": "bigint",
    "platform_task_id": "text",
    "backend": "text",
    "circuit_count": "bigint",
    "sub_index_offset": "bigint",
    "status": "text",
    "submit_time": "text",
    "update_time": "text",
    "error": "text",
    "result": "text",
    "result_bytes": "bigint",
}
"""The columns of a job and their types, in the order of ``TaskRows.jobs``."""


def rows_of(task: Task, redaction: Redaction) -> TaskRows:
    """Return the rows of a task.

    Raises:
        RefusedTaskError: The database can't hold it.
    """
    return _TaskReader(task, redaction).rows()


class _TaskReader:
    def __init__(self, task: Task, redaction: Redaction) -> None:
        self._task = task
        self._redaction = redaction
        self._damaged = dict.fromkeys(filter(_is_field_name, task.damaged))

    def rows(self) -> TaskRows:
        task = self._task
        task_id = checked("task_id", task.key.task_id)
        if not task_id or "\0" in task_id:
            raise RefusedTaskError("task_id: is empty or has a NUL")
        backend, status = self._text("backend", task.backend), self._text("status", task.status)
        metadata = self._body("metadata", task.metadata)
        result = self._body("result", task.result)
        jobs = tuple(self._job(job) for job in task.jobs)
        if len({job.shard_index for job in task.jobs}) < len(jobs):
            raise RefusedTaskError("jobs: two have the same shard_index")
        times = self._times()
        # The name of the damaged fields comes last: reading the others fills it.
        values = (
            *(task_id, task.key.archived, task.fingerprint, checked_integer("place", task.place)),
            *_labels(backend),
            *(status, checked_integer("shots", task.shots), _circuits(task)),
            *times,
            *_folded(self._text("name", task.name)),
            *_folded(self._optional("error", task.error)),
            *(self._optional("archived_at", task.archived_at), _legacy_id(metadata), bool(jobs)),
            *(optional_integer("result_bytes", task.result_bytes), " ".join(self._damaged)),
        )
        return TaskRows(
            key=task.key,
            fingerprint=task.fingerprint,
            status=status,
            backend=backend,
            task=values,
            body=(metadata, result),
            jobs=jobs,
        )

    def _times(self) -> Row:
        task = self._task
        updated = checked_moment("updated_at", task.updated_at)
        return (
            self._text("submit_time", task.submit_time),
            self._text("update_time", task.update_time),
            checked_moment("submitted_at", task.submitted_at),
            updated,
            UNREADABLE if updated is None else updated,
        )

    def _job(self, job: Job) -> Row:
        return (
            self._task.key.task_id,
            self._task.key.archived,
            checked_integer("shard_index", job.shard_index),
            self._text("platform_task_id", job.platform_task_id, redact=False),
            self._text("backend", job.backend),
            checked_integer("circuit_count", job.circuit_count),
            checked_integer("sub_index_offset", job.sub_index_offset),
            self._text("status", job.status),
            self._text("submit_time", job.submit_time),
            self._text("update_time", job.update_time),
            self._optional("error", job.error),
            self._body("result", job.result),
            optional_integer("result_bytes", job.result_bytes),
        )

    def _text(self, field: str, text: str, *, redact: bool = True) -> str:
        sound = self._without_nul(field, checked(field, text))
        return checked(field, self._redaction.text(sound)) if redact else sound

    def _optional(self, field: str, text: str | None) -> str | None:
        return None if text is None else self._text(field, text)

    def _body(self, field: str, text: str | None) -> str | None:
        """Return metadata or a result; None, and the field is damaged, where it is too large."""
        if text is None:
            return None
        kept = self._redaction.json(self._without_nul(field, checked(field, text)))
        if len(kept.encode()) > MAX_BODY_BYTES:
            self._damaged[field] = None
            return None
        return kept

    def _without_nul(self, field: str, text: str) -> str:
        if "\0" not in text:
            return text
        self._damaged[field] = None
        return text.replace("\0", "")


def _labels(backend: str) -> tuple[str, str, str]:
    folded = backend.casefold()
    return backend, folded, folded.partition(":")[0]


def _folded(text: str | None) -> tuple[str | None, str | None]:
    return text, None if text is None else text.casefold()


def _circuits(task: Task) -> int:
    total = sum(max(job.circuit_count, 1) for job in task.jobs) or 1
    return checked_integer("circuit_count", total)


def _legacy_id(metadata: str | None) -> str | None:
    """Return the platform's id that an upgrade to version 5 kept, which tasks are found by."""
    if not metadata or '"legacy_platform_id"' not in metadata:
        return None
    try:
        value = parse_json(metadata)
    except ValueError:
        return None
    legacy_id = value.get("legacy_platform_id") if isinstance(value, dict) else None
    if not isinstance(legacy_id, str) or len(legacy_id.encode()) > MAX_KEY_BYTES["task_id"]:
        return None
    return legacy_id


def _is_field_name(name: str) -> bool:
    return name.isidentifier() and len(name) <= 40  # noqa: PLR2004 - longer than any field's
