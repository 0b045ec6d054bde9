"""More tasks of a laboratory's store, made from a part of them by the database itself.

Python makes a million tasks in minutes, and ten million in an hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.mix import NEWEST, OLDEST
from uniqc_mcp.lab.database.rows import TASK_COLUMNS
from uniqc_mcp.lab.database.values import microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import Connection

BASE: Final = "base"
"""The table of the tasks that are multiplied; it has the columns of ``task``."""

_BLOCK: Final = 1_000
_STRIDE: Final = 7_919
"""A prime number. Its multiples visit each place of a block once, in no order of the base."""

_UNUSED: Final = 24
"""The leading characters of ids of stores that copies lack. They are in eight indexes."""

_SECOND: Final = 1_000_000
_MODULUS: Final = 2**128


def _text_of(moment: str) -> str:
    """Return the SQL of a recorded time, of microseconds since 1970."""
    zone = "+00:00"
    return (
        f"to_char(timestamp 'epoch' + {moment} * interval '1 microsecond',"
        f" 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '{zone}'"
    )


_UPDATED: Final = "slot.submitted + base.updated_us - base.submitted_us"

_CHANGED: Final[dict[str, str]] = {
    "task_id": "'uqt_' || md5(base.task_id || slot.number)",
    "fingerprint": "md5(slot.number::text)",
    "place": "slot.number",
    "submit_time": _text_of("slot.submitted"),
    "update_time": _text_of(f"({_UPDATED})"),
    "submitted_us": "slot.submitted",
    "updated_us": _UPDATED,
    "updated_order": _UPDATED,
    "legacy_id": "NULL",
    "has_job": "false",
}
"""The columns of a copy that differ from its task in the base."""

# A hash of the base keeps the numbers' order, so that rows lie in order of their times, as those
# of a laboratory do. Microseconds are never zero, as in the mix.
_MULTIPLY: Final = f"""
    INSERT INTO task (owner, store_id, {", ".join(TASK_COLUMNS)}, live, revision, first_revision)
    SELECT base.owner, substr(base.store_id, {_UNUSED + 1}),
        {", ".join(_CHANGED.get(name, f"base.{name}") for name in TASK_COLUMNS)},
        base.live, base.revision, base.first_revision
    FROM (
        SELECT number,
            number / %(span)s * %(block)s + number %% %(span)s * {_STRIDE} %% %(span)s / %(times)s
                AS source,
            (%(oldest)s + number * %(step)s) / {_SECOND} * {_SECOND} + number %% 999999 + 1
                AS submitted
        FROM generate_series(0::bigint, %(total)s - 1) AS number
    ) AS slot JOIN {BASE} ON base.place = slot.source
"""

_BODIES: Final = """
    INSERT INTO body (owner, store_id, task_id, archived, metadata, result)
    SELECT owner, store_id, task_id, archived,
        CASE name WHEN '' THEN '{}' ELSE '{"task_name": "' || name || '"}' END, NULL
    FROM task WHERE place % 4 = 0
"""

_TALLY: Final = """
    INSERT INTO tally (owner, store_id, archived, status, backend, tasks)
    SELECT owner, store_id, archived, status, backend, count(*) FROM task
    GROUP BY owner, store_id, archived, status, backend
"""

_PARTS: Final = ", ".join(
    f"sum(('x' || substr(fingerprint, {first}, 8))::bit(32)::bigint)" for first in (1, 9, 17, 25)
)
_SUMS: Final = f"SELECT owner, count(*), {_PARTS} FROM task GROUP BY owner"
"""The number of tasks of each owner, and sums of the four parts of fingerprints."""

_STORE: Final = """
    INSERT INTO store (owner, store_id, machine, schema_version, revision, task_count, digest,
        heard_at)
    VALUES (%s, %s, 'laptop', 5, 1, %s, %s, '2026-11-01T00:00Z')
"""

_AUDIENCE: Final = "INSERT INTO audience (owner, store_id, audience) VALUES (%s, %s, 'lab')"


def multiply(connection: Connection[Any], size: int, times: int) -> None:
    """Make tasks of those in ``BASE``, which have the places from 0 on, and remove that table.

    The times of the copies divide the same span. Statuses, backends and owners of a thousand
    neighbours stay together, in another order. So that they need little space, the copies have no
    jobs, short ids of stores, and every fourth has metadata.

    Args:
        connection: In the transaction that made the tables.
        size: The number of tasks in the base, a multiple of 1,000 if it is more than that.
        times: How many copies to make of each.
    """
    block = min(_BLOCK, size)
    if size % block:
        raise ValueError(f"{size} is no multiple of {block}")
    total = size * times
    connection.execute("SET LOCAL work_mem = '1GB'")
    connection.execute(f"ANALYZE {BASE}".encode())
    connection.execute(
        _MULTIPLY.encode(),
        {
            "span": block * times,
            "block": block,
            "times": times,
            "total": total,
            "oldest": microseconds(OLDEST),
            "step": microseconds(NEWEST) // total - microseconds(OLDEST) // total,
        },
    )
    connection.execute(f"DROP TABLE {BASE}".encode())
    connection.execute(_BODIES)


def shortened(stores: Mapping[str, str]) -> dict[str, str]:
    """Return the ids that copies have instead of those of stores."""
    return {owner: store_id[_UNUSED:] for owner, store_id in stores.items()}


def sum_up(connection: Connection[Any], stores: Mapping[str, str]) -> None:
    """Write the tally and the stores as the receipt of all tasks in one message leaves them.

    Everybody shares theirs with the laboratory.

    Args:
        connection: To a database with tasks.
        stores: The id of the one store of each owner.
    """
    connection.execute(_TALLY)
    found = connection.execute(_SUMS.encode()).fetchall()
    sums = {owner: (tasks, parts) for owner, tasks, *parts in found}
    for owner, store_id in stores.items():
        tasks, parts = sums.get(owner, (0, [0]))
        digest = 0
        for part in parts:
            digest = (digest << 32) + int(part)
        connection.execute(_STORE, (owner, store_id, tasks, f"{digest % _MODULUS:032x}"))
        connection.execute(_AUDIENCE, (owner, store_id))
