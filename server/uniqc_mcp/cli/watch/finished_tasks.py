"""The tasks that finished, or left the store, while it was watched."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from uniqc_mcp.responses.times import seconds_since

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from uniqc_mcp.cli.watch.events import Event
    from uniqc_store import TaskState

_MAX_REMEMBERED = 100
"""Finished tasks that are kept, so that a second event about one of them does not count twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedTask:
    """A task that is active no more.

    Attributes:
        task: The task as it was last read.
        at: When the watch noticed it, or the recorded time if it was finished when it first
            appeared.
        end_state: Its status, or ``removed`` or ``archived``.
    """

    task: TaskState
    at: datetime
    end_state: str


class FinishedTasks:
    """The tasks that finished while they were watched, the latest first."""

    def __init__(self) -> None:
        """Begin with no task."""
        self.total = 0
        self._latest: deque[FinishedTask] = deque(maxlen=_MAX_REMEMBERED)

    def __iter__(self) -> Iterator[FinishedTask]:
        """Yield the tasks that are remembered, the latest first."""
        return reversed(self._latest)

    def add(self, event: Event) -> None:
        """Record the end of a task, or forget it if the task is active again."""
        task = event.task
        if task is None or (event.kind == "changed" and event.before == task.status):
            return
        self._remove(task.task_id)
        if event.kind == "gone":
            end_state = "archived" if event.archived else "removed"
        elif task.active:
            return
        else:
            end_state = task.status
        # A task that was saved as finished, or restored, finished earlier than it was noticed.
        age = seconds_since(task.update_time, event.at) if event.kind == "new" else 0
        at = event.at - timedelta(seconds=age or 0)
        self.total += 1
        self._latest.append(FinishedTask(task=task, at=at, end_state=end_state))

    def _remove(self, task_id: str) -> None:
        for finished in [one for one in self._latest if one.task.task_id == task_id]:
            self._latest.remove(finished)
            self.total -= 1
