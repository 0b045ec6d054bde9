"""Digests of records: of every column, with types, whatever is stored."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import blake2b
from typing import TYPE_CHECKING

import pytest

from uniqc_store import TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.clearing_cache import Cache

Row = tuple[object, ...]


def digest_of(values: Iterable[object]) -> bytes:
    """Return the digest of values: the length and the representation of each, text as bytes."""
    digest = blake2b(digest_size=16)
    for value in values:
        stored = value if isinstance(value, bytes) else repr(value).encode()
        digest.update(b"%d:%b" % (len(stored), stored))
    return digest.digest()


def sum_of(digests: Iterable[bytes]) -> bytes:
    return (sum(map(int.from_bytes, digests)) % 2**128).to_bytes(16)


def expected(cache: Cache) -> str:
    """Return the digest of all tasks with their jobs, from the types and values as stored."""
    with closing(sqlite3.connect(cache.path)) as connection:
        connection.text_factory = bytes

        def rows(table: str, where: str = "") -> list[Row]:
            info = connection.execute(f"PRAGMA table_info({table})")
            columns = sorted(name.decode() for _, name, *_ in info)
            values = ", ".join(f"typeof({name}), {name}" for name in columns)
            found = connection.execute(f"SELECT {values} FROM {table} {where}").fetchall()
            return [
                tuple(
                    value.decode() if place % 2 == 0 else value for place, value in enumerate(row)
                )
                for row in found
            ]

        digests: list[bytes] = []
        ids = connection.execute("SELECT rowid FROM tasks ORDER BY rowid").fetchall()
        for row, (rowid,) in zip(rows("tasks", "ORDER BY rowid"), ids, strict=True):
            jobs = rows(
                "task_shards",
                f"WHERE uniqc_task_id = (SELECT task_id FROM tasks WHERE rowid = {rowid})",
            )
            digests.append(digest_of([*row, sum_of(map(digest_of, jobs)) if jobs else None]))
        return sum_of(digests).hex()


@pytest.mark.parametrize(
    "change",
    [
        "",
        "UPDATE tasks SET result_json = x'00ff'",
        "UPDATE tasks SET result_json = CAST(x'ff' AS TEXT), error_message = ''",
        "UPDATE tasks SET shots = 0.1, metadata_json = 9e999",
        "UPDATE tasks SET shots = -9223372036854775808, error_message = 'it''s ' || char(0)",
        "UPDATE task_shards SET result_json = x''",
        "UPDATE task_shards SET circuit_count = 1.5, error_message = NULL",
    ],
)
def test_a_digest_is_of_the_type_and_the_bytes_of_every_value(cache: Cache, change: str) -> None:
    cache.copy()
    if change:
        cache.change(change)
    digest = TaskStore(cache.directory, read_only=True).read(lambda snapshot: snapshot.digest())
    assert digest == expected(cache)
