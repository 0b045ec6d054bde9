"""The SQL functions that conditions call, and the Python behind them.

They get the bytes of a text (see ``rows.raw_text``): sqlite3 fails the whole statement rather
than hand a function a text that is not UTF-8. Whatever is stored, a function returns a value, as
one damaged task must not fail a query about all others.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

from uniqc_store.filters import backend_is_among
from uniqc_store.rows import parse_json, readable
from uniqc_store.tasks import assume_local, parse_time

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DIGEST_BYTES = 16
_NUMBERS = {int: b"9:'integer'", float: b"6:'real'"}

_Passed: TypeAlias = bytes | str | int | float | None
"""A stored value as it is passed to the digests; see :func:`add_functions`."""


def add_functions(connection: sqlite3.Connection) -> None:
    """Register the functions on a connection.

    ``utc_microseconds(time)``
        Microseconds since 1970 of a stored time; NULL where it is no time.
    ``metadata_text(metadata, key)``
        The text under a key of stored metadata; NULL where there is none.
    ``name_contains(metadata, needle)``
        1 where the task's name contains the needle, which is casefolded already; else 0.
    ``text_contains(text, needle)``
        1 where a text contains the needle, which is casefolded already; else 0.
    ``backend_is_among(backend, names)``
        1 where a backend is one of a JSON array of labels and platforms, in any case; else 0.
    ``row_digest(value, …)``
        A digest of stored values: text as its bytes, a BLOB in hexadecimal, others as they are.
    ``record_digest(digest_of_jobs, value, …)``
        The same, of a row and of the digest of other rows, which is a BLOB or NULL.
    ``sum_of_digests(digest)``
        A digest of all digests of a group, in any order.
    """
    connection.create_function("utc_microseconds", 1, stored_microseconds, deterministic=True)
    connection.create_function("metadata_text", 2, _metadata_text, deterministic=True)
    connection.create_function("name_contains", 2, _name_contains, deterministic=True)
    connection.create_function("text_contains", 2, _text_contains, deterministic=True)
    connection.create_function("backend_is_among", 2, _backend_is_among, deterministic=True)
    connection.create_function("row_digest", -1, _row_digest, deterministic=True)
    connection.create_function("record_digest", -1, _record_digest, deterministic=True)
    connection.create_aggregate(
        "sum_of_digests",
        1,
        _SumOfDigests,  # type: ignore[arg-type] # typeshed knows aggregates of integers only
    )


def _row_digest(*values: _Passed) -> bytes:
    return _digest(map(_with_type, values))


def _record_digest(digest_of_jobs: bytes | None, *values: _Passed) -> bytes:
    jobs = b"None" if digest_of_jobs is None else digest_of_jobs
    return _digest([*map(_with_type, values), b"%d:%b" % (len(jobs), jobs)])


def _digest(parts: Iterable[bytes]) -> bytes:
    return blake2b(b"".join(parts), digest_size=_DIGEST_BYTES).digest()


def _with_type(value: _Passed) -> bytes:
    """Return a stored value with its type; the length keeps two neighbouring values apart."""
    # Nearly all values are text or NULL.
    if isinstance(value, bytes):
        return b"6:'text'%d:%b" % (len(value), value)
    if value is None:
        return b"6:'null'4:None"
    if isinstance(value, str):
        stored = bytes.fromhex(value)
        return b"6:'blob'%d:%b" % (len(stored), stored)
    number = repr(value).encode()
    return b"%b%d:%b" % (_NUMBERS[type(value)], len(number), number)


class _SumOfDigests:
    def __init__(self) -> None:
        self._sum = 0

    def step(self, digest: bytes) -> None:
        self._sum += int.from_bytes(digest)

    def finalize(self) -> bytes:
        return (self._sum % (1 << 8 * _DIGEST_BYTES)).to_bytes(_DIGEST_BYTES)


def _name_contains(stored: object, needle: str) -> bool:
    name = _metadata_text(stored, "task_name")
    return name is not None and needle in name.casefold()


def _text_contains(stored: object, needle: str) -> bool:
    return isinstance(stored, bytes) and needle in readable(stored)[0].casefold()


def _backend_is_among(stored: object, names: str) -> bool:
    backend = stored.decode(errors="surrogateescape") if isinstance(stored, bytes) else None
    return backend_is_among(backend, json.loads(names))


def _metadata_text(stored: object, key: str) -> str | None:
    try:
        metadata = parse_json(readable(stored)[0]) if isinstance(stored, bytes) else None
    except ValueError:
        return None
    text = metadata.get(key) if isinstance(metadata, dict) else None
    return text if isinstance(text, str) else None


def stored_microseconds(stored: object) -> int | None:
    """Return the microseconds since 1970 of a stored time; None where it is no time.

    A time without a zone counts as this machine's local time.

    Args:
        stored: The bytes of the column; anything else is no time.
    """
    moment = parse_time(stored.decode(errors="replace")) if isinstance(stored, bytes) else None
    return None if moment is None else microseconds(assume_local(moment))


def microseconds(moment: datetime) -> int:
    """Return the microseconds from 1970 to an aware moment, exactly."""
    return (moment - _EPOCH) // _MICROSECOND
