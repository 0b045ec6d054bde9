"""A database that comes back while somebody waits for it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from uuid import uuid4

from psycopg import sql
from tests.lab.postgres import template

from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer

if TYPE_CHECKING:
    from tests.lab.postgres import Postgres

NOBODY = Viewer(owners=frozenset())


def test_whoever_waits_is_answered_soon_after_the_database_is_back(postgres: Postgres) -> None:
    name = f"uniqc_later_{uuid4().hex[:8]}"
    answered: list[float] = []
    with Database(postgres.address(name), max_connections=2, connect_timeout=60) as database:

        def ask() -> None:
            database.read(NOBODY, lambda now: now.execute("SELECT 1").fetchone())
            answered.append(time.monotonic())

        waiting = [threading.Thread(target=ask) for _ in range(4)]
        for thread in waiting:
            thread.start()
        time.sleep(2.5)  # the pool has given up its first attempts
        with postgres.connect() as connection:
            names = (sql.Identifier(name), sql.Identifier(template()))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        back = time.monotonic()
        for thread in waiting:
            thread.join()
    with postgres.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    # Whoever is not told of it waits for `connect_timeout`, and then has no answer.
    assert len(answered) == 4
    assert max(answered) - back < 30
