"""Totals are counted along an index by time, and few tasks of many owners found by owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.lab.postgres import service_role

from benchmarks.lab_stores import BUSY_OWNER, OWNERS, fill
from benchmarks.mix import NEWEST, OLDEST, Mix
from uniqc_mcp.lab.database import schema
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.store import counts
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_mcp.lab.store.scope import Scope
from uniqc_mcp.lab.store.session import Session
from uniqc_store import TaskFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lab.postgres import Postgres

    from uniqc_mcp.lab.store.session import Row

COMMON_AND_OLDER = TaskFilter(backend="originq", submitted_before=NEWEST - (NEWEST - OLDEST) / 10)
"""A filter for a third of the tasks, by a label and a time."""


class Explaining(Session):
    """A session that keeps the plan of each statement for a number."""

    plan = ""

    def number(self, statement: str, parameters: Mapping[str, Any]) -> int:
        rows = self.rows(f"EXPLAIN {statement}", parameters)
        self.plan = "\n".join(row["QUERY PLAN"] for row in rows)
        return super().number(statement, parameters)


@pytest.fixture(scope="module")
def laboratory(postgres: Postgres) -> str:
    """Return the address of 10,000 tasks, for the role of the service."""
    if not service_role():
        pytest.skip("without the policies of the tables, which the owner bypasses")
    name = postgres.create()
    with psycopg.connect(postgres.address(name), autocommit=True) as connection:
        fill(connection, Mix(size=1000), times=10)
        schema.grant(connection, service_role())
        connection.execute("ANALYZE")
    return postgres.address(name, role=service_role())


@pytest.mark.parametrize("owners", [{BUSY_OWNER}, {*OWNERS[-50:]}], ids=["busy", "fifty"])
def test_it_goes_along_an_index_from_the_newest_on(
    laboratory: str, owners: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "FEW_TASKS", -1)
    viewer = Viewer(owners=frozenset(owners))
    with Database(laboratory) as database:

        def count(connection: psycopg.Connection[Any]) -> str:
            session = Explaining(connection, Scope(viewer=viewer))
            found, is_whole = counts.total_of(session, COMMON_AND_OLDER, "exclude")
            assert found > 0
            assert is_whole
            return session.plan

        plan = database.read(viewer, count)
    assert "Index Scan Backward" in plan
    assert "Sort" not in plan


def test_few_tasks_of_many_owners_are_found_by_their_owners(
    laboratory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[str] = []

    def explained(session: Session, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        rows = read(session, f"EXPLAIN {statement}", parameters)
        plans.append("\n".join(row["QUERY PLAN"] for row in rows))
        return read(session, statement, parameters)

    read = Session.rows
    monkeypatch.setattr(Session, "rows", explained)
    newcomers = frozenset(f"newcomer-{number}" for number in range(60))
    with Database(laboratory) as database:
        store = LabStore(database, viewer=Viewer(owners=newcomers))
        page = store.read(lambda now: now.search(TaskFilter(), limit=50))
    assert page.records == ()
    (plan,) = plans
    assert "owner = one.owner" in plan
    assert "task_by_time" not in plan
