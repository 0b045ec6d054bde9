"""The schema of the shared store: its version, its migrations, and the rights of a role."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import Connection, errors, sql

from uniqc_mcp.lab.database.tables import GRANTS, MIGRATIONS, VERSION, VERSIONS
from uniqc_mcp.lab.errors import LabSchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence


def version_of(connection: Connection[Any]) -> int:
    """Return the version of the database's schema; 0 if it has none."""
    try:
        with connection.transaction():
            found = connection.execute("SELECT max(version) FROM lab_schema").fetchone()
    except errors.UndefinedTable:
        return 0
    return (found and found[0]) or 0


def migrate(connection: Connection[Any]) -> int:
    """Make the tables, or bring them to the version of this release; return the version before.

    Each migration is one transaction with the record of its version. Of two that run at the same
    time, one fails and finds the other's work when it is called again.

    Args:
        connection: Of the owner of the database.

    Raises:
        LabSchemaError: The schema is of a later release.
    """
    with connection.transaction():
        connection.execute(VERSIONS)
    before = version_of(connection)
    if before > VERSION:
        raise LabSchemaError(before, VERSION)
    for version in range(before, VERSION):
        with connection.transaction():
            connection.execute(
                "INSERT INTO lab_schema (version, epoch) VALUES (%s, %s)",
                (version + 1, secrets.token_hex(16)),
            )
            for statement in MIGRATIONS[version]:
                connection.execute(_constant(statement))
    return before


def grant(connection: Connection[Any], role: str) -> None:
    """Let a role read and write the tables, but remove no task.

    Args:
        connection: Of the owner of the tables.
        role: An existing role, which must not have BYPASSRLS.
    """
    with connection.transaction():
        for statement in GRANTS:
            connection.execute(sql.SQL(_constant_text(statement)).format(role=sql.Identifier(role)))


def check_version(connection: Connection[Any]) -> None:
    """Raise ``LabSchemaError`` if this release can't use the database."""
    found = version_of(connection)
    if found != VERSION:
        raise LabSchemaError(found, VERSION)


def epoch_of(connection: Connection[Any]) -> str:
    """Return the random name that the database got when it was made."""
    found = connection.execute("SELECT epoch FROM lab_schema ORDER BY version LIMIT 1").fetchone()
    return found[0] if found else ""


def statements() -> Sequence[str]:
    """Return every statement of the schema."""
    return [VERSIONS, *(one for migration in MIGRATIONS for one in migration), *GRANTS]


def _constant(statement: str) -> sql.SQL:
    return sql.SQL(_constant_text(statement))


def _constant_text(statement: str) -> LiteralString:
    # Joined from constants of this module, which a type checker can't follow.
    return statement  # pyright: ignore[reportReturnType]
