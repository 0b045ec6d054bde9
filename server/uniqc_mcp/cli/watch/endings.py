"""The ends of the tasks that were watched, for the exit status."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from uniqc_mcp.responses.text import plural
from uniqc_mcp.safety.display import word
from uniqc_mcp.safety.sanitizer import Sanitizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uniqc_mcp.cli.watch.events import Event

_SUCCESS: Final = "success"
_MAX_NAMED: Final = 5


class Endings:
    """The last known end of each task that ended while it was watched."""

    def __init__(self) -> None:
        """Begin with no task."""
        self._end_states: dict[str, str] = {}

    def add(self, events: Iterable[Event]) -> None:
        """Record the tasks that ended, and forget those that are active again."""
        for event in events:
            task = event.task
            if task is None or (event.kind == "changed" and event.before == task.status):
                continue  # uniqc asked again for a task that had ended before
            if event.kind == "gone":
                gone = "archived" if event.archived else "removed"
                if task.active:  # its end will never be known
                    self._end_states[task.task_id] = gone
            elif task.active:
                self._end_states.pop(task.task_id, None)
            else:
                self._end_states[task.task_id] = task.status

    def failure(self) -> str:
        """Return a sentence on the tasks that did not succeed; empty if all did."""
        bad = {task: end for task, end in self._end_states.items() if end != _SUCCESS}
        if not bad:
            return ""
        total, sanitizer = len(self._end_states), Sanitizer()
        counts = ", ".join(
            f"{count} {word(sanitizer.one_line('status', end))}"
            for end, count in Counter(bad.values()).most_common()
        )
        named = ", ".join(word(sanitizer.one_line("task_id", i)) for i in [*bad][:_MAX_NAMED])
        more = " and others" if len(bad) > _MAX_NAMED else ""
        return f"Not all of {total} {plural('task', total)} succeeded: {counts} ({named}{more})."
