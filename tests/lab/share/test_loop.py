"""Sharing that goes on: news between two passes, outages, and servers that lost something."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.lab.share.fake_server import ADDRESS, TOKEN, FakeServer, problem
from tests.lab.share.sharing import content_of, kept_content

from uniqc_mcp.lab.share.errors import ShareRefusedError
from uniqc_mcp.lab.share.start import Wanted, prepared
from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SECRET = "q7Zk2Lw9Vb4Xn1Tc8Rm3"  # noqa: S105 - made up


@pytest.fixture(autouse=True)
def quick_and_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("uniqc_mcp.lab.share.client._FIRST_PAUSE", 0.002)


class Run:
    """A sharing on a thread of its own."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.told: list[str] = []
        self.said = threading.Event()
        self.error: BaseException | None = None

    def tell(self, words: str) -> None:
        self.told.append(words)
        self.said.set()


@contextmanager
def sharing(cache: Path, server: FakeServer, *, every: float = 600) -> Generator[Run]:
    run = Run()
    wanted = Wanted(
        address=ADDRESS, token=TOKEN, cache_dir=cache, audience="me", every=every, ca_file=None
    )

    def work() -> None:
        transport = httpx2.MockTransport(server.answer)
        try:
            with prepared(wanted, stop=run.stop, tell=run.tell, transport=transport) as shared:
                shared.run()
        except ShareRefusedError as error:
            run.error = error
            with server.answered:
                server.answered.notify_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield run
    finally:
        run.stop.set()
        thread.join(120)
        assert not thread.is_alive()


def has(server: FakeServer, task_id: str) -> bool:
    return any((task_id, False) in store.tasks for store in server.stores.values())


def in_step(server: FakeServer, cache: Path) -> None:
    keys = content_of(cache).keys()
    server.wait_for(lambda: bool(server.stores) and server.store.tasks.keys() == keys)


def changed(cache: Path, statement: str) -> None:
    with closing(sqlite3.connect(cache / "tasks.sqlite")) as file, file:
        file.execute(statement)


def test_news_is_sent_without_another_pass(cache: Path, server: FakeServer) -> None:
    with sharing(cache, server):
        in_step(server, cache)
        compared = sum(path.endswith("compare") for path, _ in server.requests)
        TaskStore(cache).save(TaskInfo(task_id="new", backend="dummy", metadata={"token": SECRET}))
        server.wait_for(lambda: has(server, "new"))
        TaskStore(cache).delete("new")
        server.wait_for(lambda: not has(server, "new"))
        assert ("new", False) in server.store.gone
    assert sum(path.endswith("compare") for path, _ in server.requests) == compared
    assert not server.sent(SECRET.encode())


def test_an_archived_task_moves(cache: Path, server: FakeServer) -> None:
    TaskStore(cache).save(TaskInfo(task_id="done", backend="dummy", status="success"))
    with sharing(cache, server):
        in_step(server, cache)
        with closing(sqlite3.connect(cache / "tasks.sqlite")) as file, file:
            file.execute(
                """
                INSERT INTO archived_tasks (task_id, backend, status, shots, submit_time,
                    update_time, result_json, metadata_json, archived_at)
                SELECT task_id, backend, status, shots, submit_time, update_time, result_json,
                    metadata_json, '2026-08-05T10:54:52+00:00'
                FROM tasks WHERE task_id = 'done'
                """
            )
            file.execute("DELETE FROM tasks WHERE task_id = 'done'")
        in_step(server, cache)
        assert ("done", True) in server.store.tasks


def test_what_no_hint_tells_is_there_after_the_next_pass(cache: Path, server: FakeServer) -> None:
    with sharing(cache, server, every=0.3):
        in_step(server, cache)
        changed(cache, "UPDATE task_shards SET status = 'odd' WHERE rowid = 1")
        server.wait_for(
            lambda: any(
                job.status == "odd" for task in server.store.tasks.values() for job in task.jobs
            )
        )


def test_clear_all_is_there_at_once(cache: Path, server: FakeServer) -> None:
    with sharing(cache, server):
        in_step(server, cache)
        TaskStore(cache).clear_all()
        server.wait_for(lambda: not server.store.tasks)


def test_an_outage_is_told_once_and_so_is_its_end(cache: Path, server: FakeServer) -> None:
    def unreachable(request: httpx2.Request) -> None:
        raise httpx2.ConnectError(f"no route {len(server.requests)}", request=request)

    server.before = unreachable
    with sharing(cache, server) as run:
        server.wait_for(lambda: len(server.requests) > 40)
        assert len(run.told) == 1
        assert "can't be reached" in run.told[0]
        server.before = lambda _: None
        in_step(server, cache)
        TaskStore(cache).save(TaskInfo(task_id="new", backend="dummy"))
        server.wait_for(lambda: has(server, "new"))
    assert len(run.told) == 2
    assert "The laboratory has" in run.told[1]


def test_a_server_from_an_older_backup_is_filled_again_at_the_next_news(
    cache: Path, server: FakeServer
) -> None:
    with sharing(cache, server):
        in_step(server, cache)
        server.store.tasks.clear()
        server.store.revision = 0
        TaskStore(cache).save(TaskInfo(task_id="new", backend="dummy"))
        in_step(server, cache)


def test_another_database_is_filled_at_the_next_news(cache: Path, server: FakeServer) -> None:
    with sharing(cache, server):
        in_step(server, cache)
        server.store.tasks.clear()
        server.epoch = "two"
        TaskStore(cache).save(TaskInfo(task_id="new", backend="dummy"))
        in_step(server, cache)


def test_a_copied_state_is_told_and_ends_it(cache: Path, server: FakeServer) -> None:
    with sharing(cache, server, every=0.2) as run:
        in_step(server, cache)
        seen = len(server.requests)  # the pass has to end first
        server.wait_for(lambda: len(server.requests) > seen + 2)
        server.store.revision += 1  # as another machine does that writes to the same store
        server.wait_for(lambda: run.error is not None)
    assert "was copied" in str(run.error)


def test_a_revoked_token_ends_it(cache: Path, server: FakeServer) -> None:
    with sharing(cache, server, every=0.2) as run:
        in_step(server, cache)
        server.before = lambda _: problem(401, "revoked")
        server.wait_for(lambda: run.error is not None)
    assert "Ask for a token" in str(run.error)


def test_an_unreadable_file_is_told_and_read_once_it_can_be(
    cache: Path, server: FakeServer
) -> None:
    path = cache / "tasks.sqlite"
    good = path.read_bytes()
    path.write_bytes(b"no database" * 100)
    with sharing(cache, server) as run:
        assert run.said.wait(120)
        path.write_bytes(good)
        in_step(server, cache)
    assert len(run.told) == 2


def test_a_file_that_did_not_change_is_not_read_again(cache: Path, server: FakeServer) -> None:
    with sharing(cache, server, every=0.1):
        in_step(server, cache)
        seen = len(server.requests)
        server.wait_for(lambda: len(server.requests) > seen + 3)
    assert all(path.endswith("compare") for path, _ in server.requests[seen:])
    assert kept_content(server.store).keys() == content_of(cache).keys()


def damage_index(cache: Path) -> None:
    """Let the index on the ids of tasks be that of the archive, which is empty."""
    with closing(sqlite3.connect(cache / "tasks.sqlite")) as file, file:
        file.execute("PRAGMA writable_schema = ON")
        file.execute(
            """
            UPDATE sqlite_master SET rootpage = (
                SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_archived_tasks_1'
            ) WHERE name = 'sqlite_autoindex_tasks_1'
            """
        )


def test_an_index_that_is_damaged_between_two_passes_removes_no_task(
    cache: Path, server: FakeServer
) -> None:
    changed(cache, "UPDATE tasks SET metadata_json = printf('{\"a\": \"%.40000c\"}', 'x')")
    changed(cache, "DELETE FROM archived_tasks")
    with sharing(cache, server) as run:
        in_step(server, cache)
        before = set(server.store.tasks)
        damage_index(cache)
        changed(cache, "UPDATE tasks SET status = 'failed' WHERE +status = 'running'")
        deadline = time.monotonic() + 300
        while "is damaged" not in "".join(run.told):
            assert time.monotonic() < deadline, run.told
            time.sleep(0.02)
    assert not server.store.gone
    assert set(server.store.tasks) == before


def test_a_large_file_whose_index_lacks_tasks_removes_none(cache: Path, server: FakeServer) -> None:
    changed(cache, "UPDATE tasks SET metadata_json = printf('{\"a\": \"%.40000c\"}', 'x')")
    changed(cache, "DELETE FROM archived_tasks")
    assert (cache / "tasks.sqlite").stat().st_size > 2 * 2**20  # it is not checked whole
    with sharing(cache, server):
        in_step(server, cache)
    before = dict(server.store.tasks)
    damage_index(cache)
    with sharing(cache, server) as run:
        assert run.said.wait(120)
    assert "an index of it has 0 tasks and another 83" in run.told[0]
    assert server.store.tasks == before
