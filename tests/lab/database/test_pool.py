"""Transactions: repeated where the database asks for it, cancelled, and back after a failure."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
from tests.contract.records import StoredTask
from tests.lab import postgres as postgres_server
from tests.lab.messages import push_of

from uniqc_mcp.lab.database import schema
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.errors import LabSchemaError, LabUnavailableError
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_mcp.protocol.threads import call_is_cancelled
from uniqc_store import InterruptedReadError, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import Connection
    from tests.lab.fixtures import LabDatabase
    from tests.lab.postgres import Postgres

ALICE = Viewer(owners=frozenset({"alice"}))
SLEEP = "SELECT pg_sleep(120)"


def fails(code: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{code}'; END $$"


def failing_at_first(code: str, times: int) -> Callable[[Connection[Any]], int]:
    """Return a transaction that writes, and then fails so many times."""
    calls = 0

    def work(connection: Connection[Any]) -> int:
        nonlocal calls
        calls += 1
        connection.execute("INSERT INTO audience VALUES ('alice', %s, 'me')", (f"{calls}",))
        if calls <= times:
            connection.execute(fails(code).encode())
        return calls

    return work


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_a_transaction_that_lost_against_another_is_repeated_whole(
    database: Database, code: str
) -> None:
    assert database.write("alice", failing_at_first(code, 3)) == 4
    rows = database.read(ALICE, lambda now: now.execute("SELECT store_id FROM audience").fetchall())
    assert rows == [("4",)]


def test_a_transaction_that_always_loses_ends_with_words(database: Database) -> None:
    with pytest.raises(LabUnavailableError, match="planted"):
        database.write("alice", failing_at_first("40001", 100))


def test_a_transaction_keeps_nothing_of_the_viewer_before(lab_database: LabDatabase) -> None:
    with Database(lab_database.address, max_connections=1) as database:
        Ingest(database).push("alice", push_of([(0, StoredTask(task_id="uqt_a"))]))
        count = "SELECT count(*) FROM task"
        for owners, expected in (({"alice"}, 1), ({"bob"}, 0), (set[str](), 0), ({"alice"}, 1)):
            viewer = Viewer(owners=frozenset(owners))
            assert database.read(viewer, lambda now: now.execute(count).fetchone()) == (expected,)


def test_connections_that_were_ended_meanwhile_are_not_noticed(
    postgres: Postgres, lab_database: LabDatabase
) -> None:
    def pid(connection: Connection[Any]) -> int:
        barrier.wait()
        found = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert found is not None
        return int(found[0])

    with Database(lab_database.address, max_connections=3) as database:
        barrier = threading.Barrier(3)
        with ThreadPoolExecutor(3) as pool:
            before = {*pool.map(database.read, [ALICE] * 3, [pid] * 3)}
        with postgres.connect() as connection:
            for one in before:
                connection.execute("SELECT pg_terminate_backend(%s, 5000)", (one,))
        barrier = threading.Barrier(1)
        assert database.read(ALICE, pid) not in before


def test_a_reader_can_write_nothing(database: Database) -> None:
    with pytest.raises(LabUnavailableError, match="read-only"):
        database.read(ALICE, failing_at_first("40001", 0))


def running(postgres: Postgres, name: str) -> int:
    """Return the number of sleeping statements in a database."""
    with postgres.connect() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND query = %s"
            " AND state = 'active'",
            (name, SLEEP),
        ).fetchone()
    assert found is not None
    return int(found[0])


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once a condition holds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < 120
        time.sleep(0.01)


async def test_a_cancelled_call_ends_its_statement_and_keeps_its_connection(
    postgres: Postgres, lab_database: LabDatabase
) -> None:
    def pid(connection: Connection[Any]) -> object:
        return connection.execute("SELECT pg_backend_pid()").fetchone()

    with Database(
        lab_database.address, max_connections=1, should_stop=call_is_cancelled
    ) as database:
        before = database.read(ALICE, pid)
        ended: list[type[Exception]] = []

        def sleep() -> None:
            try:
                database.read(ALICE, lambda now: now.execute(SLEEP))
            except InterruptedReadError as error:
                ended.append(type(error))

        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, sleep)
            with anyio.fail_after(60):
                while not running(postgres, lab_database.name):
                    await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        assert ended == [InterruptedReadError]  # and not after the statement had ended by itself
        assert running(postgres, lab_database.name) == 0
        assert database.read(ALICE, pid) == before


def test_a_statement_that_takes_too_long_is_given_up(lab_database: LabDatabase) -> None:
    with (
        Database(lab_database.address, statement_timeout=0.05) as database,
        pytest.raises(LabUnavailableError, match="longer than 50ms"),
    ):
        database.read(ALICE, lambda now: now.execute(SLEEP))


def test_a_database_without_tables_is_told_from_one_that_is_away(postgres: Postgres) -> None:
    with Database(postgres.address(postgres.create()), max_connections=1) as database:
        store = LabStore(database, viewer=ALICE)
        with pytest.raises(LabSchemaError, match="lab init"):
            store.read(lambda now: now.count(TaskFilter()))
    with (
        Database("host=/nonexistent dbname=lab user=lab", connect_timeout=0.3) as away,
        pytest.raises(LabUnavailableError, match=r"0\.3 s"),
    ):
        LabStore(away, viewer=ALICE).read(lambda now: now.count(TaskFilter()))


def test_twenty_clients_get_right_answers_or_the_reason_while_it_is_stopped_and_started() -> None:
    own = postgres_server.OwnPostgres()
    try:
        with own.connect() as connection:
            schema.migrate(connection)
        with Database(own.admin, max_connections=4, connect_timeout=1.0) as database:
            Ingest(database).push("alice", push_of([(0, StoredTask(task_id="uqt_a"))]))
            clients = Clients(LabStore(database, viewer=ALICE))
            with ThreadPoolExecutor(20) as pool, clients:
                asking = [pool.submit(clients.ask) for _ in range(20)]
                wait_until(lambda: len(clients.answers) >= 20)
                own.stop()
                stopped = time.monotonic()
                # Two rounds, which take longer than the first pause of the pool.
                wait_until(lambda: len(clients.asked_since(stopped)) >= 2 * 20)
                away = clients.asked_since(stopped)
                own.start()
                wait_until(lambda: clients.last(20) == [1] * 20)
            for client in asking:
                client.result()
    finally:
        own.remove()
    assert {answer for _, answer in clients.answers} == {1, LabUnavailableError}
    # None is answered by what is not there.
    assert set(away) == {LabUnavailableError}


class Clients:
    """Clients that ask one after the other question until the context ends."""

    def __init__(self, store: LabStore) -> None:
        self._store = store
        self._ending = threading.Event()
        self.answers: list[tuple[float, object]] = []
        """The answers, with the time when each was asked for."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._ending.set()

    def ask(self) -> None:
        while not self._ending.wait(0.05):
            began = time.monotonic()
            try:
                answer: object = self._store.read(lambda now: now.count(TaskFilter()))
            except LabUnavailableError as error:
                answer = type(error)
            self.answers.append((began, answer))

    def asked_since(self, moment: float) -> list[object]:
        return [answer for began, answer in list(self.answers) if began > moment]

    def last(self, number: int) -> list[object]:
        return [answer for _, answer in self.answers[-number:]]
