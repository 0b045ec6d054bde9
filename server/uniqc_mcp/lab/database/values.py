"""Values of tasks, checked for what the database can hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from uniqc_store import parse_time

MAX_KEY_BYTES: Final[dict[str, int]] = {
    "task_id": 512,
    "backend": 512,
    "status": 200,
    "submit_time": 200,
    "platform_task_id": 512,
}
"""Most bytes of the texts in indexes. An entry of PostgreSQL's has 2,700 bytes at most."""

_MAX_INTEGER: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ONE: Final = timedelta(microseconds=1)


class RefusedTaskError(Exception):
    """A task that can't be kept; the message is the reason."""


def checked(field: str, text: str) -> str:
    """Return a text, or raise ``RefusedTaskError``."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise RefusedTaskError(f"{field}: holds half a surrogate pair") from None
    if size > MAX_KEY_BYTES.get(field, size):
        raise RefusedTaskError(f"{field}: is longer than {MAX_KEY_BYTES[field]} bytes")
    return text


def checked_integer(field: str, value: int) -> int:
    """Return a number of 64 bits, or raise ``RefusedTaskError``."""
    if not -_MAX_INTEGER - 1 <= value <= _MAX_INTEGER:
        raise RefusedTaskError(f"{field}: is beyond 64 bits")
    return value


def optional_integer(field: str, value: int | None) -> int | None:
    """Return a number of 64 bits, if there is one, or raise ``RefusedTaskError``."""
    return None if value is None else checked_integer(field, value)


def checked_moment(field: str, text: str | None) -> int | None:
    """Return microseconds since 1970 of a time that a machine sent with its offset."""
    if text is None:
        return None
    moment = parse_time(text)
    if moment is None or moment.tzinfo is None:
        raise RefusedTaskError(f"{field}: is not a time with its offset")
    return microseconds(moment)


def microseconds(moment: datetime) -> int:
    """Return the microseconds from 1970 to an aware moment, exactly."""
    return (moment - _EPOCH) // _ONE
