"""Times and durations in arguments, in structured content and in text."""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uniqc_store import assume_local, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION: Final = re.compile(r"(\d{1,6}) ?([smhdw])")
# In UTC, with the hours up to 23: some releases of Python also read 24:00, as the next day.
_UNIQCS_FORM: Final = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d+)?\+00:00", re.ASCII
)
_ZONE_NAME: Final = re.compile(r"[A-Za-z][\w+/-]{1,40}", re.ASCII)
_DATE_AND_TIME: Final = len("2026-08-05T05:33:52")
_SKEW: Final = timedelta(minutes=1)
"""The difference between two machines' clocks that is not worth a remark."""

_AGES_WITH_TENTHS: Final = 5
"""The number of a unit from which an age is told without tenths."""

_LARGEST_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60))


def utc_now() -> datetime:
    """Return the time by the machine's clock; tests pass a clock of their own."""
    return datetime.now(UTC)


def wire_time(moment: datetime) -> str:
    """Return ``2026-08-05T05:33:52Z`` for a time in UTC, in whole seconds.

    A naive time gets the offset that :func:`assume_local` takes it to have, such as ``+08:00``.
    Given back in an argument it then means the instant that filters take it for.
    """
    if moment.tzinfo is not None:
        return f"{moment.isoformat()[:_DATE_AND_TIME]}Z"
    # Not astimezone(): it would move a time that the clock skipped, and show another than recorded.
    offset = moment - assume_local(moment).replace(tzinfo=None)
    return moment.replace(tzinfo=timezone(offset)).isoformat(timespec="seconds")


def exact_wire_time(moment: datetime) -> str:
    """Return a time in UTC as :func:`wire_time` does, with a fraction of a second."""
    return f"{moment.replace(tzinfo=None).isoformat()}Z"


def has_no_zone(time: str) -> bool:
    """Return whether a time of an answer was recorded without its zone."""
    # An offset other than Z stands after the seconds of such times only.
    return time[10:11] == "T" and time[_DATE_AND_TIME : _DATE_AND_TIME + 1] in {"+", "-"}


def zone_notes(times: Iterable[str]) -> list[str]:
    """Return a note if any of these times of an answer was recorded without its zone."""
    example = next(filter(has_no_zone, times), "")
    if not example:
        return []
    return [
        f"Times with an offset, such as {example}, have no recorded zone; read as local time here."
    ]


def recorded_time(text: str) -> str:
    """Return a stored time as :func:`wire_time` does; empty if it is unreadable."""
    moment = parse_time(text)
    if moment is None:
        return ""
    return _wire_time_in_uniqcs_form(text) or wire_time(moment)


def _wire_time_in_uniqcs_form(text: str) -> str:
    """Return the wire time of a valid time in the form that uniqc writes; empty for other forms.

    Takes less than half the instructions of :func:`wire_time`, and a page has two times a task.
    Measured by ``valgrind --tool=cachegrind --cache-sim=no``.
    """
    return f"{text[:_DATE_AND_TIME]}Z" if _UNIQCS_FORM.fullmatch(text) else ""


def seconds_since(text: str, now: datetime) -> int | None:
    """Return the age of a stored time; None if it is unreadable or in the future."""
    moment = parse_time(text)
    return None if moment is None else age_in_seconds(moment, now)


def age_in_seconds(moment: datetime, now: datetime) -> int | None:
    """Return the age of a time, taken for local if it names no zone.

    A time up to a minute in the future, as of a clock that differs, has the age 0. One further in
    the future has none.
    """
    age = now - assume_local(moment)
    if age.days >= 0:
        return age.days * 86_400 + age.seconds
    return 0 if age >= -_SKEW else None


def is_in_future(shown: str, now: datetime) -> bool:
    """Return whether a time of an answer is more than a minute in the future; False if empty."""
    if shown.endswith("Z"):
        return shown > wire_time(now + _SKEW)
    return parse_time(shown) is not None and seconds_since(shown, now) is None


def duration(seconds: int) -> str:
    """Return a duration in the largest unit that fits: ``52 s``, ``12 min``, ``3 h``, ``111 d``."""
    for unit, size in _LARGEST_UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def age(seconds: int) -> str:
    """Return a duration of which two close ones can be told apart: ``1.5 h``, ``12 min``."""
    for unit, size in _LARGEST_UNITS:
        if seconds >= size:
            whole, tenth = divmod(seconds * 10 // size, 10)
            is_told = tenth and whole < _AGES_WITH_TENTHS
            return f"{whole}.{tenth} {unit}" if is_told else f"{whole} {unit}"
    return f"{seconds} s"


def exact_duration(seconds: int) -> str:
    """Return a duration in the largest unit that divides it: ``36 h`` and not ``1 d``."""
    for unit, size in _LARGEST_UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def requested_duration(text: str) -> timedelta:
    """Return a duration such as ``36h`` or ``7d``; zero for an empty text.

    Raises:
        ValueError: The text is no duration.
    """
    if not text:
        return timedelta(0)
    if not (found := _DURATION.fullmatch(text)):
        raise ValueError(text)
    amount, unit = found.groups()
    return timedelta(**{_UNITS[unit]: int(amount)})


def requested_time(text: str, now: datetime) -> datetime | None:
    """Return the time that an argument means, in UTC; None for an empty text.

    Args:
        text: An ISO 8601 time, in UTC if it names no zone; a date, which is the beginning of that
            day in this machine's zone; or an age: ``36h``, ``7d``.
        now: The time from which an age counts. Its fraction of a second is dropped, so that the
            time can be shown exactly in whole seconds.

    Raises:
        ValueError: The text is neither, or its date does not exist.
    """
    if not text:
        return None
    if _DURATION.fullmatch(text):
        try:
            return now.replace(microsecond=0) - requested_duration(text)
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    moment = datetime.fromisoformat(text)
    try:
        if _is_date(text):
            return _beginning_of_day(moment)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("there is no such moment in UTC") from None


def _beginning_of_day(midnight: datetime) -> datetime:
    """Return the first instant of a local day, in UTC.

    The clock may skip midnight, or show it twice. A moment of the day before is then no answer.
    """
    moments = [assume_local(midnight.replace(fold=fold)) for fold in (0, 1)]
    try:
        return min(moment for moment in moments if moment.astimezone().date() >= midnight.date())
    except (ValueError, OverflowError):  # in the years 1 and 9999
        return min(moments)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def local_zone(now: datetime) -> str:
    """Return this machine's time zone as text: ``Asia/Shanghai, now UTC+08:00``, or ``UTC``."""
    local = now.astimezone()
    offset = local.strftime("%z")
    name = os.environ.get("TZ", "") or _zone_of_the_system() or local.tzname() or ""
    if not _ZONE_NAME.fullmatch(name):
        name = "local time"
    return "UTC" if name == "UTC" else f"{name}, now UTC{offset[:3]}:{offset[3:5]}"


def _zone_of_the_system() -> str:
    """Return the name in the database of time zones that /etc/localtime links to, if it does."""
    try:
        return str(Path("/etc/localtime").readlink()).partition("zoneinfo/")[2]
    except OSError:
        return ""
