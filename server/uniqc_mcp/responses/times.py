"""Times and durations as they go over the wire and into texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from uniqc_store import assume_local, parse_time

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,6}) ?([smhdw])")


def utc_now() -> datetime:
    """The clock of a server; tests bring their own."""
    return datetime.now(UTC)


def wire_time(moment: datetime) -> str:
    """``2026-08-05T05:33:52Z``; without the ``Z`` where the zone is not known."""
    text = moment.replace(tzinfo=None).isoformat(timespec="seconds")
    return f"{text}Z" if moment.tzinfo else text


_moment = lru_cache(maxsize=4_096)(parse_time)


@lru_cache(maxsize=4_096)
def recorded_time(text: str) -> str:
    """A stored time as :func:`wire_time`, empty where it can't be read."""
    moment = parse_time(text)
    return "" if moment is None else wire_time(moment)


def seconds_since(text: str, now: datetime) -> int | None:
    """How long ago a stored time was; None where it can't be read. Clocks that differ give 0."""
    moment = _moment(text)
    if moment is None:
        return None
    # Every active task of a list is asked for its age each time; most are in UTC as they stand.
    since = now - (moment if moment.tzinfo is UTC else assume_local(moment))
    return since.days * 86_400 + since.seconds if since.days >= 0 else 0


def duration(seconds: int) -> str:
    """Roughly, in the largest unit that fits: ``52 s``, ``12 min``, ``3 h``, ``111 d``."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def requested_duration(text: str) -> timedelta:
    """How long, such as ``36h`` or ``7d``; none for an empty text.

    Raises:
        ValueError: It is no such thing.
    """
    if not text:
        return timedelta(0)
    if not (found := _AGO.fullmatch(text)):
        raise ValueError(text)
    amount, unit = found.groups()
    return timedelta(**{_UNITS[unit]: int(amount)})


def requested_time(text: str, now: datetime) -> datetime | None:
    """A moment that a caller asks about; None where none was given.

    An ISO 8601 date or time, in UTC where it names no zone, or how long ago: ``36h``, ``7d``.

    Raises:
        ValueError: It is neither, or there is no such date.
    """
    if not text:
        return None
    if ago := _AGO.fullmatch(text):
        amount, unit = ago.groups()
        try:
            return now - timedelta(**{_UNITS[unit]: int(amount)})
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    moment = datetime.fromisoformat(text)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("there is no such moment in UTC") from None
