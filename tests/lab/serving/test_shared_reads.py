"""Calls that are open at the same time share what they ask of the database, and nothing else."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import psycopg
import pytest
from tests.contract.records import StoredTask
from tests.lab.counted import Counted
from tests.server.watching import until

from uniqc_mcp.lab.errors import LabUnavailableError
from uniqc_mcp.lab.serving.stores import DatabaseStores
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import InterruptedReadError

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.lab.conftest import Lab
    from tests.lab.postgres import Postgres

    from uniqc_mcp.questions.store import ReadableStore

TASK = StoredTask(task_id="uqt_1", status="running")


@pytest.fixture
def counted(lab: Lab) -> Generator[Counted]:
    with Counted(lab.address.address) as database:
        yield database


@pytest.fixture
def stores(counted: Counted) -> DatabaseStores:
    """Return stores that know already who may see what."""
    stores = DatabaseStores(counted, seconds_kept=1_000)
    stores.viewer("alice")
    counted.asked.clear()
    return stores


@contextmanager
def locked(lab: Lab, table: str) -> Generator[psycopg.Connection[Any]]:
    """Let everybody wait who reads a table, until the context is left."""
    with psycopg.connect(lab.address.admin_address) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield connection


def waiting(postgres: Postgres, lab: Lab) -> int:
    """Return the number of statements that wait for a lock."""
    with postgres.connect() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'",
            (lab.address.name,),
        ).fetchone()
    assert found is not None
    return int(found[0])


def listed(store: ReadableStore) -> list[tuple[str, str]]:
    return [(one.task_id, one.status) for one in ReadTools(store).list_tasks(status=("any",)).tasks]


class Calls:
    """Calls of a task group, and their answers."""

    def __init__(self, stores: DatabaseStores) -> None:
        self._stores = stores
        self.answers: list[list[tuple[str, str]]] = []
        self.failures: list[LabUnavailableError] = []

    async def ask(self, requester: str, scope: anyio.CancelScope | None = None) -> None:
        # A statement that was cancelled raises the latter, before its call ends.
        with scope or anyio.CancelScope(), suppress(InterruptedReadError):
            try:
                self.answers.append(await self._stores.ask(requester, listed))
            except LabUnavailableError as error:
                self.failures.append(error)


async def test_calls_at_the_same_time_share_a_reading_and_then_the_checks(
    lab: Lab, postgres: Postgres, counted: Counted, stores: DatabaseStores
) -> None:
    lab.share("alice", TASK)
    calls = Calls(stores)
    async with anyio.create_task_group() as group:
        with locked(lab, "task"):
            for _ in range(10):
                group.start_soon(calls.ask, "alice")
            await until(lambda: waiting(postgres, lab))
    assert calls.answers == 10 * [[("uqt_1", "running")]]
    assert (len(counted.readings), len(counted.asked)) == (1, 0)
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(calls.ask, "alice")
    assert calls.answers == 20 * [[("uqt_1", "running")]]
    assert (len(counted.readings), len(counted.asked)) == (1, 1)


async def test_no_answer_is_older_than_its_call(
    lab: Lab, postgres: Postgres, stores: DatabaseStores
) -> None:
    lab.share("alice", TASK)
    calls = Calls(stores)
    await calls.ask("alice")
    async with anyio.create_task_group() as group:
        with locked(lab, "store") as connection:
            group.start_soon(calls.ask, "alice")
            await until(lambda: waiting(postgres, lab))
            for setting in ("lab.viewer", "lab.writer"):
                connection.execute("SELECT set_config(%s, 'alice', true)", (setting,))
            connection.execute("UPDATE task SET status = 'failed'")
            connection.execute("UPDATE store SET revision = revision + 1")
        # The change is committed, while the check of the first call is under way.
        group.start_soon(calls.ask, "alice")
    assert calls.answers[-1] == [("uqt_1", "failed")]


@pytest.mark.parametrize("table", ["task", "store"])
async def test_a_cancelled_call_takes_nothing_from_another(
    lab: Lab, postgres: Postgres, counted: Counted, stores: DatabaseStores, table: str
) -> None:
    lab.share("alice", TASK)
    calls, first = Calls(stores), anyio.CancelScope()
    if table == "store":  # of which a call of a state that is known asks first
        await calls.ask("alice")
    before = len(counted.readings) + len(counted.asked)
    async with anyio.create_task_group() as group:
        with locked(lab, table):
            group.start_soon(calls.ask, "alice", first)
            group.start_soon(calls.ask, "alice")
            await until(lambda: waiting(postgres, lab))
            first.cancel()
            # The other one asks by itself.
            await until(lambda: len(counted.readings) + len(counted.asked) == before + 2)
    assert calls.answers[-1] == [("uqt_1", "running")]


@pytest.mark.parametrize("table", ["task", "store", "audience"])
async def test_a_statement_ends_once_nobody_waits_for_it(
    lab: Lab, postgres: Postgres, counted: Counted, stores: DatabaseStores, table: str
) -> None:
    lab.share("alice", TASK)
    calls = Calls(stores)
    if table == "store":
        await calls.ask("alice")
    elif table == "audience":
        calls = Calls(DatabaseStores(counted))
    answers = list(calls.answers)
    with locked(lab, table):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(calls.ask, "alice")
            await until(lambda: waiting(postgres, lab))
            group.cancel_scope.cancel()
        # And not because it had ended by itself: what it waits for is still locked.
        assert waiting(postgres, lab) == 0
    assert calls.answers == answers


async def test_people_who_ask_the_same_at_the_same_time_each_get_their_own(
    lab: Lab, postgres: Postgres, stores: DatabaseStores
) -> None:
    lab.share("alice", TASK)
    lab.share("bob", replace(TASK, task_id="uqt_2"))
    lab.share("carol", replace(TASK, task_id="uqt_3"), audience="lab")
    stores.viewer("alice", anew=True)
    of = {one: Calls(stores) for one in ("alice", "bob", "carol")}
    for _ in range(2):
        async with anyio.create_task_group() as group:
            with locked(lab, "task"):
                for person, calls in of.items():
                    for _ in range(3):
                        group.start_soon(calls.ask, person)
                await until(lambda: waiting(postgres, lab) == len(of))
        lab.share("carol", replace(TASK, task_id="uqt_3", status="failed"), audience="lab")
    seen = {
        person: [sorted({task_id for task_id, _ in one}) for one in calls.answers]
        for person, calls in of.items()
    }
    assert seen == {
        "alice": 6 * [["uqt_1", "uqt_3"]],
        "bob": 6 * [["uqt_2", "uqt_3"]],
        "carol": 6 * [["uqt_3"]],
    }


async def test_a_database_that_is_away_is_tried_for_all_who_wait_together() -> None:
    with Counted("host=/nowhere dbname=none", connect_timeout=0.2) as away:
        calls = Calls(DatabaseStores(away))
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(calls.ask, "alice")
    assert len(calls.failures) == 20
    assert len(away.asked) == 1
