"""Messages as a machine sends them, made of the records of the contract tests."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from uniqc_mcp.lab.exchange import MAX_RANGE_TASKS, Compare, Job, Key, Push, Range, Task
from uniqc_store import assume_local, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.contract.records import StoredTask

STORE = "5" * 32


def key_of(task: StoredTask) -> Key:
    return Key(task_id=task.task_id, archived=task.archived)


def message_of(task: StoredTask, place: int) -> Task:
    """Return a task as the pusher sends one in which there is nothing to redact."""
    return Task(
        key=key_of(task),
        fingerprint=fingerprint_of(task),
        place=place,
        **{name: getattr(task, name) for name in ("backend", "status", "shots", "name", "error")},
        submit_time=task.submit_time,
        update_time=task.update_time,
        submitted_at=_aware(task.submit_time),
        updated_at=_aware(task.update_time),
        archived_at=task.archived_at,
        metadata=task.metadata,
        result=task.result,
        result_bytes=_size(task.result),
        jobs=tuple(
            Job(
                shard_index=index,
                **{
                    name: getattr(job, name)
                    for name in ("platform_task_id", "backend", "circuit_count", "status", "error")
                },
                sub_index_offset=job.sub_index_offset,
                submit_time=job.submit_time,
                update_time=job.update_time,
                result=job.result,
                result_bytes=_size(job.result),
            )
            for index, job in enumerate(task.jobs)
        ),
    )


def push_of(
    tasks: Iterable[tuple[int, StoredTask]], gone: Iterable[Key] = (), *, store_id: str = STORE
) -> Push:
    """Return the message with some tasks and their places."""
    sent = tuple(message_of(task, place) for place, task in tasks)
    return Push(store_id=store_id, tasks=sent, gone=tuple(gone))


def compare_of(
    tasks: Sequence[StoredTask],
    *,
    store_id: str = STORE,
    audience: str = "me",
    machine: str = "laptop",
    range_tasks: int = MAX_RANGE_TASKS,
) -> Compare:
    """Return the digests of a store with these tasks."""
    ordered = sorted(tasks, key=lambda task: (task.task_id.encode(), task.archived))
    ranges: list[Range] = []
    after = ""
    parts = [ordered[n : n + range_tasks] for n in range(0, len(ordered), range_tasks)] or [[]]
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        upto = None if is_last else part[-1].task_id
        ranges.append(Range(after=after, upto=upto, count=len(part), digest=digest_of(part)))
        after = upto or ""
    return Compare.model_validate(
        {
            "store_id": store_id,
            "machine": machine,
            "audience": audience,
            "schema_version": 5,
            "count": len(ordered),
            "digest": digest_of(ordered),
            "ranges": [one.model_dump() for one in ranges],
        }
    )


def fingerprint_of(task: StoredTask) -> str:
    return blake2b(repr(task).encode(), digest_size=16).hexdigest()


def digest_of(tasks: Iterable[StoredTask]) -> str:
    return f"{sum(int(fingerprint_of(task), 16) for task in tasks) % 2**128:032x}"


def _aware(text: str) -> str | None:
    moment = parse_time(text)
    return None if moment is None else assume_local(moment).isoformat()


def _size(text: str | None) -> int | None:
    return None if text is None else len(text.encode())
