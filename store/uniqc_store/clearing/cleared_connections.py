"""Connections to the file of copies, and the checks before anything in it is changed."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from uniqc_store.clearing import statements
from uniqc_store.database.connection import Access, enlarge_cache, opened, transaction
from uniqc_store.database.files import companion_of, identity_of, make_private_file
from uniqc_store.database.reader import query_file
from uniqc_store.database.schema import has_objects, read_application_id
from uniqc_store.errors import StoreForeignError, StoreNewerError, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

Result = TypeVar("Result")


class ClearedConnections:
    """Reads and writes of the file of copies. No connection stays open between two calls.

    Every method raises :class:`StoreError` if the file can't be used, and leaves a file that
    another program or a newer release made as it is.

    Args:
        path: The file.
        store: The store that the copies are made of.
        interruptible: True for reads only, which end as those of the store do. A write must not.
    """

    def __init__(self, path: Path, store: Access, *, interruptible: bool = False) -> None:
        """Name the file, and open nothing yet."""
        self._path = path
        self._store = store
        self._access = Access(
            path=path,
            busy_timeout=store.busy_timeout,
            should_stop=store.should_stop if interruptible else None,
        )

    def read(
        self, statement: str, parameters: dict[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the rows of one statement; see :meth:`query`."""
        found = self.query(
            lambda connection: connection.execute(statement, parameters or {}).fetchall()
        )
        return found or []

    def query(self, question: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """Return the answer of a function; None if there is no file, or nothing in it.

        No file is changed or created. A process that was killed inside a commit leaves a rollback
        journal, which only a connection that can write may apply. Then a private copy of the file
        is read.

        Args:
            question: Called again from the start if the file changed meanwhile.
        """

        def ask(connection: sqlite3.Connection) -> Result | None:
            return question(connection) if self._has_tables(connection) else None

        with translated(self._path, self._access.busy_timeout):
            return query_file(self._access, ask)

    def write(self, changes: Iterable[str], parameters: dict[str, object]) -> None:
        """Run some statements in a transaction of their own."""
        with self.opened_to_write() as connection, transaction(connection):
            for statement in changes:
                connection.execute(statement, parameters)

    def apply_journal(self) -> None:
        """Apply the rollback journal that a process left which was killed inside a commit."""
        if companion_of(self._path, "-journal").exists() and identity_of(self._path) is not None:
            with self.opened_to_write():
                pass  # SQLite applies the journal at the first read.

    @contextmanager
    def opened_to_write(self, *, attach_store: bool = False) -> Generator[sqlite3.Connection]:
        """Yield a connection that writes; the file is created if there is none.

        Args:
            attach_store: True to attach the store, read-only, as ``store``.
        """
        make_private_file(self._path)
        self._check_before_opening()
        with (
            translated(self._path, self._access.busy_timeout, writing=True),
            opened(self._access, "mode=rw") as connection,
        ):
            # A copy has to be on disk before its task is deleted from the store.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            enlarge_cache(connection)
            if not self._has_tables(connection):
                self._create_tables(connection)
            self._check_no_triggers(connection)
            if attach_store:
                uri = f"{self._store.path.as_uri()}?mode=ro"
                connection.execute("ATTACH :uri AS store", {"uri": uri})
                enlarge_cache(connection, "store")
            yield connection

    def _check_before_opening(self) -> None:
        """Raise for another program's file, which a connection that can write may change.

        Opened by one, a file gets its rollback journal applied, and its WAL moved into it.
        """
        if not self._header_is_ours():
            with translated(self._path, self._access.busy_timeout):
                query_file(self._access, self._has_tables)

    def _header_is_ours(self) -> bool:
        """Return True if the file header shows a file of copies, or an empty file."""
        try:
            with opened(self._access, "mode=ro&immutable=1") as connection:
                (pages,) = connection.execute("PRAGMA page_count").fetchone()
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                stamped = read_application_id(connection) == statements.APPLICATION_ID
        except sqlite3.Error:
            return False
        return pages == 0 or (stamped and version <= statements.SCHEMA_VERSION)

    def _create_tables(self, connection: sqlite3.Connection) -> None:
        # Before the first table and outside a transaction: SQLite ignores it later.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        with transaction(connection):
            # Another process may have created them first.
            if not self._has_tables(connection):
                for statement in statements.SCHEMA:
                    connection.execute(statement)

    def _check_no_triggers(self, connection: sqlite3.Connection) -> None:
        """Raise where a trigger could delete or change copies. This package makes none."""
        trigger = connection.execute(statements.ANY_TRIGGER).fetchone()
        if trigger is not None:
            raise StoreForeignError(
                self._path,
                f"has the trigger {trigger[0]!r}, which is not of this program; drop it to go on",
                found=statements.APPLICATION_ID,
            )

    def _has_tables(self, connection: sqlite3.Connection) -> bool:
        """Return False for a file with nothing in it, and True for one with the tables of copies.

        Runs no statement that writes.

        Raises:
            StoreForeignError: The file holds anything else, be it in the header alone.
            StoreNewerError: A newer release of this package made it.
        """
        blank = not has_objects(connection)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        # Read last: another process may be creating the tables, and stamps them in one commit.
        found = read_application_id(connection)
        if blank and not version and not found:
            return False
        if found != statements.APPLICATION_ID:
            raise StoreForeignError(
                self._path, "is not a file of cleared tasks; move it away to clear", found=found
            )
        if version > statements.SCHEMA_VERSION:
            raise StoreNewerError(
                self._path, "it is left alone", found=version, known=statements.SCHEMA_VERSION
            )
        return True


def free_pages(connection: sqlite3.Connection) -> None:
    """Give the pages of deleted rows back to the system."""
    # Not execute(): it steps such a statement once, and each step frees one page.
    connection.executescript("PRAGMA incremental_vacuum")
