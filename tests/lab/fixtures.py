"""The fixtures of tests that need PostgreSQL; ``tests/conftest.py`` gives them to all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.lab.postgres import Postgres

    from uniqc_mcp.lab.database.pool import Database


@dataclass(frozen=True)
class LabDatabase:
    """A fresh database with the tables of the shared store.

    Attributes:
        address: For the role of the service, which policies hold.
        admin_address: For the owner of the tables.
        name: Its name on the server.
    """

    address: str
    admin_address: str
    name: str


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """Return the server of PostgreSQL that the tests of this process share."""
    from tests.lab import postgres  # noqa: PLC0415 - most tests need no driver

    return postgres.server()


@pytest.fixture
def lab_database(postgres: Postgres) -> LabDatabase:
    """Return a fresh database with the schema."""
    from tests.lab.postgres import service_role, template  # noqa: PLC0415 - see above

    name = postgres.create(template=template())
    return LabDatabase(
        address=postgres.address(name, role=service_role()),
        admin_address=postgres.address(name),
        name=name,
    )


@pytest.fixture
def database(lab_database: LabDatabase) -> Generator[Database]:
    """Return a pool of connections to a fresh database, as the service has."""
    from uniqc_mcp.lab.database.pool import Database  # noqa: PLC0415 - see above
    from uniqc_mcp.lab.database.viewer import Viewer  # noqa: PLC0415 - see above

    with Database(lab_database.address, max_connections=4) as opened:
        # The pool draws a random number for each new connection, on a thread of its own. Hypothesis
        # takes one that is drawn while it makes an example for a fault of the test.
        opened.read(Viewer(owners=frozenset()), lambda connection: connection.execute("SELECT 1"))
        yield opened
