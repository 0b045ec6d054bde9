"""Whose file it is, which layouts uniqc has released, and how a fresh file is made.

Both numbers live in SQLite's own header: ``application_id`` says whose file it is,
``user_version`` which schema it has. uniqc has released five schemas and upgrades a file by
itself; the fifth rewrites task ids. So a fresh file is made at version 1, which every release
opens, and a file that uniqc wrote is never raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID = 0x554E4943
"""``UNIC`` in ASCII, as uniqc stamps it."""

CURRENT_SCHEMA_VERSION = 1
"""The version at which a fresh file is made."""

NEWEST_RELEASED_SCHEMA = 5
"""The newest version that a uniqc release (0.0.12 to 0.1.1) writes; beyond it we only read."""

Migration = Callable[["sqlite3.Connection"], None]

# IF NOT EXISTS: uniqc's own first migration, killed between its statements, leaves the table
# behind with the version still at 0.
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
    """The ``tasks`` table and its indices, as in uniqc 0.0.4."""
    for statement in _VERSION_1:
        connection.execute(statement)


MIGRATIONS: list[tuple[int, Migration]] = [(1, make_version_1)]
"""``(version, function)``, in order and append-only.

A function runs inside a transaction that also stamps the header; it must not commit. It sees
files below its version only, which for version 1 means files without a committed task.
"""


def pending_migrations(version: int) -> list[tuple[int, Migration]]:
    """What brings a file of this version up to date, in order."""
    return [(target, migrate) for target, migrate in MIGRATIONS if target > version]


def newest_known() -> int:
    """The newest version that may be written."""
    return max(NEWEST_RELEASED_SCHEMA, MIGRATIONS[-1][0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What one file has: read from the file itself, as upgrades may have been interrupted.

    Attributes:
        version: Its ``user_version``.
        tables: The columns of each table that this release reads, by table. A table that the
            file does not have is not in here.
    """

    version: int
    tables: Mapping[str, frozenset[str]]

    def has(self, table: str) -> bool:
        return table in self.tables

    def columns(self, table: str) -> frozenset[str]:
        return self.tables.get(table, frozenset())


REQUIRED_COLUMNS = frozenset({"task_id", "backend", "status", "submit_time", "update_time"})
"""What ``tasks`` has in every release; without these a row says nothing."""

_COLUMNS = """
    SELECT tables.name, columns.name
    FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns
    WHERE tables.type = 'table'
      AND tables.name IN ('tasks', 'archived_tasks', 'task_shards', 'archived_task_shards')
"""


def read_layout(connection: sqlite3.Connection) -> Layout:
    """Look up which of the known tables and columns this file has."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables: dict[str, set[str]] = {}
    for table, column in connection.execute(_COLUMNS):
        tables.setdefault(table, set()).add(column)
    return Layout(
        version=version, tables={name: frozenset(columns) for name, columns in tables.items()}
    )


def read_application_id(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    return int(found)


def has_objects(connection: sqlite3.Connection) -> bool:
    """Whether the file holds any table, index, view or trigger at all."""
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def stamp(connection: sqlite3.Connection, version: int) -> None:
    """Write both header numbers. They are part of the surrounding transaction."""
    # A pragma takes no parameters; both are integers of ours.
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
    connection.execute(f"PRAGMA user_version = {version:d}")
