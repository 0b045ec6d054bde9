"""The tables: made once, in order, by portable statements, and closed to everybody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.lab.postgres import service_role

from uniqc_mcp.lab.database import schema, statements, tables
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.errors import LabSchemaError

if TYPE_CHECKING:
    from tests.lab.fixtures import LabDatabase
    from tests.lab.postgres import Postgres

    from uniqc_mcp.lab.database.pool import Database

TABLES = ("store", "task", "body", "job", "tally", "audience")


def test_a_second_migration_changes_nothing(postgres: Postgres) -> None:
    name = postgres.create()
    with postgres.connect(name) as connection:
        assert schema.version_of(connection) == 0
        with pytest.raises(LabSchemaError, match="lab init"):
            schema.check_version(connection)
        assert schema.migrate(connection) == 0
        epoch = schema.epoch_of(connection)
        assert re.fullmatch("[0-9a-f]{32}", epoch)
        assert schema.migrate(connection) == tables.VERSION
        assert schema.epoch_of(connection) == epoch
        schema.check_version(connection)


def test_a_schema_of_a_later_release_is_left_alone(lab_database: LabDatabase) -> None:
    with psycopg.connect(lab_database.admin_address, autocommit=True) as connection:
        connection.execute("INSERT INTO lab_schema VALUES (%s, 'x')", (tables.VERSION + 1,))
        for refuse in (schema.migrate, schema.check_version):
            with pytest.raises(LabSchemaError, match="Update uniqc-mcp"):
                refuse(connection)


def test_a_migration_that_fails_leaves_the_version_before(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = ((*tables.MIGRATIONS[0], "CREATE TABLE store (again integer)"),)
    with postgres.connect(postgres.create()) as connection:
        with monkeypatch.context() as patch:
            patch.setattr(schema, "MIGRATIONS", broken)
            with pytest.raises(psycopg.errors.DuplicateTable):
                schema.migrate(connection)
        assert schema.version_of(connection) == 0
        schema.migrate(connection)
        assert schema.version_of(connection) == tables.VERSION


def test_the_service_can_remove_no_task(lab_database: LabDatabase) -> None:
    if not service_role():
        pytest.fail("the role of UNIQC_TEST_POSTGRES may make no other role")
    with psycopg.connect(lab_database.address, autocommit=True) as connection:
        for table in ("task", "body", "store", "tally", "audience"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"DELETE FROM {table}".encode())


def test_the_service_and_its_owner_are_held_by_policies(
    lab_database: LabDatabase, database: Database
) -> None:
    with psycopg.connect(lab_database.admin_address, autocommit=True) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity"
            " AND relforcerowsecurity"
        ).fetchall()
    assert {name for (name,) in found} >= set(TABLES)
    anybody = Viewer(owners=frozenset({"alice"}))
    bypass = database.read(
        anybody,
        lambda now: now.execute(
            "SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone(),
    )
    assert bypass == (False,)


def test_statements_are_in_the_portable_subset() -> None:
    banned = (
        r"\bSERIAL\b|\bBIGSERIAL\b|\bSEQUENCE\b|\bnextval\b|\bTRIGGER\b|\bEXTENSION\b|\bVIEW\b"
        r"|\bLISTEN\b|\bNOTIFY\b|advisory|\bTEMP\b|\bTEMPORARY\b|\bGENERATED\b|\bDEFERRABLE\b"
        r"|\bEXCLUDE\b|\bUSING\s+gin\b|\bFUNCTION\b|\bMERGE\b|\bCOPY\b|\bjsonb\b"
    )
    writing = [*statements.ALL, *(one.as_string() for one in statements.UPSERTS)]
    for statement in (*schema.statements(), *writing):
        assert not re.search(banned, statement, re.IGNORECASE), statement
    indexes = [one for one in schema.statements() if one.startswith("CREATE INDEX")]
    assert indexes
    # YugabyteDB hashes the first column of a key whose direction is not stated.
    assert all(re.search(r"\(\w+ ASC", one) for one in indexes)
