"""Tasks as they are stored, in order of their ids: every row once, whatever it holds."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from uniqc_store import StoredTask, TaskInfo, TaskStore

if TYPE_CHECKING:
    from collections.abc import Sequence

STORES = Path(__file__).parents[2] / "data" / "stores"
RELEASED = sorted(path.name for path in STORES.glob("*.sqlite"))


@pytest.fixture(params=RELEASED)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TaskStore:
    shutil.copy(STORES / request.param, tmp_path / "tasks.sqlite")
    return TaskStore(tmp_path, read_only=True)


def all_of(store: TaskStore, *, limit: int, upto: bytes | None = None) -> list[StoredTask]:
    found: list[StoredTask] = []
    after = b""
    while chunk := stretch(store, after, limit, upto):
        found += chunk
        after = bytes(chunk[-1].task_id)
    return found


def stretch(store: TaskStore, after: bytes, limit: int, upto: bytes | None) -> list[StoredTask]:
    return store.read(lambda snapshot: list(snapshot.stored_after(after, upto=upto, limit=limit)))


def rows_of(store: TaskStore, table: str, order: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(store.db_path)) as file:
        file.text_factory = bytearray
        if not file.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            return []
        return file.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()


def test_every_task_and_job_of_a_released_store_comes_once(store: TaskStore) -> None:
    found = all_of(store, limit=1_000)
    for archived, table in enumerate(("tasks", "archived_tasks")):
        ids = [row[0] for row in rows_of(store, table, "task_id")]
        assert [task.task_id for task in found if task.archived == archived] == ids
    for archived, table in enumerate(("task_shards", "archived_task_shards")):
        jobs = [job for task in found if task.archived == archived for job in task.jobs]
        expected = rows_of(store, table, "uniqc_task_id, shard_index")
        assert [(job.task_id, job.shard_index) for job in jobs] == [row[:2] for row in expected]


def test_stretches_of_one_task_give_the_same(store: TaskStore) -> None:
    at_once = {(bytes(task.task_id), task.archived) for task in all_of(store, limit=1_000)}
    by_fives = all_of(store, limit=5)
    # A stretch may end between a live and an archived task of one id; the second is then left out.
    assert at_once.issuperset((bytes(task.task_id), task.archived) for task in by_fives)
    assert {bytes(task.task_id) for task in by_fives} == {task_id for task_id, _ in at_once}


def test_tasks_are_in_the_order_of_their_bytes_up_to_the_last(store: TaskStore) -> None:
    found = all_of(store, limit=1_000)
    places = [(task.task_id, task.archived) for task in found]
    assert places == sorted(places)
    if found:
        middle = bytes(found[len(found) // 2].task_id)
        first = stretch(store, b"", 1_000, middle)
        assert first == [task for task in found if task.task_id <= middle]


def test_tasks_named_by_their_ids_are_the_same(store: TaskStore) -> None:
    found = [task for task in all_of(store, limit=1_000) if is_utf8(task.task_id)]
    ids: Sequence[str] = [task.task_id.decode() for task in found]
    named = store.read(lambda snapshot: list(snapshot.stored_tasks([*ids, "unknown"])))
    assert named == found


def is_utf8(value: bytearray) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_values_keep_their_types_and_bytes(tmp_path: Path) -> None:
    store = TaskStore(tmp_path)
    store.save(TaskInfo(task_id="a", backend="dummy"))
    with closing(sqlite3.connect(store.db_path)) as file, file:
        file.execute(
            "UPDATE tasks SET backend = x'ff', status = CAST(x'ff41' AS TEXT), shots = 'x'"
        )
        file.execute("UPDATE tasks SET metadata_json = 2.5, result_json = 'text'")
    (task,) = all_of(store, limit=9)
    assert type(task.backend) is bytes
    assert task.backend == b"\xff"
    assert task.status == bytearray(b"\xffA")
    assert task.shots == bytearray(b"x")
    assert task.metadata_json == b"2.5"  # the affinity of the column makes a text of it
    assert task.result_json == bytearray(b"text")
    assert task.error_message is None


def test_an_id_that_is_no_utf8_is_passed_in_order(tmp_path: Path) -> None:
    store = TaskStore(tmp_path)
    for task_id in ("a", "b", "c"):
        store.save(TaskInfo(task_id=task_id, backend="dummy"))
    with closing(sqlite3.connect(store.db_path)) as file, file:
        file.execute("UPDATE tasks SET task_id = CAST(x'61ff' AS TEXT) WHERE task_id = 'b'")
    assert [bytes(task.task_id) for task in all_of(store, limit=1)] == [b"a", b"a\xff", b"c"]


def test_ids_that_are_no_text_are_counted_and_left_out(tmp_path: Path) -> None:
    store = TaskStore(tmp_path)
    for task_id in ("a", "b", "c"):
        store.save(TaskInfo(task_id=task_id, backend="dummy"))
    with closing(sqlite3.connect(store.db_path)) as file, file:
        file.execute("UPDATE tasks SET task_id = NULL WHERE task_id = 'a'")
        file.execute("UPDATE tasks SET task_id = x'62' WHERE task_id = 'b'")
    assert store.read(lambda snapshot: snapshot.without_id()) == 2
    assert [bytes(task.task_id) for task in all_of(store, limit=9)] == [b"c"]


def test_other_questions_read_text_as_before(tmp_path: Path) -> None:
    store = TaskStore(tmp_path)
    store.save(TaskInfo(task_id="a", backend="dummy"))
    read = store.read(
        lambda snapshot: (list(snapshot.stored_after(b"", limit=5)), snapshot.backends())
    )
    assert read[1] == ("dummy",)
