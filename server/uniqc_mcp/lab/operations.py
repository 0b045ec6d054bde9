"""What an operator does to the database: make its tables, let a role serve, check that it may."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from uniqc_mcp.lab.database import schema
from uniqc_mcp.lab.errors import LabRefusedError, LabUnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator

_CONNECT_SECONDS: Final = 10
_ROLE: Final = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s"
_OWN_ROLE: Final = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
_MAY_REMOVE: Final = "SELECT has_table_privilege('task', 'DELETE')"


@contextmanager
def connected(address: str) -> Generator[psycopg.Connection[Any]]:
    """Connect to a database for an operator's command.

    Raises:
        LabUnavailableError: It can't be reached.
        LabRefusedError: It does not let this role do that, or the address is none.
    """
    _check_address(address)
    try:
        with psycopg.connect(
            address, autocommit=True, connect_timeout=_CONNECT_SECONDS, application_name="uniqc-mcp"
        ) as connection:
            yield connection
    except psycopg.OperationalError as error:
        # The words of a wrong password differ by language, so that one advice is for all reasons.
        raise LabUnavailableError(
            _first_line(error), advice="Check its address and password, and that it runs."
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise LabRefusedError(
            f"This role may not do that: {_first_line(error)}. Use the address of the role that "
            "owns the database."
        ) from error
    except psycopg.errors.UndefinedTable as error:
        raise LabRefusedError(
            "The database has no tables yet. Run `uniqc-mcp lab init`."
        ) from error


def prepare(connection: psycopg.Connection[Any], role: str = "") -> tuple[int, bool]:
    """Make the tables or bring them up to date, and let a role serve.

    Args:
        connection: Of the role that is to own the tables.
        role: The role that the server connects as. It is made if it is missing; empty for none.

    Returns:
        The version of the schema before, 0 if there was none, and whether the role was made.

    Raises:
        LabSchemaError: The schema is of a later release.
        LabRefusedError: The role sees past the policies of the tables or can't be made, or the
            database has another encoding than UTF-8.
    """
    _check_encoding(connection)
    before = schema.migrate(connection)
    if not role:
        return before, False
    found = connection.execute(_ROLE, (role,)).fetchone()
    if found is not None and found[0]:
        raise LabRefusedError(_sees_everything(role))
    if found is None:
        _make_role(connection, role)
    schema.grant(connection, role)
    return before, found is None


def check_service(connection: psycopg.Connection[Any]) -> None:
    """Raise an error if a server must not or can't run with this connection's role and tables.

    Raises:
        LabSchemaError: The tables are of another release, or missing.
        LabRefusedError: The role sees past the policies of the tables, or may remove tasks, or the
            database has another encoding than UTF-8.
    """
    _check_encoding(connection)
    schema.check_version(connection)
    found = connection.execute(_OWN_ROLE).fetchone()
    if found is None or found[0]:
        raise LabRefusedError(_sees_everything("of this address"))
    found = connection.execute(_MAY_REMOVE).fetchone()
    if found is None or found[0]:
        raise LabRefusedError(
            "The role of this address may remove tasks, as the owner of the tables may. Use the "
            "address of the role that uniqc-mcp lab init --role NAME made to serve."
        )


def _make_role(connection: psycopg.Connection[Any], role: str) -> None:
    try:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise LabRefusedError(
            f"There is no role {role}, and the role of this address may not make one. Make it as a "
            f"superuser of the database, with createuser {role}, and run this again."
        ) from error


def _check_encoding(connection: psycopg.Connection[Any]) -> None:
    """Raise an error for an encoding in which texts are not those that the machines sent.

    With ``SQL_ASCII``, which a machine without a locale gives, the driver even returns bytes.
    """
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise LabRefusedError(
            f"The database has the encoding {encoding}, and UTF8 is needed. Make another one: "
            "createdb --template=template0 --encoding=UTF8 --locale=C NAME"
        )


def _check_address(address: str) -> None:
    """Raise an error for what is no address, which the driver would repeat with its password."""
    try:
        conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        raise LabRefusedError(
            "That is no address of a PostgreSQL database. One is like "
            "postgresql://HOST/DATABASE, or like host=HOST dbname=DATABASE user=ROLE."
        ) from None


def _sees_everything(role: str) -> str:
    return (
        f"The role {role} is a superuser or has BYPASSRLS, so that the policies of the tables "
        "would not hold for it. Make another: uniqc-mcp lab init --role NAME"
    )


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
