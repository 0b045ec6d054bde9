"""The note that nothing has polled the active tasks of a list since a certain minute."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from uniqc_mcp.responses.times import age, age_in_seconds, wire_time
from uniqc_store import parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from uniqc_mcp.tasks.models import TaskView

SILENT: Final = "Nothing has polled these active tasks"
"""The beginning of the note."""

_FEWEST: Final = 2
_ONE_MINUTE: Final = timedelta(minutes=1)
_WORTH_A_NOTE: Final = 600
"""Seconds of silence that are worth a note: pollers pause for less."""


def silent_since(tasks: Sequence[TaskView]) -> datetime | None:
    """Return the last update of the active tasks of a list, if all are of the same minute."""
    # Those that never reached a platform are not polled.
    heard = [task.updated_at for task in tasks if task.seconds_since_update is not None]
    if len(heard) < _FEWEST:
        return None
    # Texts of one form sort by time; only their ends need be read.
    oldest, newest = parse_time(min(heard)), parse_time(max(heard))
    if oldest is None or newest is None or len({*map(len, heard)}) > 1:
        return None
    return newest if abs(newest - oldest) < _ONE_MINUTE else None


def note_on_silence(since: datetime | None, now: datetime) -> list[str]:
    """Return a note that nothing has polled since a time, if that is long ago."""
    seconds = None if since is None else age_in_seconds(since, now)
    if since is None or seconds is None or seconds < _WORTH_A_NOTE:
        return []
    when = f"{wire_time(since)}, {age(seconds)} ago"
    return [f"{SILENT} since {when}: `uniqc result TASK_ID` does."]
