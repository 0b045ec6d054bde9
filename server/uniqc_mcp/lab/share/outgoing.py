"""A stored task as the message that is sent of it."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.exchange import Job, Task
from uniqc_mcp.lab.share.fingerprints import hexadecimal
from uniqc_store import TaskStatus, assume_local, parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from uniqc_mcp.lab.share.ranges import Fingerprinted
    from uniqc_mcp.lab.share.redacting import Redactor
    from uniqc_store import StoredJob, StoredTask, StoredValue

MAX_TASK_BYTES: Final = 7 * 2**20
"""Most bytes of one task with its jobs; the results of more stay on the machine."""

_STATUSES: Final = frozenset(status.value for status in TaskStatus)


def task_message(found: Fingerprinted, stored: StoredTask, redactor: Redactor) -> Task:
    """Return a task as it is sent, every text of it redacted."""
    metadata, value = redactor.json("metadata", stored.metadata_json)
    if not isinstance(value, dict) and metadata != "":
        redactor.note("metadata")
    result, _ = redactor.json("result", stored.result_json)
    submit_time, submitted_at = _time(redactor, "submit_time", stored.submit_time)
    update_time, updated_at = _time(redactor, "update_time", stored.update_time)
    status = redactor.text("status", stored.status)
    if status not in _STATUSES:
        redactor.note("status")
    jobs = tuple(
        _job_message(job, f"jobs[{number}]", number, redactor)
        for number, job in enumerate(stored.jobs)
    )
    return within(
        Task(
            key=found.key.message,
            fingerprint=hexadecimal(found.fingerprint),
            place=stored.row,
            backend=redactor.text("backend", stored.backend),
            status=status,
            shots=redactor.integer("shots", stored.shots),
            submit_time=submit_time,
            update_time=update_time,
            submitted_at=submitted_at,
            updated_at=updated_at,
            name=redactor.name(value),
            error=redactor.optional_text("error_message", stored.error_message),
            archived_at=redactor.optional_text("archived_at", stored.archived_at),
            metadata=metadata,
            result=result or None,
            result_bytes=_size(stored.result_json),
            jobs=jobs,
            damaged=redactor.take_damaged(),  # evaluated last: the others fill it
        ),
        MAX_TASK_BYTES,
    )


def within(task: Task, limit: int) -> Task:
    """Return a task without its largest results, where it is longer than so many bytes."""
    bodies = {
        number: len(job.result.encode())
        for number, job in enumerate(task.jobs)
        if job.result is not None
    }
    own = sum(len((body or "").encode()) for body in (task.result, task.metadata))
    excess = own + sum(bodies.values()) - limit
    if excess <= 0:
        return task
    jobs = list(task.jobs)
    for number, size in sorted(bodies.items(), key=lambda body: -body[1]):
        if excess <= 0:
            break
        jobs[number] = jobs[number].model_copy(update={"result": None})
        excess -= size
    return task.model_copy(update={"jobs": tuple(jobs)})


def without_bodies(task: Task) -> Task:
    """Return a task without its metadata and results, which stay on the machine."""
    jobs = tuple(job.model_copy(update={"result": None}) for job in task.jobs)
    return task.model_copy(update={"metadata": None, "result": None, "jobs": jobs})


def _job_message(job: StoredJob, field: str, number: int, redactor: Redactor) -> Job:
    text, integer = redactor.text, redactor.integer
    result, _ = redactor.json(f"{field}.result", job.result_json)
    index = job.shard_index
    return Job(
        shard_index=index if isinstance(index, int) else number,
        platform_task_id=text(f"{field}.platform_task_id", job.platform_task_id),
        backend=text(f"{field}.backend", job.backend),
        circuit_count=integer(f"{field}.circuit_count", job.circuit_count),
        sub_index_offset=integer(f"{field}.sub_index_offset", job.sub_index_offset),
        status=text(f"{field}.status", job.status),
        submit_time=text(f"{field}.submit_time", job.submit_time),
        update_time=text(f"{field}.update_time", job.update_time),
        error=redactor.optional_text(f"{field}.error_message", job.error_message),
        result=result or None,
        result_bytes=_size(job.result_json),
    )


def _time(redactor: Redactor, field: str, value: StoredValue) -> tuple[str, str | None]:
    """Return a time as recorded, and with its offset; None for one that is unreadable."""
    text = redactor.text(field, value)
    moment = parse_time(text)
    if moment is None:
        redactor.note(field)
        return text, None
    return text, _with_offset(moment)


def _with_offset(moment: datetime) -> str:
    if moment.tzinfo is None:
        offset = moment - assume_local(moment).replace(tzinfo=None)
        moment = moment.replace(tzinfo=timezone(offset))
    return moment.isoformat()


def _size(value: StoredValue) -> int | None:
    return len(value) if isinstance(value, bytearray | bytes) else None
