"""The tasks of a mix as a machine sends them, without their results, which no list reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.exchange import Job, Key, Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.mix import Mix, TaskRow

REPLACED: Final = "quafu:ScQ-P136"
RETIRED: Final = "quafu-old:ScQ-P10"
"""A platform that was in use long ago only, instead of another one."""
_RETIRED_SHARE: Final = 0.2
"""The share of the oldest tasks among which the retired platform was in use."""


def messages(mix: Mix) -> Iterator[Task]:
    """Yield each task of a mix, oldest first."""
    for place, (row, platform_id) in enumerate(mix.tasks()):
        is_old = place < _RETIRED_SHARE * mix.size
        yield _message(place, row, platform_id, is_old=is_old)


def _message(place: int, row: TaskRow, platform_id: str, *, is_old: bool) -> Task:
    task_id, backend, status, shots, submitted, updated, result, metadata, error = row
    if is_old and backend == REPLACED:
        backend = RETIRED
    size = None if result is None else len(result)
    job = Job(
        shard_index=0,
        platform_task_id=platform_id,
        backend=backend,
        circuit_count=1,
        sub_index_offset=0,
        status=status,
        submit_time=submitted,
        update_time=updated,
        error=error,
        result_bytes=size,
    )
    return Task(
        key=Key(task_id=task_id),
        fingerprint=f"{place:032x}",
        place=place,
        backend=backend,
        status=status,
        shots=shots,
        submit_time=submitted,
        update_time=updated,
        submitted_at=submitted,
        updated_at=updated,
        name=metadata.partition('"task_name": "')[2].partition('"')[0],
        error=error,
        archived_at=None,
        metadata=metadata,
        result=None,
        result_bytes=size,
        jobs=(job,),
    )
