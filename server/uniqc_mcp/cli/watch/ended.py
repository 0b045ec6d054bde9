"""Which tasks ended while they were watched."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from uniqc_mcp.responses.times import seconds_since

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from uniqc_mcp.cli.watch.feed import Event
    from uniqc_store import TaskState

_KEPT = 100
"""Of which it is known that they ended before, should they be told of again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedTask:
    """A task that is active no more.

    Attributes:
        at: When that was noticed, or recorded where it was so before.
        how: Its status, or what became of its record.
    """

    task: TaskState
    at: datetime
    how: str


class FinishedTasks:
    """The tasks that ended while they were watched, the last ones first."""

    def __init__(self) -> None:
        self.total = 0
        self._last: deque[FinishedTask] = deque(maxlen=_KEPT)

    def __iter__(self) -> Iterator[FinishedTask]:
        return reversed(self._last)

    def add(self, event: Event) -> None:
        """Take down what an event tells of it."""
        task = event.task
        if task is None or (event.kind == "changed" and event.before == task.status):
            return
        known = [ended for ended in self._last if ended.task.task_id == task.task_id]
        for ended in known:
            self._last.remove(ended)
        self.total -= len(known)
        if event.kind == "gone":
            how = "archived" if event.archived else "removed"
        elif task.active:
            return
        else:
            how = task.status
        # One that was saved as finished, or put back, did not end just because it is seen now.
        ago = seconds_since(task.update_time, event.at) if event.kind == "new" else 0
        self.total += 1
        self._last.append(
            FinishedTask(task=task, at=event.at - timedelta(seconds=ago or 0), how=how)
        )
