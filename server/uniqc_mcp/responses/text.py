"""Phrases that several answers share."""

from __future__ import annotations

from uniqc_mcp.responses.times import has_no_zone


def counted(total: int, matching: str) -> str:
    """Return ``3 active tasks`` for a total and the words of its filter, ``active tasks``."""
    return f"{total or 'No'} {matching.replace('tasks', plural('task', total), 1)}"


def plural(noun: str, count: int) -> str:
    """Return the noun, with an s unless the count is one."""
    return noun if count == 1 else f"{noun}s"


def is_or_are(count: int) -> str:
    """Return the verb for so many things."""
    return "is" if count == 1 else "are"


def told_time(time: str) -> str:
    """Return a time of an answer, with a remark if its zone or the time itself is missing."""
    if not time:
        return "at an unreadable time"
    return f"{time} (zone not recorded)" if has_no_zone(time) else time
