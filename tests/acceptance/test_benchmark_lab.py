"""The laboratory's stores of the benchmarks are those that the receipt of the tasks makes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.lab.messages import compare_of

from benchmarks import laboratories as kept
from benchmarks.bars import BARS
from benchmarks.lab_messages import RETIRED, messages
from benchmarks.lab_stores import OWNERS, fill, store_of
from benchmarks.laboratories import Laboratories
from benchmarks.measure import lab, lists
from benchmarks.mix import Mix
from benchmarks.options import FULL_SIZES, LAB_SIZES, Options
from benchmarks.recording import OURS, Measurement
from benchmarks.verdicts import judge
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.exchange import Key, Push, Task
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_store import TaskFilter

if TYPE_CHECKING:
    from tests.lab.fixtures import LabDatabase
    from tests.lab.postgres import Postgres


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


def test_only_laboratories_have_more_tasks_than_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subjects = ("lists", "lab", "http")
    options = Options.parse(["--sizes", "2000,10000000", "--only", "lab"], subjects)
    assert options.lab_sizes == options.laboratories == (2000, 10_000_000)
    assert options.mixes == (Mix(size=2000),)
    with pytest.raises(SystemExit):
        Options.parse(["--sizes", "2000,10000000"], subjects)
    assert "--only lab, http" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no multiple"):
        laboratories_in(tmp_path).made(10_000_001)


def test_a_laboratory_alone_needs_only_the_file_that_it_is_compared_with() -> None:
    lab_only, http_only, mixed = (
        Options.parse(["--only", subjects], ("lists", "lab", "http"))
        for subjects in ("lab", "http", "lists,http")
    )
    assert lab_only.laboratories == LAB_SIZES
    assert lab_only.mixes == (Mix(size=1_000_000),)
    assert (http_only.laboratories, http_only.mixes) == ((FULL_SIZES[-1],), ())
    assert mixed.laboratories == (FULL_SIZES[-1],)
    assert {mix.size for mix in mixed.mixes} == {*FULL_SIZES}


def laboratories_in(root: Path) -> Laboratories:
    return Laboratories(root=root, progress=lambda _name, _done, _total: None)


def counted(address: str) -> tuple[int, int]:
    """Return the numbers of a laboratory's tasks and of stores that everybody may see."""
    with Database(address) as database:
        viewer = Viewer(owners=frozenset(OWNERS))
        tasks = LabStore(database, viewer=viewer).read(lambda now: now.count(TaskFilter()))
        shared = "SELECT count(*) FROM store JOIN audience USING (owner, store_id)"
        ((stores,),) = database.ask(viewer, (shared, {}))
    return tasks, stores


def test_a_laboratory_is_loaded_once_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory(dir="/tmp") as directory:
        # As user 65534, a server reaches no directory of pytest's.
        root = Path(directory)
        root.chmod(0o755)
        older = root / "laboratories" / "recipe-0" / "lab-2000"
        older.mkdir(parents=True)
        laboratories = laboratories_in(root)
        assert laboratories.bytes_missing([2000]) > 0
        with laboratories.of(2000) as address:
            assert counted(address) == (2000, len(OWNERS))
        assert not older.exists()
        assert laboratories.bytes_missing([2000]) == 0
        monkeypatch.delattr(kept, "fill")
        with laboratories.of(2000) as address:
            assert counted(address) == (2000, len(OWNERS))


def test_an_interrupted_load_leaves_no_laboratory() -> None:
    class InterruptedLoadError(Exception):
        pass

    def interrupt(_name: str, _done: int, _total: int) -> None:
        raise InterruptedLoadError

    with TemporaryDirectory(dir="/tmp") as directory:
        root = Path(directory)
        root.chmod(0o755)
        with pytest.raises(InterruptedLoadError):
            Laboratories(root=root, progress=interrupt).made(2000)
        assert not [path for path in root.rglob("*") if path.is_file()]


def test_a_page_is_compared_at_the_largest_size_that_a_file_has() -> None:
    numbers = {(OURS, 10): 7.0, (lab.SQLITE, 10): 1.0, (OURS, 100): 9.0, (lab.SQLITE, 100): 3.0}
    numbers[OURS, 1000] = 20.0
    page = f"{lists.PLAIN}: all 500 owners"
    found = [
        Measurement(group=lab.GROUP, what=page, who=who, size=size, unit="ms", values=(value,))
        for (who, size), value in numbers.items()
    ]
    (bar,) = (bar for bar in BARS if bar.reference and bar.reference.who == lab.SQLITE)
    (compared,) = judge(bar, found).comparisons
    assert (compared.measured.size, compared.against) == (100, 3.0)


@pytest.mark.parametrize(("rows", "against"), [(3, 8.0), (4, 2.0)])
def test_a_page_with_more_tasks_is_compared_with_a_plain_page_of_its_viewer(
    rows: int, against: float
) -> None:
    rare, plain = "status failed: three owners", f"{lists.PLAIN}: three owners"
    numbers = {
        (rare, 10): (1.0, 3),
        (rare, 100): (8.0, rows),
        (plain, 10): (4.0, lists.PAGE),
        (plain, 100): (4.0, lists.PAGE),
        (f"{lists.PLAIN}: all 500 owners", 10): (9.0, lists.PAGE),
    }
    found = [
        Measurement(
            group=lab.GROUP, what=what, who=OURS, size=size, unit="ms", values=(value,), rows=tasks
        )
        for (what, size), (value, tasks) in numbers.items()
    ]
    (bar,) = (bar for bar in BARS if bar.group == lab.GROUP and bar.or_beside)
    compared = {one.measured.what: one.against for one in judge(bar, found).comparisons}
    assert compared == {rare: against, plain: 1.0}
