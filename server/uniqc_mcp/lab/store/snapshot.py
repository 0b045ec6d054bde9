"""The questions about one consistent state of a laboratory's tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from uniqc_mcp.lab.store import (
    completion,
    conditions,
    counts,
    held,
    lookup,
    measures,
    of_many,
    pages,
)
from uniqc_mcp.lab.store.state import store_state
from uniqc_store import Column, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from uniqc_mcp.lab.store.records import LabTaskRecord
    from uniqc_mcp.lab.store.session import Session
    from uniqc_store import (
        Archived,
        Completions,
        Group,
        Match,
        Matches,
        Measures,
        Order,
        Page,
        StoreState,
        TaskShard,
    )

Value = TypeVar("Value")

_EVERYTHING: Final = TaskFilter()


class LabSnapshot:
    """One consistent state; the methods are those of ``questions.StoreSnapshot``."""

    def __init__(self, session: Session) -> None:
        """Answer in one transaction."""
        self._session = session

    @property
    def state(self) -> StoreState:
        """The shared store; its schema is the newest of all files in it."""
        return self._session.state

    @property
    def has_shards(self) -> bool:
        """True: it knows platform jobs."""
        return True

    @property
    def has_errors(self) -> bool:
        """True: it knows error messages of tasks."""
        return True

    def cached(
        self,
        key: Hashable,
        compute: Callable[[], Value],
        *,
        size: Callable[[Value], int] | None = None,
    ) -> Value:
        """Return the value for a key, computed once for this state."""
        return self._session.kept(key, compute, size=size)

    # Many tasks

    def search(
        self,
        task_filter: TaskFilter,
        *,
        limit: int,
        cursor: str = "",
        order: Order = "newest",
        archived: Archived = "exclude",
    ) -> Page:
        """Return one page of the tasks that match."""
        return pages.search(
            self._session,
            task_filter,
            limit=limit,
            cursor=cursor,
            order=order,
            archived=archived,
        )

    def reads_all(self, task_filter: TaskFilter) -> bool:
        """Return whether a count of these tasks reads every task."""
        unindexed = bool(conditions.unindexed(task_filter).texts)
        return unindexed and not (task_filter.by_label or task_filter.by_time)

    def tally(
        self,
        task_filter: TaskFilter,
        *,
        by: Sequence[Column] = ("status", "backend"),
        archived: Archived = "exclude",
    ) -> tuple[Group, ...]:
        """Return the number of tasks in each group, largest group first."""
        return counts.tally(self._session, task_filter, by, archived)

    def count(self, task_filter: TaskFilter) -> int:
        """Return the number of tasks that match."""
        return counts.count(self._session, task_filter)

    def digest(self, task_filter: TaskFilter = _EVERYTHING) -> str:
        """Return a digest of all that is stored of the tasks that match."""
        return measures.digest(self._session, task_filter)

    def measures(
        self, task_filter: TaskFilter = _EVERYTHING, *, names: bool = False
    ) -> Iterator[Measures]:
        """Yield the figures of the tasks that match, in no order."""
        return measures.measures(self._session, task_filter, names=names)

    def without_date(self, task_filter: TaskFilter) -> int:
        """Return the number of tasks whose submit time does not begin with a digit."""
        return counts.count_where(self._session, conditions.undated(task_filter))

    def without_job(self, task_filter: TaskFilter) -> int:
        """Return the number of tasks that match and never reached a platform."""
        where = conditions.matching(task_filter)
        where.add("task.task_id >= 'uqt_' AND task.task_id < 'uqt`'")
        where.add("NOT task.has_job AND task.legacy_id IS NULL")
        return counts.count_where(self._session, where)

    def archived(self, task_filter: TaskFilter = _EVERYTHING) -> int:
        """Return the number of archived tasks that match."""
        return counts.count(self._session, task_filter, "only")

    def archived_among(self, task_ids: Sequence[str]) -> frozenset[str]:
        """Return those of these ids that archived tasks have."""
        return of_many.among(self._session, task_ids, archived=True)

    def live_among(self, task_ids: Sequence[str]) -> frozenset[str]:
        """Return those of these ids that live tasks have."""
        return of_many.among(self._session, task_ids, archived=False)

    def shards_of_tasks(self, task_ids: Sequence[str]) -> Mapping[str, Sequence[TaskShard]]:
        """Return the platform jobs of those live tasks that have any, by their ids."""
        return of_many.jobs_of_tasks(self._session, task_ids)

    def short_results(self, task_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the short ones of the results of live tasks, by their ids."""
        return of_many.short_results(self._session, task_ids)

    def backends(self) -> tuple[str, ...]:
        """Return the backend labels of all tasks, sorted."""
        return tuple(counts.backends(self._session))

    def newest_ids(self, limit: int) -> tuple[str, ...]:
        """Return the ids of the newest tasks."""
        return completion.newest_ids(self._session, limit)

    def neighbouring_ids(self, task_id: str, limit: int) -> tuple[str, ...]:
        """Return the ids before this one in order, and as many from it on."""
        return completion.neighbouring_ids(self._session, task_id, limit)

    # Completion

    def complete_id(self, text: str, *, among: TaskFilter = _EVERYTHING, limit: int) -> Completions:
        """Return ids that the beginning of an id, or a part of a name, may stand for."""
        return completion.complete_id(self._session, text, among=among, limit=limit)

    def complete_backend(self, text: str, *, limit: int) -> Completions:
        """Return platforms and whole labels that have a text in them."""
        return completion.complete_backend(self._session, text, limit=limit)

    # One task

    def find(self, reference: str) -> Matches:
        """Return the tasks, archived ones included, that an id stands for."""
        return lookup.find(self._session, reference)

    def find_archived(self, task_id: str) -> Matches:
        """Return the archived task with this whole id, which a live one may hide."""
        return lookup.find_archived(self._session, task_id)

    def state_of(self, match: Match) -> StoreState:
        """Return the shared store with the schema of the file that a task is in."""
        return store_state([held.store_of(self._session, match)])

    def record(self, match: Match) -> LabTaskRecord:
        """Return a task without its result."""
        return held.record(self._session, match)

    def result_text(self, match: Match) -> str:
        """Return the result of a task; empty if there is none, or if it stayed at its machine."""
        return held.result_text(self._session, match)

    def archived_twin(self, match: Match) -> LabTaskRecord | None:
        """Return the archived task that has the id of a live one."""
        return held.archived_twin(self._session, match)

    def shards(self, match: Match) -> tuple[TaskShard, ...]:
        """Return the platform jobs of a task in order."""
        return held.shards(self._session, match)

    def shard_result_starts(self, match: Match) -> Mapping[int, str]:
        """Return the first character of the result of each platform job, by the job's index."""
        return held.shard_result_starts(self._session, match)

    def shard_results(self, match: Match, *, most_bytes: int) -> tuple[str, ...]:
        """Return the results of a task's jobs as stored; none if they are larger together."""
        return held.shard_results(self._session, match, most_bytes=most_bytes)
