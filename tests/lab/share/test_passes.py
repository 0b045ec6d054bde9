"""One pass makes the server equal to the file, whatever either of them had before."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.lab.share.fake_server import FakeServer, answered, problem
from tests.lab.share.sharing import assert_arrived, content_of, kept_content, share

from uniqc_mcp.lab.exchange import Compared
from uniqc_mcp.lab.share.errors import ShareError
from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    import httpx2

STORES = Path(__file__).parents[2] / "data" / "stores"
RELEASED = sorted({path.name for path in STORES.glob("*.sqlite")} - {"0-halfinit.sqlite"})


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_store_arrives_whole_and_a_second_pass_sends_nothing(
    name: str, tmp_path: Path
) -> None:
    shutil.copy(STORES / name, tmp_path / "tasks.sqlite")
    server = FakeServer()
    outcome = share(tmp_path, server)
    assert outcome.refused == ()
    assert_arrived(kept_content(server.store), content_of(tmp_path))
    server.requests.clear()
    assert share(tmp_path, server).sent == 0
    assert len(server.requests) == 1


def filled(directory: Path, count: int) -> TaskStore:
    """Return a store with tasks whose ids are not in the order of their insertion."""
    store = TaskStore(directory)
    statement = """
        INSERT INTO tasks VALUES
        (?, 'dummy', 'running', 1, '2026-08-01T09:00:00+00:00', '2026-08-01T09:00:00+00:00',
         NULL, '{}')
    """
    with closing(sqlite3.connect(store.db_path)) as file, file:
        ids = [(f"{number * 7919 % count:06d}",) for number in range(count)]
        file.executemany(statement, ids)
    return store


def changed(store: TaskStore, statement: str) -> None:
    with closing(sqlite3.connect(store.db_path)) as file, file:
        file.execute("PRAGMA foreign_keys = ON")
        file.execute(statement)


def test_many_tasks_go_in_batches_and_few_changes_in_one(tmp_path: Path) -> None:
    store, server = filled(tmp_path, 4_500), FakeServer(max_differing=2)
    assert share(tmp_path, server).sent == 4_500
    assert kept_content(server.store) == content_of(tmp_path)
    changed(store, "UPDATE tasks SET status = 'success' WHERE task_id LIKE '%77'")
    changed(store, "DELETE FROM tasks WHERE task_id LIKE '%11'")
    changed(store, "UPDATE tasks SET update_time = 'x' WHERE task_id = '004499'")
    outcome = share(tmp_path, server)
    assert (outcome.sent, outcome.gone) == (46, 45)
    assert kept_content(server.store) == content_of(tmp_path)


def test_a_server_that_holds_more_than_a_range_may_have_is_repaired(tmp_path: Path) -> None:
    store, server = filled(tmp_path, 3_000), FakeServer(max_held=1_100)
    share(tmp_path, server)
    changed(store, "DELETE FROM tasks WHERE task_id > '000010'")
    assert share(tmp_path, server).gone == 2_989
    shutil.rmtree(tmp_path)
    filled(tmp_path, 2_500)
    share(tmp_path, server)
    assert kept_content(server.store) == content_of(tmp_path)


def test_a_removed_file_leaves_no_task_and_comes_back(tmp_path: Path) -> None:
    store, server = filled(tmp_path, 5), FakeServer()
    share(tmp_path, server)
    copy = store.db_path.read_bytes()
    store.clear_all()
    assert share(tmp_path, server).gone == 5
    assert server.store.tasks == {}
    store.db_path.write_bytes(copy)
    assert share(tmp_path, server).sent == 5
    assert server.store.gone == set()


@pytest.mark.parametrize("damage", ["blank", "no directory", "flipped"])
def test_a_file_that_may_lack_tasks_removes_none(damage: str, tmp_path: Path) -> None:
    directory, server = tmp_path / "cache", FakeServer()
    directory.mkdir()
    shutil.copy(STORES / "5-0.1.0.sqlite", directory / "tasks.sqlite")
    share(directory, server)
    before = dict(server.store.tasks)
    path = directory / "tasks.sqlite"
    if damage == "blank":
        path.write_bytes(b"")
    elif damage == "no directory":
        directory.rename(tmp_path / "elsewhere")
    else:
        changed(TaskStore(directory), "DELETE FROM tasks WHERE task_id = 'nothing'")
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("PRAGMA writable_schema = ON")
            file.execute("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'tasks_status_idx'")
    with pytest.raises(ShareError):
        share(directory, server)
    assert server.store.tasks == before


def test_ids_that_cannot_be_shared_are_counted_and_keep_nothing_else_back(tmp_path: Path) -> None:
    store, server = filled(tmp_path, 5), FakeServer()
    names = {
        "000000": "CAST(x'ff' AS TEXT)",
        "000001": "'a' || char(0) || 'b'",
        "000002": "'token=sk-proj-abcdefghijklmnopqrstuvwxyz0123456789'",
        "000003": "x'00'",
    }
    for task_id, name in names.items():
        changed(store, f"UPDATE tasks SET task_id = {name} WHERE task_id = '{task_id}'")
    outcome = share(tmp_path, server)
    assert (outcome.sent, outcome.left_out, outcome.complete) == (1, 4, False)
    assert list(server.store.tasks) == [("000004", False)]


def test_a_refused_task_is_named_and_the_others_arrive(tmp_path: Path) -> None:
    store, server = filled(tmp_path, 50), FakeServer()
    server.refuse = lambda task: "no" if task.key.task_id == "000007" else ""
    outcome = share(tmp_path, server)
    assert [(each.key.task_id, each.reason) for each in outcome.refused] == [("000007", "no")]
    assert outcome.sent == len(server.store.tasks) == 49
    server.refuse = lambda _: ""
    assert share(tmp_path, server).complete
    server.refuse = lambda task: "no" if task.status == "failed" else ""
    changed(store, "UPDATE tasks SET status = 'failed' WHERE task_id = '000003'")
    assert not share(tmp_path, server).complete  # the server keeps what it had of it
    assert len(server.store.tasks) == 50


@pytest.mark.parametrize("status", [400, 413])
def test_one_bad_task_of_a_batch_does_not_keep_the_others_back(status: int, tmp_path: Path) -> None:
    filled(tmp_path, 300)
    server = FakeServer()
    server.before = lambda request: (
        problem(status, "bad task") if b'"task_id":"000123"' in request.read() else None
    )
    outcome = share(tmp_path, server)
    assert [each.key.task_id for each in outcome.refused] == ["000123"]
    assert len(server.store.tasks) == 299


def test_a_proxy_with_a_smaller_limit_gets_smaller_batches(tmp_path: Path) -> None:
    filled(tmp_path, 2_000)
    server = FakeServer()
    server.before = lambda request: (
        problem(413, "too large") if len(request.read()) > 60_000 else None
    )
    assert share(tmp_path, server).complete
    assert len(server.store.tasks) == 2_000


def test_a_task_that_is_too_large_goes_without_its_bodies(tmp_path: Path) -> None:
    store = TaskStore(tmp_path)
    store.save(TaskInfo(task_id="large", backend="dummy", result={"0": "x" * 100_000}))
    server = FakeServer()
    server.before = lambda request: (
        problem(413, "too large") if len(request.read()) > 60_000 else None
    )
    assert share(tmp_path, server).complete
    (task,) = server.store.tasks.values()
    assert task.result is None
    assert task.result_bytes == 100_009


def test_a_server_that_refuses_every_task_ends_the_pass(tmp_path: Path) -> None:
    filled(tmp_path, 2_000)
    server = FakeServer()
    server.before = lambda request: problem(400, "no") if b'"tasks":[{' in request.read() else None
    with pytest.raises(ShareError, match="400"):
        share(tmp_path, server)
    assert len(server.requests) < 200


def test_another_version_of_what_is_sent_sends_everything_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, 10)
    server = FakeServer()
    share(tmp_path, server)
    monkeypatch.setattr("uniqc_mcp.lab.share.fingerprints.REDACTION", 999)
    assert share(tmp_path, server).sent == 10


def test_a_late_message_of_a_killed_process_is_no_fault(tmp_path: Path) -> None:
    filled(tmp_path, 10)
    server = FakeServer()
    share(tmp_path, server)
    late = iter([{}, server.stores, server.stores])

    def arrives(_: httpx2.Request) -> None:
        server.stores = next(late)

    server.before = arrives
    assert share(tmp_path, server).sent == 0


def test_a_server_that_differs_for_ever_ends_the_pass(tmp_path: Path) -> None:
    filled(tmp_path, 10)
    server = FakeServer()
    share(tmp_path, server)

    differs = Compared(epoch="one", revision=1, same=False)
    server.before = lambda _: answered(differs)
    with pytest.raises(ShareError, match="still differs"):
        share(tmp_path, server)
    assert len(server.requests) < 20
