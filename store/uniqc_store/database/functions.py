"""The SQL functions that conditions call, and the Python they run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from uniqc_store.rows import parse_json, readable
from uniqc_store.tasks import assume_local, parse_time

if TYPE_CHECKING:
    import sqlite3

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add_functions(connection: sqlite3.Connection) -> None:
    """Teach a connection the functions that the conditions call."""
    connection.create_function("utc_microseconds", 1, stored_microseconds, deterministic=True)
    connection.create_function("metadata_text", 2, _metadata_text, deterministic=True)
    connection.create_function("name_contains", 2, _name_contains, deterministic=True)


def _name_contains(stored: object, needle: str) -> bool:
    name = _metadata_text(stored, "task_name")
    return name is not None and needle in name.casefold()


def _metadata_text(stored: object, key: str) -> str | None:
    try:
        metadata = parse_json(readable(stored)[0]) if isinstance(stored, bytes) else None
    except ValueError:
        return None
    text = metadata.get(key) if isinstance(metadata, dict) else None
    return text if isinstance(text, str) else None


def stored_microseconds(stored: object) -> int | None:
    """Return the microseconds since 1970 of a stored time; None where it is no time.

    Args:
        stored: The bytes of the column.
    """
    moment = parse_time(stored.decode(errors="replace")) if isinstance(stored, bytes) else None
    return None if moment is None else microseconds(assume_local(moment))


def microseconds(moment: datetime) -> int:
    """Return the microseconds from 1970 to an aware moment."""
    # Dividing by a timedelta takes twice as long.
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
