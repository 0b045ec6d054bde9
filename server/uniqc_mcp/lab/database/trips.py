"""Messages of several statements to the database, each of which takes one round trip.

The values are put into the text by the driver, which quotes them as the database wants it: a
message of several statements can't have parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg import ClientCursor, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import LiteralString

    from psycopg import Connection

    from uniqc_mcp.lab.database.viewer import Viewer

    Statement = tuple[str, Mapping[str, Any] | Sequence[Any]]
    """A statement, and the values of its parameters."""

    Rows = list[tuple[Any, ...]]

_SETTINGS: Final = """
    SELECT set_config('lab.viewer', {viewer}, true), set_config('lab.hidden', {hidden}, true),
        set_config('lab.writer', {writer}, true), set_config('statement_timeout', {timeout}, true)
"""
_BEGIN_TO_READ: Final = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_SETTINGS}"
_BEGIN_TO_WRITE: Final = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {_SETTINGS}"

COMMIT: Final = b"COMMIT"


def beginning(
    connection: Connection[Any], viewer: Viewer, *, writer: str = "", timeout: str
) -> bytes:
    """Return the statements that begin a transaction.

    Args:
        connection: The connection.
        viewer: Only rows of this viewer's owners exist in it.
        writer: The owner whose rows it may write; empty for none.
        timeout: The time after which the database gives up a statement.
    """
    return (
        sql.SQL(_BEGIN_TO_WRITE if writer else _BEGIN_TO_READ)
        .format(
            viewer=viewer.owners_setting,
            hidden=viewer.hidden_setting,
            writer=writer,
            timeout=timeout,
        )
        .as_bytes(connection)
    )


def composed(connection: Connection[Any], statement: Statement) -> bytes:
    """Return a statement with the values of its parameters in it."""
    text, values = statement
    return ClientCursor(connection).mogrify(_constant(text), values).encode()


def in_one_trip(connection: Connection[Any], *statements: bytes) -> list[Rows]:
    """Send statements as one message, and return the rows of each of its parts that has any."""
    cursor = connection.execute(b"; ".join(statements))
    found = [cursor.fetchall()] if cursor.description else []
    while cursor.nextset():
        if cursor.description:
            found.append(cursor.fetchall())
    return found


def _constant(statement: str) -> LiteralString:
    # Joined from constants of this package, which a type checker can't follow.
    return statement  # pyright: ignore[reportReturnType]
