"""Platform jobs of many tasks at once, their results, and tasks that have none."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import connect, insert, insert_shard

from uniqc_store import DB_FILENAME, TaskFilter, TaskStore, WouldBlockError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uniqc_store import Snapshot

CASES = Path(__file__).parents[2] / "data" / "cases"
ACTIVE = TaskFilter(status="active")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A file of schema 5 without a task."""
    shutil.copyfile(CASES / "all-archived.sqlite", tmp_path / DB_FILENAME)
    with closing(connect(tmp_path)) as connection:
        connection.execute("DELETE FROM archived_tasks")
    return tmp_path


def read(directory: Path, query: Callable[[Snapshot], Any]) -> Any:
    return TaskStore(directory, read_only=True).read(query)


def shards(directory: Path, *task_ids: str) -> dict[str, list[tuple[int, str]]]:
    found = read(directory, lambda snapshot: snapshot.shards_of_tasks(task_ids))
    return {
        task_id: [(shard.shard_index, shard.platform_task_id) for shard in shards]
        for task_id, shards in found.items()
    }


def test_the_jobs_of_several_tasks_are_read_at_once_and_in_order(directory: Path) -> None:
    for task_id in ("a", "b", "c"):
        insert(directory, task_id)
    for index in (10, 2, 0):
        insert_shard(directory, "a", f"a{index}", shard_index=index)
    insert_shard(directory, "c", "c0")
    expected = {"a": [(0, "a0"), (2, "a2"), (10, "a10")], "c": [(0, "c0")]}
    assert shards(directory, "c", "a", "b", "nowhere") == expected
    assert shards(directory) == {}


def test_a_page_of_tasks_takes_one_statement(directory: Path) -> None:
    for number in range(50):
        insert(directory, f"task-{number}")
        insert_shard(directory, f"task-{number}", f"p{number}")
    statements: list[str] = []

    def traced(snapshot: Snapshot) -> None:
        connection = snapshot._session.connection  # pyright: ignore[reportPrivateUsage]
        connection.set_trace_callback(statements.append)
        snapshot.shards_of_tasks([f"task-{number}" for number in range(50)])
        connection.set_trace_callback(None)

    read(directory, traced)
    assert len(statements) == 1


def test_the_result_of_a_failed_job_is_read_with_it_where_it_is_short(directory: Path) -> None:
    insert(directory, "a")
    payload = '{"msg": "chip is off"}'
    rows: list[dict[str, object]] = [
        {"status": "failed", "result_json": payload},
        {"status": "failed", "result_json": payload, "error_message": "failed"},
        {"status": "failed", "result_json": payload, "error_message": 61 * "x"},
        {"status": "failed", "result_json": f'{{"msg": "{"x" * 1_100_000}"}}'},
        {"status": "success", "result_json": payload},
        {"status": "running", "result_json": None},
    ]
    for index, row in enumerate(rows):
        insert_shard(directory, "a", f"p{index}", shard_index=index, **row)
    by_tasks = read(directory, lambda snapshot: snapshot.shards_of_tasks(["a"]))["a"]
    alone = read(directory, lambda snapshot: snapshot.shards(snapshot.find("a").found[0]))
    assert list(alone) == by_tasks
    message = {"msg": "chip is off"}
    assert [shard.result for shard in alone] == [message, message, None, None, None, None]
    assert [shard.has_result for shard in alone] == [*5 * [True], False]


def test_the_results_of_jobs_are_bounded(directory: Path) -> None:
    insert(directory, "a")
    for index, result in enumerate(["[1, 2]", None, '{"00": 3}']):
        insert_shard(directory, "a", f"p{index}", shard_index=index, result_json=result)

    def results(most_bytes: int) -> Callable[[Snapshot], tuple[str, ...]]:
        return lambda snapshot: snapshot.shard_results(
            snapshot.find("a").found[0], most_bytes=most_bytes
        )

    assert read(directory, results(15)) == ("[1, 2]", "", '{"00": 3}')
    assert read(directory, results(14)) == ()
    with closing(connect(directory)) as connection:
        connection.execute(
            "UPDATE task_shards SET result_json = ? WHERE shard_index = 1", ("x" * 70_000,)
        )
    store = TaskStore(directory, read_only=True)
    assert len(store.read(results(10**6))[1]) == 70_000
    with pytest.raises(WouldBlockError):
        store.nonblocking().read(results(10**6))


def without_job(directory: Path, task_filter: TaskFilter = ACTIVE) -> int:
    count: int = read(directory, lambda snapshot: snapshot.without_job(task_filter))
    return count


def test_tasks_that_never_reached_a_platform_are_counted(directory: Path) -> None:
    insert(directory, "uqt_1", status="pending")
    insert(directory, "uqt_2", status="QUEUED", backend="ibm")
    insert(directory, "uqt_3")
    insert_shard(directory, "uqt_3", "p3")
    insert(directory, "uqt_4", metadata_json='{"legacy_platform_id": "4"}')
    insert(directory, "AB12")
    insert(directory, "uqt_6", status="success")
    insert(directory, b"uqt_7")
    assert without_job(directory) == 2
    assert without_job(directory, TaskFilter(status="pending")) == 1
    assert without_job(directory, TaskFilter(status="active", backend="ibm")) == 1
    assert without_job(directory, TaskFilter(status="running")) == 0
    with closing(connect(directory)) as connection:
        connection.execute("DROP TABLE task_shards")
    assert without_job(directory) == 0


def archived(directory: Path, task_filter: TaskFilter) -> int:
    count: int = read(directory, lambda snapshot: snapshot.archived(task_filter))
    return count


def test_archived_tasks_are_counted_by_a_filter(directory: Path) -> None:
    at = "2026-08-01T09:00:00+00:00"
    for number, (status, backend, name) in enumerate(
        [("failed", "ibm", "vqe"), ("failed", "originq:WK_C180", "x"), ("success", "ibm", "VQE 2")]
    ):
        insert(
            directory,
            f"t{number}",
            table="archived_tasks",
            archived_at=at,
            status=status,
            backend=backend,
            metadata_json=f'{{"task_name": "{name}"}}',
        )
    assert archived(directory, TaskFilter()) == 3
    assert archived(directory, TaskFilter(status="failed")) == 2
    assert archived(directory, TaskFilter(status="finished", backend="originq")) == 1
    assert archived(directory, TaskFilter(name_contains="vqe")) == 2
    assert archived(directory, TaskFilter(status="active")) == 0
    midnight = datetime(2026, 8, 1, tzinfo=UTC)
    assert archived(directory, TaskFilter(submitted_after=midnight)) == 3
    assert archived(directory, TaskFilter(submitted_before=midnight)) == 0


@pytest.fixture
def twins(directory: Path) -> Path:
    """Two live tasks, of which one has an id that an archived one has too."""
    insert(directory, "both", metadata_json='{"task_name": "second"}')
    insert(directory, "live")
    insert(
        directory,
        "both",
        table="archived_tasks",
        archived_at="2026-08-02T09:00:00+00:00",
        status="failed",
        metadata_json='{"task_name": "first"}',
    )
    return directory


def test_an_id_that_is_live_and_archived_is_found(twins: Path) -> None:
    def names(snapshot: Snapshot) -> list[str]:
        found = (snapshot.archived_twin(snapshot.find(i).found[0]) for i in ("both", "live"))
        return [twin.name if twin else "" for twin in found]

    assert read(twins, names) == ["first", ""]
    among = read(twins, lambda snapshot: snapshot.archived_among(["both", "live", "nowhere"]))
    assert among == {"both"}


def test_an_archived_task_is_not_its_own_twin(twins: Path) -> None:
    with closing(sqlite3.connect(twins / DB_FILENAME)) as connection, connection:
        connection.execute("DELETE FROM tasks WHERE task_id = 'both'")
    twin = read(twins, lambda snapshot: snapshot.archived_twin(snapshot.find("both").found[0]))
    assert twin is None
