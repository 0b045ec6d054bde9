"""Every question of a snapshot, asked about records of a viewer and of somebody else."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast, get_args

from tests.contract.model import FILTERS

from uniqc_store import Archived, Order, TaskFilter, TaskRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.contract.records import StoredTask

    from uniqc_mcp.questions.snapshot import StoreSnapshot

ARCHIVED: tuple[Archived, ...] = get_args(Archived)
ORDERS: tuple[Order, ...] = get_args(Order)
FEW = FILTERS[::5]


def questions(tasks: Sequence[StoredTask]) -> dict[str, Callable[[StoreSnapshot], Any]]:
    """Return a function for each method of ``StoreSnapshot``, by its name.

    Args:
        tasks: Records whose ids are asked for, of whoever.
    """
    ids = sorted({one.task_id for one in tasks})
    ids += ["uqt_unknown", "legacy-3", "job-00", "a\0b"]
    jobs = sorted({job.platform_task_id for one in tasks for job in one.jobs})
    beginnings = sorted({one[:7] for one in ids} | {"vqe", "量", ""})
    return {
        "search": lambda now: [
            _walk(now, one, order, archived)
            for archived in ARCHIVED
            for order in ORDERS
            for one in FEW
        ],
        "tally": lambda now: [
            now.tally(one, archived=archived) for one in FEW for archived in ARCHIVED
        ],
        "count": lambda now: [now.count(one) for one in FILTERS],
        "measures": lambda now: sorted(now.measures(names=True)),
        "without_date": lambda now: now.without_date(TaskFilter()),
        "without_job": lambda now: now.without_job(TaskFilter()),
        "archived": lambda now: [now.archived(one) for one in FEW],
        "archived_among": lambda now: now.archived_among(ids),
        "live_among": lambda now: now.live_among(ids),
        "shards_of_tasks": lambda now: now.shards_of_tasks(ids),
        "short_results": lambda now: now.short_results(ids),
        "backends": lambda now: now.backends(),
        "newest_ids": lambda now: now.newest_ids(7),
        "neighbouring_ids": lambda now: [now.neighbouring_ids(one, 2) for one in ids],
        "complete_id": lambda now: [
            (set(found.values), found.whole)
            for found in (now.complete_id(one, limit=1000) for one in beginnings)
        ],
        "complete_backend": lambda now: [now.complete_backend(one, limit=9) for one in ("", "o")],
        "find": lambda now: [
            (found.by, {(one.task_id, one.archived) for one in found.found}, found.more)
            for found in (now.find(one) for one in (*ids, *jobs, *beginnings[1:]))
        ],
        "find_archived": lambda now: [len(now.find_archived(one).found) for one in ids],
        **{name: partial(_about_each, ids=ids[::2], ask=ask) for name, ask in ABOUT_ONE.items()},
    }


ABOUT_ONE: dict[str, Callable[[StoreSnapshot, Any], Any]] = {
    "record": lambda now, match: now.record(match),
    "result_text": lambda now, match: now.result_text(match),
    "archived_twin": lambda now, match: now.archived_twin(match),
    "shards": lambda now, match: now.shards(match),
    "shard_result_starts": lambda now, match: now.shard_result_starts(match),
    "shard_results": lambda now, match: now.shard_results(match, most_bytes=10**6),
}
"""The questions about one task."""


def _about_each(now: StoreSnapshot, *, ids: Sequence[str], ask: Callable[..., Any]) -> list[Any]:
    return [ask(now, match) for one in ids for match in now.find(one).found]


ABOUT_THE_STORE = {"cached", "digest", "has_errors", "has_shards", "reads_all", "state", "state_of"}
"""What differs from store to store, or says nothing of a task."""


def comparable(value: Any) -> Any:
    """Return an answer with what every kind of store says."""
    if isinstance(value, TaskRecord):
        names = {field.name for field in fields(TaskRecord)} - {"owner", "machine"}
        plain = {name: getattr(value, name) for name in sorted(names)}
        return {**plain, "damaged": set(plain["damaged"])}
    if isinstance(value, dict):
        return {key: comparable(one) for key, one in cast("dict[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [comparable(one) for one in cast("list[object]", value)]
    if is_dataclass(value) and hasattr(value, "damaged"):
        return repr(replace(value, damaged=tuple(sorted(value.damaged))))  # type: ignore[type-var]
    return value


def _walk(now: StoreSnapshot, task_filter: TaskFilter, order: Order, archived: Archived) -> Any:
    """Return the tasks of all pages in order; of equal times, in any."""
    found: list[TaskRecord] = []
    cursor = ""
    while True:
        page = now.search(task_filter, limit=9, order=order, archived=archived, cursor=cursor)
        found += page.records
        cursor = page.next_cursor
        if not cursor:
            assert not page.exact or page.total == len(found)
            break
    if archived == "include":
        # Places in the archive and among live tasks are numbered apart.
        return sorted((one.submit_time, one.task_id, one.archived_at or "") for one in found)
    return found
