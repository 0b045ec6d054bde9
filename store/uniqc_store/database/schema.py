"""The schemas that uniqc has released, and the migrations that create a fresh file.

SQLite's file header holds two numbers: ``application_id`` says which program owns the file, and
``user_version`` which schema it has. uniqc has released five schemas and upgrades a file by
itself; the fifth rewrites task ids. So a fresh file gets version 1, which every release opens,
and a file that uniqc wrote is never upgraded here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID = 0x554E4943
"""``UNIC`` in ASCII: the application id that uniqc writes."""

CURRENT_SCHEMA_VERSION = 1
"""The schema version of a fresh file."""

NEWEST_RELEASED_SCHEMA = 5
"""The newest version that a release of uniqc (0.0.12 to 0.1.1) writes.

Files of a later version are read and not written.
"""

Migration = Callable[["sqlite3.Connection"], None]

# IF NOT EXISTS: uniqc's own first migration, killed between two statements, leaves the table
# behind and the version at 0.
_VERSION_1 = (
    """
    CREATE TABLE IF NOT EXISTS tasks (
        task_id       TEXT PRIMARY KEY,
        backend       TEXT NOT NULL,
        status        TEXT NOT NULL,
        shots         INTEGER NOT NULL DEFAULT 0,
        submit_time   TEXT NOT NULL,
        update_time   TEXT NOT NULL,
        result_json   TEXT,
        metadata_json TEXT NOT NULL DEFAULT '{}'
    )
    """,
    "CREATE INDEX IF NOT EXISTS tasks_backend_idx ON tasks(backend)",
    "CREATE INDEX IF NOT EXISTS tasks_status_idx ON tasks(status)",
    "CREATE INDEX IF NOT EXISTS tasks_submit_time_idx ON tasks(submit_time)",
)


def make_version_1(connection: sqlite3.Connection) -> None:
    """Create the ``tasks`` table and its indexes, as uniqc 0.0.4 does."""
    for statement in _VERSION_1:
        connection.execute(statement)


MIGRATIONS: list[tuple[int, Migration]] = [(1, make_version_1)]
"""Pairs of a version and the function that brings a file to it, in order and append-only.

A function runs in a transaction that also writes the header, so it must not commit. It is called
for files below its version only: for version 1, files without a committed task.
"""


def pending_migrations(version: int) -> list[tuple[int, Migration]]:
    """Return the migrations that a file of this version lacks, in order."""
    return [(target, migrate) for target, migrate in MIGRATIONS if target > version]


def newest_known() -> int:
    """Return the newest schema version that may be written."""
    return max(NEWEST_RELEASED_SCHEMA, MIGRATIONS[-1][0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The tables and columns of one file.

    They are read from the file and not derived from its version: an upgrade may have been
    interrupted.

    Attributes:
        version: The ``user_version`` of the file.
        tables: The names of the columns of each table that this release reads, by the table's
            name. A table that the file does not have is missing.
    """

    version: int
    tables: Mapping[str, frozenset[str]]

    def has(self, table: str) -> bool:
        """Return True if the file has the table."""
        return table in self.tables

    def columns(self, table: str) -> frozenset[str]:
        """Return the columns of a table, none for a table that the file does not have."""
        return self.tables.get(table, frozenset())


REQUIRED_COLUMNS = frozenset({"task_id", "backend", "status", "submit_time", "update_time"})
"""The columns of ``tasks`` in every release that a row can't be shown without."""

_COLUMNS = """
    SELECT tables.name, columns.name
    FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns
    WHERE tables.type = 'table'
      AND tables.name IN ('tasks', 'archived_tasks', 'task_shards', 'archived_task_shards')
"""


def read_layout(connection: sqlite3.Connection) -> Layout:
    """Return the known tables and columns that a file has."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables: dict[str, set[str]] = {}
    for table, column in connection.execute(_COLUMNS):
        tables.setdefault(table, set()).add(column)
    return Layout(
        version=version, tables={name: frozenset(columns) for name, columns in tables.items()}
    )


def read_application_id(connection: sqlite3.Connection) -> int:
    """Return the application id in the file header, a signed integer; 0 where none was set."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    return int(application_id)


def has_objects(connection: sqlite3.Connection) -> bool:
    """Return True if the file has any table, index, view or trigger."""
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def stamp(connection: sqlite3.Connection, version: int) -> None:
    """Write the application id and the schema version, as part of the current transaction."""
    # A pragma takes no parameters. Both values are integers from this package.
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
    connection.execute(f"PRAGMA user_version = {version:d}")
