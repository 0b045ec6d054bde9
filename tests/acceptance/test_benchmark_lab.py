"""The laboratory's stores of the benchmarks are those that the receipt of the tasks makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.lab.messages import compare_of

from benchmarks.bars import BARS
from benchmarks.lab_messages import RETIRED, messages
from benchmarks.lab_stores import OWNERS, fill, lab_of, store_of
from benchmarks.measure import lab
from benchmarks.mix import Mix
from benchmarks.options import Options
from benchmarks.recording import OURS, Measurement
from benchmarks.verdicts import judge
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.exchange import Key, Push, Task

if TYPE_CHECKING:
    from tests.lab.fixtures import LabDatabase
    from tests.lab.postgres import Postgres

    from uniqc_mcp.lab.database.pool import Database

Row = dict[str, Any]
SAMPLE = OWNERS[:3]
KEYS = {
    "task": "owner, place",
    "body": "owner, task_id",
    "job": "owner, task_id",
    "tally": "owner, status, backend",
    "store": "owner",
}
SHARED = ("key", "fingerprint", "place", "backend", "status", "shots", "submit_time", "update_time")


def rows_of(address: str, table: str) -> list[Row]:
    """Return the rows of the owners of the sample."""
    statement = f"SELECT * FROM {table} WHERE owner = ANY(%s) ORDER BY {KEYS[table]}"
    with psycopg.connect(address) as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement.encode(), ([*SAMPLE],)).fetchall()


def message_of(row: Row, metadata: str | None) -> Task:
    """Return a task without jobs as the machine of its owner would send it."""
    return Task(
        key=Key(task_id=row["task_id"]),
        **{name: row[name] for name in SHARED[1:]},
        submitted_at=row["submit_time"],
        updated_at=row["update_time"],
        name=row["name"],
        error=row["error"],
        archived_at=None,
        metadata=metadata,
        result=None,
        result_bytes=row["result_bytes"],
        jobs=(),
    )


def comparable(row: Row) -> Row:
    """Return a row as far as it is the same in both: the ids of copies' stores are short."""
    return row | {"store_id": row["store_id"][-8:], "heard_at": None}


@pytest.mark.parametrize("times", [1, 10])
def test_a_loaded_store_is_what_the_receipt_of_its_tasks_makes(
    postgres: Postgres, database: Database, lab_database: LabDatabase, times: int
) -> None:
    loaded = postgres.address(postgres.create())
    with psycopg.connect(loaded, autocommit=True) as connection:
        fill(connection, Mix(size=1000 // times), times=times)
    tasks, bodies = rows_of(loaded, "task"), rows_of(loaded, "body")
    assert len({row["owner"] for row in tasks}) == len(SAMPLE)
    known = {row["task_id"]: row["metadata"] for row in bodies}
    sent = {one.key.task_id: one for one in messages(Mix(size=1000))} if times == 1 else {}
    ingest = Ingest(database)
    for owner in SAMPLE:
        ingest.compare(owner, compare_of([], store_id=store_of(owner)))
        own = [row for row in tasks if row["owner"] == owner]
        pushed = tuple(
            sent.get(row["task_id"]) or message_of(row, known.get(row["task_id"])) for row in own
        )
        ingest.push(owner, Push(store_id=store_of(owner), tasks=pushed, gone=()))
    for table in KEYS:
        expected, received = rows_of(loaded, table), rows_of(lab_database.admin_address, table)
        if table == "body" and times > 1:
            received = [row for row in received if row["task_id"] in known]
            assert 0.2 < len(received) / len(tasks) < 0.3
        assert [*map(comparable, received)] == [*map(comparable, expected)], table


def test_copies_keep_the_mix_and_have_times_of_their_own(postgres: Postgres) -> None:
    shares: list[dict[tuple[str, str], int]] = []
    for size, times in ((200, 1), (200, 7)):
        with postgres.connect(postgres.create()) as connection:
            fill(connection, Mix(size=size), times=times)
            found = connection.execute(
                "SELECT status, backend, count(*) FROM task GROUP BY status, backend"
            ).fetchall()
            shares.append({(status, backend): count // times for status, backend, count in found})
            texts = connection.execute("SELECT submit_time FROM task ORDER BY place").fetchall()
        assert texts == sorted(set(texts))
        assert len(texts) == size * times
    assert shares[0] == shares[1]
    assert any(backend == RETIRED for _, backend in shares[0])


def test_only_laboratories_have_more_tasks_than_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    subjects = ("lists", "lab", "http")
    options = Options.parse(["--sizes", "2000,10000000", "--only", "lab"], subjects)
    assert options.sizes == (2000, 10_000_000)
    assert options.file_sizes == (2000,)
    with pytest.raises(SystemExit):
        Options.parse(["--sizes", "2000,10000000"], subjects)
    assert "--only lab, http" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no multiple"), lab_of(10_000_001):
        pass


def test_a_page_is_compared_at_the_largest_size_that_a_file_has() -> None:
    numbers = {(OURS, 10): 7.0, (lab.SQLITE, 10): 1.0, (OURS, 100): 9.0, (lab.SQLITE, 100): 3.0}
    numbers[OURS, 1000] = 20.0
    found = [
        Measurement(group=lab.GROUP, what=lab.PLAIN, who=who, size=size, unit="ms", values=(value,))
        for (who, size), value in numbers.items()
    ]
    (bar,) = (bar for bar in BARS if bar.reference and bar.reference.who == lab.SQLITE)
    (compared,) = judge(bar, found).comparisons
    assert (compared.measured.size, compared.against) == (100, 3.0)
