"""A laboratory's shared store with the tasks of a mix, of many owners of whom few have most."""

from __future__ import annotations

import random
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from benchmarks.lab_copies import BASE, multiply, shortened, sum_up
from benchmarks.lab_messages import messages
from uniqc_mcp.lab.database import schema, tables
from uniqc_mcp.lab.database.redaction import Redaction
from uniqc_mcp.lab.database.rows import JOB_COLUMNS, TASK_COLUMNS, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from psycopg import Connection

    from benchmarks.mix import Mix
    from uniqc_mcp.lab.database.rows import TaskRows

OWNERS: Final = tuple(f"owner-{number:03}" for number in range(500))
BUSY_OWNER, QUIET_OWNER = OWNERS[0], OWNERS[-1]

_BATCH: Final = 20_000
_KEY: Final = re.compile(r",\s*(PRIMARY KEY \([^)]*\))")
"""The key of a table. Rows in no order of it take longer than an index at the end."""


def fill(
    connection: Connection[Any],
    mix: Mix,
    *,
    times: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Make the tables, load the tasks, and build the indexes after that, which is faster.

    Args:
        connection: To an empty database.
        mix: The tasks.
        times: How many tasks to make of each; see ``multiply``.
        progress: Called with the number of tasks of the mix that are loaded.
    """
    makes_tables, others = _parts()
    with connection.transaction():
        for statement in makes_tables:
            connection.execute(statement.encode())
        if times > 1:
            connection.execute(f"CREATE TABLE {BASE} (LIKE task)".encode())
        _load(connection, mix, whole=times == 1, progress=progress)
        if times > 1:
            multiply(connection, mix.size, times)
        stores = {owner: store_of(owner) for owner in OWNERS}
        sum_up(connection, stores if times == 1 else shortened(stores))
        for statement in others:
            connection.execute(statement.encode())


class _NothingToRedact(Redaction):
    """Of generated tasks, which hold no credential: looking for one takes most of the time."""

    def text(self, text: str) -> str:
        return text

    def json(self, text: str) -> str:
        return text


def _parts() -> tuple[list[str], list[str]]:
    """Return the statements that make tables, and those that come after the tasks."""
    statements = [one for migration in tables.MIGRATIONS for one in migration]
    made = [one for one in statements if one.lstrip().startswith("CREATE TABLE")]
    others = [one for one in statements if one not in made]
    versions = schema.statements()[0]
    record = f"INSERT INTO lab_schema VALUES ({tables.VERSION}, '{'0' * 32}')"
    keys = [
        f"ALTER TABLE {one.split()[2]} ADD {key[1]}" for one in made if (key := _KEY.search(one))
    ]
    return [versions, record, *(_KEY.sub("", one) for one in made)], [*keys, *others]


def _load(
    connection: Connection[Any], mix: Mix, *, whole: bool, progress: Callable[[int], None]
) -> None:
    """Copy the tasks into the tables, or without bodies and jobs into that of the base."""
    dice = random.Random(mix.seed)
    rows = (rows_of(message, _NothingToRedact()) for message in messages(mix))
    done = 0
    while batch := list(islice(rows, _BATCH)):
        # The cube: the first of 500 owners has an eighth of the tasks, the last hardly any.
        owners = [OWNERS[int(len(OWNERS) * dice.random() ** 3)] for _ in batch]
        places = [(owner, store_of(owner)) for owner in owners]
        _copy_tasks(connection, "task" if whole else BASE, batch, places)
        if whole:
            _copy_parts(connection, batch, places)
        done += len(batch)
        progress(done)


def _copy_tasks(
    connection: Connection[Any],
    table: str,
    batch: Sequence[TaskRows],
    places: Sequence[tuple[str, str]],
) -> None:
    facts = "live, revision, first_revision"
    _copy_rows(
        connection,
        f"{table} (owner, store_id, {', '.join(TASK_COLUMNS)}, {facts})",
        ((*place, *one.task, True, 1, 1) for place, one in zip(places, batch, strict=True)),
    )


def _copy_parts(
    connection: Connection[Any], batch: Sequence[TaskRows], places: Sequence[tuple[str, str]]
) -> None:
    _copy_rows(
        connection,
        "body (owner, store_id, task_id, archived, metadata, result)",
        (
            (*place, one.key.task_id, one.key.archived, *one.body)
            for place, one in zip(places, batch, strict=True)
        ),
    )
    _copy_rows(
        connection,
        f"job (owner, store_id, {', '.join(JOB_COLUMNS)})",
        ((*place, *job) for place, one in zip(places, batch, strict=True) for job in one.jobs),
    )


def _copy_rows(connection: Connection[Any], table: str, rows: Iterable[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def store_of(owner: str) -> str:
    """Return the id of an owner's one store."""
    return f"{OWNERS.index(owner):032x}"
