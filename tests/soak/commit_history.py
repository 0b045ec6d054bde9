"""The commits of one writer, and the answers that were true at some moment of a call."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Tally = dict[str, int]


class Commit(NamedTuple):
    """One commit of a writer.

    Attributes:
        before: The monotonic time before it.
        after: The monotonic time after it.
        task_id: The task that it wrote.
        status: The task's status from then on; None if it removed the task.
    """

    before: float
    after: float
    task_id: str
    status: str | None


class CommitHistory:
    """All commits of one writer, which alone writes the tasks of its backend.

    The state after a commit may be read from the beginning of that commit to the end of the next.

    Args:
        commits: The commits in their order.
    """

    def __init__(self, commits: Iterable[Commit]) -> None:
        self._commits = list(commits)
        self._before = [commit.before for commit in self._commits]
        self._after = [commit.after for commit in self._commits]
        self._tallies: list[Tally] = [{}]
        self._of_task: dict[str, list[Commit]] = {}
        counts, status_of = Counter[str](), dict[str, str]()
        for commit in self._commits:
            if (old := status_of.pop(commit.task_id, None)) is not None:
                counts[old] -= 1
            if commit.status is not None:
                status_of[commit.task_id] = commit.status
                counts[commit.status] += 1
            self._tallies.append({status: count for status, count in counts.items() if count})
            self._of_task.setdefault(commit.task_id, []).append(commit)

    def tallies(self, began: float, ended: float) -> list[Tally]:
        """Return the numbers of tasks by status that could be read between two times."""
        # State n is readable from before[n - 1] to after[n].
        first = bisect_left(self._after, began)
        last = bisect_right(self._before, ended)
        return self._tallies[first : last + 1]

    def statuses(self, task_id: str, began: float, ended: float) -> set[str | None]:
        """Return the statuses of a task that could be read; None for its absence."""
        commits = self._of_task.get(task_id, [])
        states = [None, *(commit.status for commit in commits)]
        first = bisect_left([commit.after for commit in commits], began)
        last = bisect_right([commit.before for commit in commits], ended)
        return set(states[first : last + 1])

    def knows(self, task_id: str) -> bool:
        """Return True if the writer ever saved the task."""
        return task_id in self._of_task


def possible_totals(
    histories: Iterable[CommitHistory], began: float, ended: float, *, status: str = ""
) -> set[int]:
    """Return the sums over all writers that could be read between two times.

    Args:
        histories: The commits of each writer.
        began: The earlier time.
        ended: The later time.
        status: Count the tasks of this status only.
    """
    sums = {0}
    for history in histories:
        tallies = history.tallies(began, ended)
        counts = {tally.get(status, 0) if status else sum(tally.values()) for tally in tallies}
        sums = {one + other for one in sums for other in counts}
    return sums


def is_possible(
    histories: Mapping[str, CommitHistory],
    found: Mapping[str, Tally],
    began: float,
    ended: float,
) -> bool:
    """Return True if each writer's backend had these numbers by status at some moment."""
    return found.keys() <= histories.keys() and all(
        found.get(backend, {}) in history.tallies(began, ended)
        for backend, history in histories.items()
    )
