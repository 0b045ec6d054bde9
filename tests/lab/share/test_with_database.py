"""The same passes against a laboratory's store in PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.lab.share.fake_server import FakeServer
from tests.lab.share.history import History
from tests.lab.share.sharing import assert_arrived, content_of, share

from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.share.sharing import Content

    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.exchange import Compare, Compared, Push, Pushed

STORES = Path(__file__).parents[2] / "data" / "stores"

TASKS = """
    SELECT task_id, archived, place, backend, status, shots, submit_time, update_time, metadata,
        result, error, archived_at
    FROM task LEFT JOIN body USING (owner, store_id, task_id, archived) WHERE gone_at IS NULL
"""
JOBS = """
    SELECT task_id, archived, shard_index, platform_task_id, backend, circuit_count,
        sub_index_offset, status, submit_time, update_time, error, result
    FROM job ORDER BY shard_index
"""


@dataclass
class DatabaseServer(FakeServer):
    """A server that keeps what it is sent in a database."""

    owner: str = "alice"
    database: Database = field(kw_only=True)

    def compare(self, message: Compare) -> Compared:
        return Ingest(self.database).compare(self.owner, message)

    def push(self, message: Push) -> Pushed:
        return Ingest(self.database).push(self.owner, message)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        viewer = Viewer(owners=frozenset({self.owner}))
        return self.database.read(viewer, lambda now: now.execute(statement.encode()).fetchall())

    def content(self) -> Content:
        jobs: dict[tuple[str, bool], list[tuple[object, ...]]] = {}
        for task_id, archived, *job in self.rows(JOBS):
            jobs.setdefault((task_id, archived), []).append(tuple(job))
        return {
            (task_id, archived): (*values, tuple(jobs.get((task_id, archived), ())))
            for task_id, archived, *values in self.rows(TASKS)
        }


@pytest.mark.parametrize("name", ["1-0.0.7.post1.sqlite", "5-0.1.0.sqlite"])
def test_a_released_store_arrives_and_a_second_pass_sends_nothing(
    name: str, tmp_path: Path, database: Database
) -> None:
    shutil.copy(STORES / name, tmp_path / "tasks.sqlite")
    server = DatabaseServer(database=database)
    assert share(tmp_path, server).refused == ()
    assert_arrived(server.content(), content_of(tmp_path))
    server.requests.clear()
    assert share(tmp_path, server).sent == 0
    assert len(server.requests) == 1


def test_another_owner_with_the_same_name_of_a_store_changes_nothing(
    tmp_path: Path, database: Database
) -> None:
    TaskStore(tmp_path).save(TaskInfo(task_id="mine", backend="dummy"))
    alice, bob = DatabaseServer(database=database), DatabaseServer(database=database, owner="bob")
    share(tmp_path, alice)
    TaskStore(tmp_path).delete("mine")
    share(tmp_path, bob)
    assert [task_id for task_id, _ in alice.content()] == ["mine"]


MOVES: tuple[Callable[[History, int], None], ...] = (
    *[History.insert] * 3,
    *(History.update, History.touch, History.change_job, History.delete, History.archive),
    *(History.clear_all, History.vacuum, History.upgrade),
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 999)), max_size=25))
def test_one_pass_makes_the_database_equal_to_the_file(
    database: Database, moves: list[tuple[Callable[[History, int], None], int]]
) -> None:
    server = DatabaseServer(database=database)
    with tempfile.TemporaryDirectory() as directory:
        history = History(Path(directory), server=server)
        # The database still has the tasks of the example before, so each one begins with an older
        # state of the same store.
        for number, (move, value) in enumerate(moves):
            move(history, value)
            if number % 6 == 0:
                assert share(history.directory, server).complete
        assert share(history.directory, server).complete
        assert server.content() == content_of(history.directory)
