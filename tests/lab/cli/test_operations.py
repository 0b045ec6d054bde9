"""``uniqc-mcp lab init`` and ``lab token``, as an operator calls them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner, Result
from tests.lab.postgres import service_role

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.lab.access.tokens import StaticTokens
from uniqc_mcp.lab.database import schema, tables

if TYPE_CHECKING:
    from tests.lab.fixtures import LabDatabase
    from tests.lab.postgres import Postgres

    from uniqc_mcp.lab.database.pool import Database


def lab(*arguments: str, database: str) -> Result:
    variables = {"UNIQC_MCP_LAB_DATABASE": database}
    return CliRunner().invoke(cli, ["lab", *arguments], env=variables)


def test_init_makes_the_tables_once_and_lets_a_role_serve(postgres: Postgres) -> None:
    address = postgres.address(postgres.create())
    first = lab("init", "--role", service_role(), database=address)
    assert first.exit_code == 0, first.output
    assert f"at version {tables.VERSION}; they were at none" in first.stdout
    again = lab("init", database=address)
    assert "up to date" in again.stdout
    with psycopg.connect(address) as connection:
        schema.check_version(connection)


def test_init_refuses_a_role_that_sees_past_the_policies(postgres: Postgres) -> None:
    address = postgres.address(postgres.create())
    done = lab("init", "--role", "postgres", database=address)
    assert done.exit_code == 1
    assert "superuser or has BYPASSRLS" in done.stderr


def test_init_says_who_can_make_a_role_that_it_may_not_make(postgres: Postgres) -> None:
    name = postgres.create()
    with postgres.connect() as connection:
        connection.execute(f'ALTER DATABASE "{name}" OWNER TO "{service_role()}"'.encode())
    address = postgres.address(name, role=service_role())
    done = lab("init", "--role", "uniqc_lab_of_nobody", database=address)
    assert done.exit_code == 1
    assert "with createuser uniqc_lab_of_nobody, and run this again" in done.stderr


def test_a_database_without_utf_8_is_refused_before_anything_is_made(postgres: Postgres) -> None:
    name = postgres.create(encoding="SQL_ASCII")
    for arguments in (("init",), ("serve",)):
        done = lab(*arguments, database=postgres.address(name))
        assert done.exit_code == 1
        assert "has the encoding SQL_ASCII" in done.stderr
    with postgres.connect(name) as connection:
        assert schema.version_of(connection) == 0


async def test_a_token_is_printed_once_and_works(
    lab_database: LabDatabase, database: Database
) -> None:
    options = ("--scope", "read", "--label", "her laptop", "--expires", "90d")
    made = lab("token", "add", "alice", *options, database=lab_database.admin_address)
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    assert re.fullmatch(r"uqm_[\w-]{43}", token)
    grant = await StaticTokens(database).grant_of(token)
    assert grant is not None
    assert (grant.owner, grant.scopes) == ("alice", frozenset({"tasks:read"}))
    listed = lab("token", "list", database=lab_database.admin_address)
    assert token not in listed.output
    assert re.search(r"alice, tasks:read, for her laptop, made .*, good until ", listed.stdout)


async def test_a_token_is_revoked_by_its_id_or_with_all_of_its_owner(
    lab_database: LabDatabase, database: Database
) -> None:
    address = lab_database.admin_address
    tokens = [lab("token", "add", "alice", database=address).stdout.strip() for _ in range(3)]
    listed = json.loads(lab("token", "list", "--json", database=address).stdout)
    one = listed[0]["token_id"]
    assert lab("token", "revoke", one, database=address).stdout == f"Revoked: {one}\n"
    again = lab("token", "revoke", one, database=address)
    assert again.exit_code == 1
    assert "No valid token" in again.stderr
    rest = lab("token", "revoke", "--owner", "alice", database=address).stdout
    assert len(rest.split(",")) == 2
    checked = StaticTokens(database)
    assert [await checked.grant_of(token) for token in tokens] == [None] * 3
    assert "revoked" in lab("token", "list", database=address).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("token", "revoke"), "Give the id of a token"),
        (("token", "revoke", "x", "--owner", "y"), "Give the id of a token"),
        (("token", "add", "a", "--expires", "soon"), "no duration such as 90d"),
        (("token", "add", "a", "--scope", "all"), "is not one of"),
        (("token", "add", "a\nb"), "printable text"),
        (("token", "add", "alice "), "no space begins or ends"),
        (("token", "add", "\u202eecila"), "printable text"),
        (("serve", "--oidc-issuer", "https://id.example"), "go together"),
        (("serve", "--host", "0.0.0.0"), "--public-url has to say"),  # noqa: S104 - refused
        (("serve", "--public-url", "http://lab.example.org"), "must begin with https://"),
        (("serve", "--public-url", "lab.example.org"), "an address such as"),
        (("serve", "--workers", "0"), "is not in the range"),
    ],
)
def test_wrong_arguments_are_refused_in_words(
    lab_database: LabDatabase, arguments: tuple[str, ...], said: str
) -> None:
    done = lab(*arguments, database=lab_database.admin_address)
    assert done.exit_code in (1, 2)
    assert said in " ".join(done.stderr.split())


def test_a_database_without_tables_is_told_how_to_get_them(postgres: Postgres) -> None:
    address = postgres.address(postgres.create())
    for arguments in (("token", "list"), ("serve",)):
        done = lab(*arguments, database=address)
        assert done.exit_code == 1
        assert "uniqc-mcp lab init" in done.stderr


def test_a_database_that_is_away_is_told_without_its_password() -> None:
    address = "host=/nowhere dbname=lab user=lab password=hunter2"
    for arguments in (("init",), ("token", "list"), ("serve",)):
        done = lab(*arguments, database=address)
        assert done.exit_code == 1
        assert "can't be reached" in done.stderr
        assert "hunter2" not in done.output


def test_serve_refuses_a_role_that_sees_past_the_policies(lab_database: LabDatabase) -> None:
    done = lab("serve", database=lab_database.admin_address)
    assert done.exit_code == 1
    assert "superuser or has BYPASSRLS" in done.stderr


def test_no_database_is_a_usage_error_that_names_the_variable() -> None:
    done = CliRunner().invoke(cli, ["lab", "serve"], env={"UNIQC_MCP_LAB_DATABASE": None})
    assert done.exit_code == 2
    assert "UNIQC_MCP_LAB_DATABASE" in done.stderr
