"""A laboratory's shared store with the tasks of a mix, of many owners of whom few have most."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql
from tests.lab.postgres import ROLE, OwnPostgres

from uniqc_mcp.lab.database import schema, tables
from uniqc_mcp.lab.database.redaction import Redaction
from uniqc_mcp.lab.database.rows import JOB_COLUMNS, TASK_COLUMNS, rows_of
from uniqc_mcp.lab.exchange import Job, Key, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from psycopg import Connection

    from benchmarks.mix import Mix, TaskRow
    from uniqc_mcp.lab.database.rows import TaskRows

OWNERS: Final = tuple(f"owner-{number:03}" for number in range(500))
BUSY_OWNER, QUIET_OWNER = OWNERS[0], OWNERS[-1]

_BATCH: Final = 20_000
_MEMORY: Final = {"shared_buffers": "512MB", "maintenance_work_mem": "512MB", "jit": "off"}


@contextmanager
def lab_of(mix: Mix, *, progress: Callable[[int], None] = lambda _: None) -> Generator[str]:
    """Make a database with the tasks of a mix, on a server that ends with the context.

    Yields:
        Its address, for the role of the service.
    """
    own = OwnPostgres(**_MEMORY)
    try:
        with own.connect() as connection:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
            _fill(connection, mix, progress)
            schema.grant(connection, ROLE)
            connection.execute("VACUUM ANALYZE")
        yield own.address("postgres", role=ROLE)
    finally:
        own.remove()


class _NothingToRedact(Redaction):
    """Of generated tasks, which hold no credential: looking for one takes most of the time."""

    def text(self, text: str) -> str:
        return text

    def json(self, text: str) -> str:
        return text


def _fill(connection: Connection[Any], mix: Mix, progress: Callable[[int], None]) -> None:
    """Make the tables, load the tasks, and build the indexes after that, which is faster."""
    tables, others = _parts()
    for statement in tables:
        connection.execute(statement.encode())
    tally: Counter[tuple[str, str, str]] = Counter()
    dice = random.Random(mix.seed)
    rows = (rows_of(message, _NothingToRedact()) for message in _messages(mix))
    done = 0
    while batch := list(islice(rows, _BATCH)):
        # The cube: the first of 500 owners has an eighth of the tasks, the last hardly any.
        owners = [OWNERS[int(len(OWNERS) * dice.random() ** 3)] for _ in batch]
        _copy(connection, batch, owners)
        tally.update(
            (owner, one.status, one.backend) for owner, one in zip(owners, batch, strict=True)
        )
        done += len(batch)
        progress(done)
    _sum_up(connection, tally)
    for statement in others:
        connection.execute(statement.encode())


def _parts() -> tuple[list[str], list[str]]:
    """Return the statements that make tables, and those that come after the tasks."""
    statements = [*tables.MIGRATIONS[0]]
    made = [one for one in statements if one.lstrip().startswith("CREATE TABLE")]
    versions = schema.statements()[0]
    record = f"INSERT INTO lab_schema VALUES ({tables.VERSION}, '{'0' * 32}')"
    return [versions, record, *made], [one for one in statements if one not in made]


def _messages(mix: Mix) -> Iterator[Task]:
    """Yield each task as a machine sends it, without its result, which no list reads."""
    for place, (row, platform_id) in enumerate(mix.tasks()):
        yield _message(place, row, platform_id)


def _message(place: int, row: TaskRow, platform_id: str) -> Task:
    task_id, backend, status, shots, submitted, updated, result, metadata, error = row
    size = None if result is None else len(result)
    job = Job(
        shard_index=0,
        platform_task_id=platform_id,
        backend=backend,
        circuit_count=1,
        sub_index_offset=0,
        status=status,
        submit_time=submitted,
        update_time=updated,
        error=error,
        result_bytes=size,
    )
    return Task(
        key=Key(task_id=task_id),
        fingerprint=f"{place:032x}",
        place=place,
        backend=backend,
        status=status,
        shots=shots,
        submit_time=submitted,
        update_time=updated,
        submitted_at=submitted,
        updated_at=updated,
        name=metadata.partition('"task_name": "')[2].partition('"')[0],
        error=error,
        archived_at=None,
        metadata=metadata,
        result=None,
        result_bytes=size,
        jobs=(job,),
    )


def _copy(connection: Connection[Any], batch: Sequence[TaskRows], owners: Sequence[str]) -> None:
    places = [(owner, store_of(owner)) for owner in owners]
    facts = "live, revision, first_revision"
    _copy_rows(
        connection,
        f"task (owner, store_id, {', '.join(TASK_COLUMNS)}, {facts})",
        ((*place, *one.task, True, 1, 1) for place, one in zip(places, batch, strict=True)),
    )
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


def _sum_up(connection: Connection[Any], tally: Counter[tuple[str, str, str]]) -> None:
    _copy_rows(
        connection,
        "tally (owner, store_id, archived, status, backend, tasks)",
        (
            (owner, store_of(owner), False, status, backend, tasks)
            for (owner, status, backend), tasks in tally.items()
        ),
    )
    tasks: Counter[str] = Counter()
    for (owner, _, _), number in tally.items():
        tasks[owner] += number
    _copy_rows(
        connection,
        "store (owner, store_id, machine, schema_version, revision, task_count, digest, heard_at)",
        (
            (owner, store_of(owner), "laptop", 5, 1, tasks[owner], "0" * 32, "2026-11-01T00:00Z")
            for owner in OWNERS
        ),
    )


def store_of(owner: str) -> str:
    """Return the id of an owner's one store."""
    return f"{OWNERS.index(owner):032x}"
