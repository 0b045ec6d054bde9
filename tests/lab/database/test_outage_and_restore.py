"""A database that can't be reached for a while, or that is restored from an older copy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from psycopg import sql
from tests.contract.records import StoredTask
from tests.lab.conftest import Lab
from tests.lab.share.history import History
from tests.lab.share.sharing import content_of, share
from tests.lab.share.test_with_database import DatabaseServer

from uniqc_mcp.lab.database.pool import Database

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.lab.fixtures import LabDatabase
    from tests.lab.http.serving import Person
    from tests.lab.postgres import Postgres

ADDRESSES = (
    "uniqc://store",
    "uniqc://tasks/active",
    "uniqc://tasks?status=any",
    "uniqc://task/uqt_a",
    "uniqc://task/uqt_a/result",
    "uniqc://task/uqt_a/circuit",
)
ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


@contextmanager
def no_connections(postgres: Postgres, name: str) -> Generator[None]:
    """End all connections to a database, and admit none meanwhile."""
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with postgres.connect() as admin:
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        admin.execute(ENDED, (name,))
        try:
            yield
        finally:
            admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


async def right(person: Person, uri: str) -> str:
    """Return the first answer that does not say that the database can't be reached."""
    with anyio.fail_after(60):
        while "can't be reached" in (text := await read(person, uri)):
            await anyio.sleep(0.05)
    return text


async def read(person: Person, uri: str) -> str:
    try:
        return await person.read(uri)
    except MCPError as error:
        return f"error: {error}"


async def test_resources_tell_an_outage_and_are_right_after_it(
    lab_database: LabDatabase, postgres: Postgres
) -> None:
    metadata = '{"circuit_ir": "QINIT 1", "task_name": "bell"}'
    with Database(lab_database.address, connect_timeout=0.2) as database:
        lab = Lab(database, lab_database)
        lab.share("alice", StoredTask(task_id="uqt_a", metadata=metadata, result='{"0": 7}'))
        await check_outage(lab, postgres)


async def check_outage(lab: Lab, postgres: Postgres) -> None:
    async with lab.serving(seconds_kept=60) as at, at.person(lab.token("alice")) as person:
        before = {uri: await read(person, uri) for uri in ADDRESSES}
        assert not [uri for uri, text in before.items() if text.startswith("error")]
        with no_connections(postgres, lab.address.name):
            during = {uri: await read(person, uri) for uri in ADDRESSES}
        told = [text for text in during.values() if "can't be reached" in text]
        assert len(told) == len(ADDRESSES), during
        assert "uqt_a" not in "".join(told).replace("uniqc://task/uqt_a", "")
        for uri in ("uniqc://task/uqt_a/result", "uniqc://task/uqt_a/circuit"):
            assert await right(person, uri) == before[uri]
        assert "uqt_a" in await right(person, "uniqc://tasks?status=any")


@pytest.mark.parametrize("older", ["empty", "some"])
def test_one_pass_after_a_restore_makes_the_database_equal_to_the_file(
    older: str, tmp_path: Path, lab_database: LabDatabase, postgres: Postgres
) -> None:
    history = History(tmp_path)
    for number in range(3):
        history.insert(number)
    name = lab_database.name
    with Database(lab_database.address, max_connections=2) as database:
        server = DatabaseServer(database=database)
        if older == "some":
            assert share(tmp_path, server).complete
        with no_connections(postgres, name):
            copy = postgres.create(template=name)
        for number in range(3, 6):
            history.insert(number)
        history.update(1)
        history.delete(0)
        assert share(tmp_path, server).complete
        with no_connections(postgres, name), postgres.connect() as admin:
            for one, other in ((name, f"{name}_lost"), (copy, name)):
                renamed = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                admin.execute(renamed.format(sql.Identifier(one), sql.Identifier(other)))
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(f"{name}_lost")))
        assert server.content() != content_of(tmp_path)
        assert share(tmp_path, server).complete
        assert server.content() == content_of(tmp_path)
