"""The answers that follow from the records alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from uniqc_store import TaskFilter, assume_local, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.contract.records import StoredTask

    from uniqc_store import Archived, Order

_NEVER = datetime.min.replace(tzinfo=UTC)
_NOON = datetime(2026, 8, 1, 9, 30, tzinfo=UTC)

FILTERS: Final = (
    TaskFilter(),
    *(TaskFilter(status=one) for one in ("active", "finished", "success", "QUEUED", "lost")),
    TaskFilter(status=("failed", "running")),
    *(TaskFilter(backend=one) for one in ("originq", "ORIGINQ:wk_c180", "dummy", "ibm", "é_%")),
    TaskFilter(except_backends=("originq", "dummy")),
    TaskFilter(status="active", backend="originq"),
    TaskFilter(status=("failed", "active"), backend="ORIGINQ:wk_c180"),
    TaskFilter(submitted_after=_NOON),
    TaskFilter(submitted_before=_NOON, status="finished"),
    TaskFilter(updated_after=_NOON),
    *(TaskFilter(name_contains=one) for one in ("vqe", "%", "_", "STRASSE", "量", '"')),
    *(TaskFilter(error_contains=one) for one in ("401", "%", "_", "échec")),
    TaskFilter(name_contains="v", status="success", updated_before=_NOON),
)
"""Filters of each kind, alone and together."""


def matching(
    tasks: Iterable[StoredTask], task_filter: TaskFilter, archived: Archived = "exclude"
) -> list[StoredTask]:
    """Return the tasks that match, as they were inserted."""
    wanted = {"exclude": {False}, "only": {True}, "include": {False, True}}[archived]
    return [
        task
        for task in tasks
        if task.archived in wanted
        and task_filter.matches(
            status=task.status,
            backend=task.backend,
            name=task.name,
            submit_time=task.submit_time,
            update_time=task.update_time,
            task_id=task.task_id,
            error=task.error,
        )
    ]


def moments(times: Sequence[tuple[str, str]], order: Order) -> list[str] | list[datetime]:
    """Return the keys of pairs of a submit and an update time, by which a list is in order."""
    if order == "updated":
        return [_touched(updated) for _, updated in times]
    return [submitted for submitted, _ in times]


def _touched(update_time: str) -> datetime:
    moment = parse_time(update_time)
    return _NEVER if moment is None else assume_local(moment)
