"""Connections that write: the file is checked, created, migrated and switched to WAL first."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uniqc_store.database import schema
from uniqc_store.database.compatibility import check_compatible
from uniqc_store.database.connection import opened, transaction
from uniqc_store.database.files import check_permissions, identity_of, make_private_file
from uniqc_store.database.locking import attempts, shared_lock
from uniqc_store.database.reader import inspect
from uniqc_store.errors import primary_code, translated

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from uniqc_store.database.connection import Access
    from uniqc_store.database.files import Identity
    from uniqc_store.database.schema import Layout

_FILE_MOVED = (sqlite3.SQLITE_READONLY_DBMOVED, sqlite3.SQLITE_IOERR_DELETE_NOENT)
"""SQLite's codes for a file that was moved: its own check, and a journal that is not there."""


class FileReplacedError(Exception):
    """A path that does not lead to the file any more that was opened there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteConnection:
    """A connection that can write, and the identity of the file that it was opened on."""

    connection: sqlite3.Connection
    path: Path
    identity: Identity

    def check_not_replaced(self) -> None:
        """Take the transaction's lock, then compare the identity of the file at the path.

        From then on until the end of the transaction, this package does not remove the file.

        Raises:
            FileReplacedError: Another file is at the path, or none.
        """
        # A deferred transaction takes its lock with its first read.
        self.connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        if identity_of(self.path) != self.identity:
            raise FileReplacedError


@contextmanager
def open_to_write(access: Access, *, cleared: Path | None = None) -> Generator[WriteConnection]:
    """Open a file that is uniqc's, up to date and in WAL mode; create it where there is none.

    Args:
        access: The file.
        cleared: A file of cleared tasks, attached read-only as ``cleared``.

    Raises:
        StoreError: The file can't be created or is not to be written.
        FileReplacedError: The file was replaced meanwhile.
        sqlite3.Error: SQLite refused a step for another reason.
    """
    while (identity := identity_of(access.path)) is None:
        make_private_file(access.path)
    check_before_opening(access)
    with (
        shared_lock(access.path, access.busy_timeout),
        open_checked(access, identity) as file,
    ):
        file.connection.execute("PRAGMA foreign_keys = ON")
        _migrate(file)
        _switch_to_wal(file.connection, access.busy_timeout)
        if cleared is not None:
            uri = f"{cleared.as_uri()}?mode=ro"
            file.connection.execute("ATTACH ? AS cleared", (uri,))
        yield file


@contextmanager
def open_checked(access: Access, identity: Identity) -> Generator[WriteConnection]:
    """Open a file that passed :func:`check_before_opening`, and change nothing in it yet.

    Raises:
        FileReplacedError: In place of an error of SQLite's, once the file was replaced. That is
            found out before the connection closes: the next file may get the inode of a closed
            one.
    """
    with opened(access, "mode=rw") as connection:
        try:
            yield WriteConnection(connection=connection, path=access.path, identity=identity)
        except sqlite3.Error as error:
            moved = getattr(error, "sqlite_errorcode", None) in _FILE_MOVED
            if moved or identity_of(access.path) != identity:
                raise FileReplacedError from error
            raise


def check_writable(access: Access) -> None:
    """Raise where the file can't be written, or is not to be. Change nothing.

    A missing file passes: where it can be made shows when it is.

    Raises:
        StoreFileError: See :func:`check_compatible` and :func:`check_permissions`.
    """
    if identity_of(access.path) is not None:
        with translated(access.path, access.busy_timeout):
            check_before_opening(access)
        check_permissions(access.path)


def check_before_opening(access: Access) -> None:
    """Raise where the file is not to be written, through a connection that can't write to it.

    A connection that can write may change a file just by opening it: it applies a rollback
    journal, and moves a WAL into the file.

    Raises:
        StoreFileError: See :func:`check_compatible`.
    """
    if not _header_is_compatible(access):
        inspect(
            access,
            lambda connection: check_compatible(connection, access.path, to_write=True),
        )


def _header_is_compatible(access: Access) -> bool:
    """Return True if the file header, read without any lock, already shows that it is uniqc's.

    Without this, a save soon after another write would first wait until the file has settled:
    eight saves in a row took 3.7 times as long (measured as in ARCHITECTURE.md, "Writing the
    file"). The layout is checked later, in the transaction that writes.
    """
    try:
        with opened(access, "mode=ro&immutable=1") as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            stamped = schema.read_application_id(connection) == schema.APPLICATION_ID
    except sqlite3.Error:
        return False
    return pages == 0 or (stamped and version <= schema.newest_known())


def _migrate(file: WriteConnection) -> None:
    """Bring the file up to date, each step in one transaction with its version."""
    layout = _layout_of(file)
    while schema.pending_migrations(layout.version):
        with transaction(file.connection):
            # Read again under the lock: another process may have migrated the file meanwhile.
            layout = check_compatible(file.connection, file.path, to_write=True)
            for version, migrate in schema.pending_migrations(layout.version)[:1]:
                migrate(file.connection)
                schema.stamp(file.connection, version)
        layout = _layout_of(file)


def _layout_of(file: WriteConnection) -> Layout:
    """Return the layout as of one moment: another process may be creating the tables."""
    file.connection.execute("BEGIN")
    try:
        return check_compatible(file.connection, file.path, to_write=True)
    finally:
        if file.connection.in_transaction:
            file.connection.execute("ROLLBACK")


def _switch_to_wal(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Switch the file to WAL mode, unless it is in it.

    SQLite's own busy timeout does not cover two processes that switch at the same time.
    """
    failure: sqlite3.OperationalError | None = None
    for _ in attempts(busy_timeout):
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            return
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY:
                raise
            failure = error
        else:
            return
    if failure is not None:
        raise failure
