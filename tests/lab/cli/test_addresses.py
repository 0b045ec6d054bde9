"""The address of the database, and the role in it, as operators get them wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.lab.cli.test_operations import lab
from tests.lab.postgres import service_role

if TYPE_CHECKING:
    from tests.lab.fixtures import LabDatabase
    from tests.lab.postgres import Postgres


@pytest.mark.parametrize(
    "address",
    ["hunter2", "postgresql://lab:hunter2@/uniqc_lab?pasword=hunter2", "dbname='hunter2"],
)
def test_what_is_no_address_is_told_and_not_repeated(address: str) -> None:
    for arguments in (("init",), ("token", "list"), ("serve",)):
        done = lab(*arguments, database=address)
        assert done.exit_code == 1
        assert "One is like postgresql://HOST/DATABASE" in done.stderr
        assert "hunter2" not in done.output


def test_a_database_that_does_not_let_in_is_told_with_what_to_check(postgres: Postgres) -> None:
    done = lab("init", database=postgres.address("uniqc_lab_of_nobody"))
    assert done.exit_code == 1
    assert "uniqc_lab_of_nobody" in done.stderr
    assert "Check its address and password, and that it runs." in done.stderr


def test_serve_refuses_a_role_that_may_remove_tasks(lab_database: LabDatabase) -> None:
    with psycopg.connect(lab_database.admin_address, autocommit=True) as connection:
        connection.execute(f'GRANT DELETE ON task TO "{service_role()}"'.encode())
    done = lab("serve", database=lab_database.address)
    assert done.exit_code == 1
    assert "lab init --role NAME" in done.stderr
