"""Hints of what changed in the file between two passes, so that news need not wait for a pass.

A hint may be missing: of an old finished task, or of a job alone. The next pass finds those.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from uniqc_store import InvalidValueError, TaskWatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store import TaskStore

SECONDS_BETWEEN_POLLS: Final = 0.1
"""Interval of polls, each of which takes some 10 microseconds."""

_PAUSE_RATIO: Final = 12
"""Pause after a refresh, as a multiple of the processor time that it took."""

_MAX_NAMED: Final = 500
"""Most tasks that are sent one by one; after a larger change a pass is made."""


class Hint(NamedTuple):
    """The tasks that changed, or that a pass has to find out.

    Attributes:
        task_ids: The ids of tasks that changed.
        all: True if others may have changed too.
    """

    task_ids: Sequence[str]
    all: bool


_NOTHING: Final = Hint((), all=False)


class Hints:
    """The changes of a file since the last look at it."""

    def __init__(self, store: TaskStore) -> None:
        """Prepare to watch; nothing is read yet."""
        self._watch = TaskWatch(store)
        self._cursor = ""
        self._spent = 0.0

    def begin(self) -> None:
        """Report from now on what changes after this moment."""
        self._watch.refresh()
        self._cursor = self._watch.since().cursor

    def next(self) -> Hint:
        """Return what changed since the last call, which may be nothing."""
        if not self._watch.poll():
            return _NOTHING
        began = time.thread_time()
        self._watch.refresh()
        self._spent = time.thread_time() - began
        try:
            changes = self._watch.since(self._cursor)
        except InvalidValueError:  # more changes than a watch remembers
            return Hint((), all=True)
        self._cursor = changes.cursor
        task_ids = sorted(changes.task_ids)
        unnamed = changes.untracked_delta != 0 or changes.file_changed
        if unnamed or len(task_ids) > _MAX_NAMED:
            return Hint((), all=True)
        return Hint(task_ids, all=False)

    def pause(self) -> float:
        """Return the seconds until the next call, by what the last one cost."""
        spent, self._spent = self._spent, 0.0
        return max(SECONDS_BETWEEN_POLLS, _PAUSE_RATIO * spent)
