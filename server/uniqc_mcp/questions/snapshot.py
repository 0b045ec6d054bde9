"""The questions about one consistent state of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from uniqc_store import (
        Archived,
        Column,
        Completions,
        Group,
        Match,
        Matches,
        Measures,
        Order,
        Page,
        StoreState,
        TaskFilter,
        TaskRecord,
        TaskShard,
    )

Value = TypeVar("Value")


class StoreSnapshot(Protocol):
    """One consistent state of a store, inside one call of :meth:`ReadableStore.read`."""

    @property
    def state(self) -> StoreState:
        """The store that is read."""
        ...

    @property
    def has_shards(self) -> bool:
        """True if the store knows platform jobs."""
        ...

    @property
    def has_errors(self) -> bool:
        """True if the store knows error messages of tasks."""
        ...

    def cached(
        self,
        key: Hashable,
        compute: Callable[[], Value],
        *,
        size: Callable[[Value], int] | None = None,
    ) -> Value:
        """Return the value for a key, which may be kept until the store is written to."""
        ...

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
        ...

    def reads_all(self, task_filter: TaskFilter) -> bool:
        """Return whether a count of these tasks reads every task."""
        ...

    def tally(
        self,
        task_filter: TaskFilter,
        *,
        by: Sequence[Column] = ("status", "backend"),
        archived: Archived = "exclude",
    ) -> tuple[Group, ...]:
        """Return the number of tasks in each group, largest group first."""
        ...

    def count(self, task_filter: TaskFilter) -> int:
        """Return the number of tasks that match."""
        ...

    def digest(self, task_filter: TaskFilter = ...) -> str:
        """Return a digest of all that is stored of the tasks that match."""
        ...

    def measures(self, task_filter: TaskFilter = ..., *, names: bool = False) -> Iterator[Measures]:
        """Yield the figures of the tasks that match, in no order."""
        ...

    def without_date(self, task_filter: TaskFilter) -> int:
        """Return the number of tasks whose submit time does not begin with a digit."""
        ...

    def without_job(self, task_filter: TaskFilter) -> int:
        """Return the number of tasks that match and never reached a platform."""
        ...

    def archived(self, task_filter: TaskFilter = ...) -> int:
        """Return the number of archived tasks that match."""
        ...

    def archived_among(self, task_ids: Sequence[str]) -> frozenset[str]:
        """Return those of these ids that archived tasks have."""
        ...

    def live_among(self, task_ids: Sequence[str]) -> frozenset[str]:
        """Return those of these ids that live tasks have."""
        ...

    def shards_of_tasks(self, task_ids: Sequence[str]) -> Mapping[str, Sequence[TaskShard]]:
        """Return the platform jobs of those live tasks that have any, by their ids."""
        ...

    def short_results(self, task_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the short ones of the results of live tasks, by their ids."""
        ...

    def backends(self) -> tuple[str, ...]:
        """Return the backend labels of all tasks, sorted."""
        ...

    def newest_ids(self, limit: int) -> tuple[str, ...]:
        """Return the ids of the newest tasks."""
        ...

    def neighbouring_ids(self, task_id: str, limit: int) -> tuple[str, ...]:
        """Return the ids before this one in order, and as many from it on."""
        ...

    # Completion

    def complete_id(self, text: str, *, among: TaskFilter = ..., limit: int) -> Completions:
        """Return ids that the beginning of an id, or a part of a name, may stand for."""
        ...

    def complete_backend(self, text: str, *, limit: int) -> Completions:
        """Return platforms and whole labels that have a text in them."""
        ...

    # One task

    def find(self, reference: str) -> Matches:
        """Return the tasks, archived ones included, that an id stands for."""
        ...

    def find_archived(self, task_id: str) -> Matches:
        """Return the archived task with this whole id, which a live one may hide."""
        ...

    def state_of(self, match: Match) -> StoreState:
        """Return the state of the file that a task is in, which may be one of many."""
        ...

    def record(self, match: Match) -> TaskRecord:
        """Return a task without its result."""
        ...

    def result_text(self, match: Match) -> str:
        """Return the result of a task as it is stored; empty if there is none."""
        ...

    def archived_twin(self, match: Match) -> TaskRecord | None:
        """Return the archived task that has the id of a live one."""
        ...

    def shards(self, match: Match) -> tuple[TaskShard, ...]:
        """Return the platform jobs of a task in order."""
        ...

    def shard_result_starts(self, match: Match) -> Mapping[int, str]:
        """Return the first character of the result of each platform job, by the job's index."""
        ...

    def shard_results(self, match: Match, *, most_bytes: int) -> tuple[str, ...]:
        """Return the results of a task's jobs as stored; none if they are larger together."""
        ...
