"""The tasks that a wait is about, and the changes that concern it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from uniqc_mcp.records.related_rows import RelatedRows, records_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_store import (
        Changes,
        StoreState,
        TaskChange,
        TaskFilter,
        TaskGone,
        TaskRecord,
        TaskState,
    )

StatusChange: TypeAlias = "TaskChange | TaskGone"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitedTasks:
    """The tasks of a wait at one moment.

    Attributes:
        active: The newest of the active ones.
        active_total: The number of all active ones.
        without_job: The number of active ones that no platform knows of: they stay as they are
            unless their submission is under way.
        finished: All others, where ids were given; otherwise empty.
        related: The platform jobs of `active` and `finished`.
        state: The file that was read.
    """

    active: tuple[TaskRecord, ...]
    active_total: int
    without_job: int
    finished: tuple[TaskRecord, ...]
    related: RelatedRows
    state: StoreState

    @property
    def may_finish(self) -> bool:
        """True if a platform may finish any of the active ones."""
        return self.active_total > self.without_job


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTarget:
    """The tasks to wait for.

    Attributes:
        task_ids: uniqc's ids; empty for all tasks that match the filter.
        task_filter: A filter that matches active tasks only.
        partial: Whether an id was left out, because it stands for no task or for several.
    """

    task_ids: frozenset[str]
    task_filter: TaskFilter
    partial: bool = False

    def tasks(self, snapshot: StoreSnapshot, *, max_active: int) -> WaitedTasks:
        """Return the tasks as they are in a snapshot."""
        if not self.task_ids:
            page = snapshot.search(self.task_filter, limit=max_active)
            return WaitedTasks(
                active=page.records,
                # Not all are counted for a page of many.
                active_total=page.total if page.exact else snapshot.count(self.task_filter),
                without_job=snapshot.without_job(self.task_filter),
                finished=(),
                related=RelatedRows.of(snapshot, page.records),
                state=snapshot.state,
            )
        records = sorted(self._records(snapshot), key=_newest_last, reverse=True)
        active = [record for record in records if _is_active(record)]
        related = RelatedRows.of(snapshot, records)
        return WaitedTasks(
            active=tuple(active[:max_active]),
            active_total=len(active),
            without_job=sum(related.remarks(record).never_submitted for record in active),
            finished=tuple(record for record in records if not _is_active(record)),
            related=related,
            state=snapshot.state,
        )

    @property
    def finished_filter(self) -> TaskFilter:
        """The filter of the finished tasks that would be waited for if they were active."""
        return replace(self.task_filter, status="finished")

    def includes(self, state: TaskState) -> bool:
        """Return whether an active task is waited for."""
        return self._includes(state, None)

    def status_changes(self, changes: Changes) -> list[StatusChange]:
        """Return the tasks whose status changed, that are gone, or that came and finished."""
        return list(self._status_changes(changes))

    def _records(self, snapshot: StoreSnapshot) -> Iterator[TaskRecord]:
        return records_of(snapshot, self.task_ids)

    def _status_changes(self, changes: Changes) -> Iterator[StatusChange]:
        from uniqc_store import TaskChange  # noqa: PLC0415 - 0.009 s of every start

        for change in changes.changed:
            if change.status_changed and self._includes(change.after, change.before):
                yield change
        for state in changes.new:
            if not state.active and self._includes(state, None):
                yield TaskChange(before=None, after=state)
        for gone in changes.gone:
            if self._includes(gone.last, gone.before):
                yield gone

    def _includes(self, state: TaskState, before: TaskState | None) -> bool:
        if self.task_ids:
            return state.task_id in self.task_ids
        was_active = before is None or before.active
        return (
            (was_active or state.active)
            and self.task_filter.matches_backend(state.backend)
            and self.task_filter.matches_name(state.name)
            and self.task_filter.matches_submit_time(state.submit_time)
        )


def _newest_last(record: TaskRecord) -> tuple[str, str]:
    return record.submit_time, record.task_id


def _is_active(record: TaskRecord) -> bool:
    return not record.finished and record.archived_at is None
