"""What was computed from a state is told again until a store in sight changes, and no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.records import StoredJob, StoredTask
from tests.lab.messages import compare_of, push_of

from uniqc_mcp.lab.answers.stores import EVERYTHING, Selection
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.exchange import Key
from uniqc_mcp.lab.serving.stores import DatabaseStores
from uniqc_mcp.lab.store.kept import MAX_VALUES, KeptStates
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_mcp.lab.store.scope import FEW_OWNERS, Scope
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import TaskFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    from tests.lab.fixtures import LabDatabase

    from uniqc_mcp.questions.snapshot import StoreSnapshot

ALICE = Viewer(owners=frozenset({"alice"}))
STORE = "1" * 32
RUNNING = StoredTask(task_id="uqt_" + "0" * 32, jobs=(StoredJob(platform_task_id="job-1"),))
MORE = [replace(RUNNING, task_id=f"uqt_{number:032}") for number in range(30)]


class Traffic:
    """The messages between a pool of one connection and its database, as libpq traces them."""

    def __init__(self, database: Database, path: Path) -> None:
        self._path = path
        self._connection = database.read(ALICE, lambda connection: connection)

    def of(self, ask: Callable[[], object]) -> tuple[int, int]:
        """Return the round trips and the statements of a call."""
        connection = self._connection.pgconn
        with self._path.open("w") as trace:
            connection.trace(trace.fileno())
            ask()
            connection.untrace()
            told = self._path.read_text(errors="replace")
        return told.count("\tReadyForQuery"), told.count("\tCommandComplete")


@pytest.fixture
def one_connection(lab_database: LabDatabase) -> Generator[Database]:
    with Database(lab_database.address, max_connections=1) as database:
        yield database


def share(
    database: Database,
    *tasks: StoredTask,
    gone: Iterable[StoredTask] = (),
    owner: str = "alice",
    audience: str = "me",
) -> None:
    ingest, store_id = Ingest(database), f"{len(owner)}" * 32
    ingest.compare(owner, compare_of(tasks, store_id=store_id, audience=audience))
    keys = [Key(task_id=one.task_id) for one in gone]
    assert not ingest.push(owner, push_of(enumerate(tasks), keys, store_id=store_id)).refused


def newest(now: StoreSnapshot) -> dict[str, str]:
    """Return the status of each of the newest tasks, as it may be kept."""
    found = now.cached("newest", lambda: now.search(TaskFilter(), limit=9).records)
    return {one.task_id: one.status for one in found}


@pytest.mark.parametrize("owners", [1, 60])
@pytest.mark.parametrize(
    ("tasks", "first"),
    # Beginning and stores, page, jobs, end; and the count of a page that is not the last.
    [([RUNNING], (4, 6)), (MORE, (5, 7))],
)
def test_a_page_takes_few_round_trips_and_once_more_one(
    one_connection: Database,
    tmp_path: Path,
    owners: int,
    tasks: list[StoredTask],
    first: tuple[int, int],
) -> None:
    # Of many owners it is asked how many tasks they have.
    more = int(owners > FEW_OWNERS)
    messages, statements = first[0] + more, first[1] + more
    for number in range(owners - 1):
        Ingest(one_connection).compare(f"owner-{number}", compare_of([], audience="lab"))
    share(one_connection, *tasks)
    stores = DatabaseStores(one_connection, seconds_kept=1_000)
    assert len(stores.viewer("alice").owners) == owners
    tools = ReadTools(stores.store("alice", EVERYTHING))
    traffic = Traffic(one_connection, tmp_path / "trace")
    assert traffic.of(tools.list_tasks) == (messages, statements)
    # One message of all: BEGIN, the settings, the revisions, COMMIT.
    assert traffic.of(tools.list_tasks) == (1, 4)
    Ingest(one_connection).compare("alice", compare_of(tasks, store_id=STORE))
    assert traffic.of(tools.list_tasks)[0] == 1 + messages


def test_who_may_see_what_is_read_once_for_all_who_ask(
    one_connection: Database, tmp_path: Path
) -> None:
    share(one_connection, RUNNING, audience="lab")
    stores = DatabaseStores(one_connection, seconds_kept=1_000)
    traffic = Traffic(one_connection, tmp_path / "trace")
    assert traffic.of(lambda: stores.viewer("alice")) == (1, 4)
    assert traffic.of(lambda: stores.viewer("bob")) == (0, 0)
    assert stores.viewer("bob").owners == {"alice", "bob"}
    assert traffic.of(lambda: stores.viewer("bob", anew=True)) == (1, 4)


def test_what_changes_while_a_question_is_answered_is_in_the_answer(database: Database) -> None:
    share(database, RUNNING)
    store = LabStore(database, viewer=ALICE)
    asked: list[object] = []

    def ask(now: StoreSnapshot) -> dict[str, str]:
        found = newest(now)
        if not asked:
            share(database, replace(RUNNING, status="failed"))
        asked.append(found)
        return found

    assert store.read(newest) == {RUNNING.task_id: "running"}
    assert store.read(ask) == {RUNNING.task_id: "failed"}
    assert asked == [{RUNNING.task_id: "running"}, {RUNNING.task_id: "failed"}]


def test_a_restored_backup_with_the_same_revisions_is_another_state(
    database: Database, lab_database: LabDatabase
) -> None:
    share(database, RUNNING)
    store = LabStore(database, viewer=ALICE)
    assert store.read(newest) == {RUNNING.task_id: "running"}
    with psycopg.connect(lab_database.admin_address) as connection:
        connection.execute("SELECT set_config('lab.viewer', 'alice', true)")
        connection.execute("SELECT set_config('lab.writer', 'alice', true)")
        connection.execute("UPDATE task SET status = 'failed'")
        changed = connection.execute("UPDATE store SET heard_at = heard_at - interval '1 us'")
        assert changed.rowcount == 1
    assert store.read(newest) == {RUNNING.task_id: "failed"}


def test_one_sees_nothing_that_was_kept_for_another(database: Database) -> None:
    share(database, RUNNING)
    share(database, MORE[1], owner="bob")
    kept = KeptStates()
    for _ in range(2):
        for owner, task in (("alice", RUNNING), ("bob", MORE[1])):
            viewer = Viewer(owners=frozenset({owner}))
            assert LabStore(database, viewer=viewer, kept=kept).read(newest) == {
                task.task_id: "running"
            }
    both = Viewer(owners=frozenset({"alice", "bob"}))
    assert len(LabStore(database, viewer=both, kept=kept).read(newest)) == 2
    for owner in ("alice", "bob"):
        chosen = LabStore(database, viewer=both, owner=owner, kept=kept)
        assert len(chosen.read(newest)) == 1


CHANGES: dict[str, Callable[[Database, StoredTask], None]] = {
    "a status": lambda database, task: share(database, replace(task, status="failed"), MORE[2]),
    "another status": lambda database, task: share(database, replace(task, status="success")),
    "a new task": lambda database, _: share(database, MORE[3]),
    "a task is gone": lambda database, task: share(database, gone=[task]),
    "another's task": lambda database, task: share(database, task, owner="bob", audience="lab"),
    "another stops to share": lambda database, _: share(database, owner="bob"),
    "another begins to share": lambda database, _: share(database, owner="bob", audience="lab"),
    "heard from": lambda database, _: share(database),
}


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from([*CHANGES, "nothing"]), min_size=3, max_size=5))
def test_after_any_history_the_answers_are_those_of_a_server_that_kept_nothing(
    database: Database, history: list[str]
) -> None:
    now = datetime.now(UTC) + timedelta(days=1)

    def answers(stores: DatabaseStores) -> list[object]:
        found: list[object] = []
        for owner, selection in (("alice", EVERYTHING), ("carol", EVERYTHING), ("alice", BOBS)):
            tools = ReadTools(stores.store(owner, selection), lambda: now)
            found += (tools.list_tasks(status="any"), tools.count_tasks(), tools.summarize_tasks())
        return found

    lasting = DatabaseStores(database, seconds_kept=0)
    for change in history:
        if change != "nothing":
            CHANGES[change](database, RUNNING)
        fresh = answers(DatabaseStores(database, seconds_kept=0))
        assert answers(lasting) == fresh
        assert answers(lasting) == fresh


BOBS = Selection(owner="bob")


def test_a_bounded_number_of_values_is_kept() -> None:
    kept, scopes = KeptStates(), [Scope(viewer=ALICE, owner=f"{n}") for n in range(2 * MAX_VALUES)]
    for scope in scopes:
        for key in range(3):
            assert kept.of(scope, [], asked_at=0).get_or_compute(key, lambda: "value") == "value"
    assert kept.number <= MAX_VALUES + 3
    assert kept.newest(scopes[0]) is None
    state = kept.of(scopes[-1], [], asked_at=0)
    assert state.number == 4
    for key in range(2 * MAX_VALUES):
        state.get_or_compute(key, lambda: "value")
    assert state.number <= MAX_VALUES + 1
    assert state.get_or_compute("large", lambda: "value", size=lambda _: 10**6) == "value"
    assert state.get_or_compute("large", lambda: "other") == "other"
