"""Reads and writes of a store that may write.

- The file is checked to be uniqc's before anything that could change a byte of it.
- A call starts over on the new file when the file was replaced during the call.
- The file is removed only while no other connection has it open.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from uniqc_store.database.cache import StateCache
from uniqc_store.database.compatibility import check_compatible
from uniqc_store.database.connection import (
    Access,
    Session,
    enlarge_cache,
    run_query,
    transaction,
)
from uniqc_store.database.files import identity_of, only_this_user_may_write
from uniqc_store.database.locking import attempts, may_be_open_elsewhere
from uniqc_store.database.removal import FileInUseError, remove
from uniqc_store.database.write_connection import FileReplacedError, open_to_write
from uniqc_store.errors import StoreBusyError, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from uniqc_store.database.write_connection import WriteConnection

Result = TypeVar("Result")

_PAGES_PER_CHECKPOINT = 8_000
"""Pages in the WAL before SQLite moves them into the file: 32 MB, in less than a second."""


class Writer:
    """The operations that may change the file; a read-only store has no writer.

    Safe to use from several threads: it holds no connection and no lock between two calls.
    """

    def __init__(self, access: Access) -> None:
        """Create a writer for one file, and leave the file alone."""
        self._access = access
        self._path = access.path

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def read(self, query: Callable[[Session], Result]) -> Result:
        """Return what a query function returns for one consistent state of the file.

        Creates the file where there is none.

        Args:
            query: Called again from the start where the file was replaced meanwhile.

        Raises:
            StoreError: The error of the tree that fits.
        """

        def attempt() -> Result:
            with open_to_write(self._access) as file:
                file.connection.execute("BEGIN")
                file.check_not_replaced()
                return run_query(self._access, lambda: file.connection, query, cache=StateCache())

        return self._retry(attempt)

    def write(
        self,
        change: Callable[[Session], Result],
        *,
        cleared: Path | None = None,
        durable: bool = True,
    ) -> Result:
        """Return what a function returns that changes the file in one transaction.

        Creates the file where there is none. The transaction is committed when the function
        returns and rolled back when it raises.

        Args:
            change: Called again from the start, after a rollback, where the file was replaced
                meanwhile.
            cleared: A file of cleared tasks, attached read-only as ``cleared``.
            durable: False for one of many changes that can be made again after a power failure.
                They are synced to disk together, by the next checkpoint.

        Raises:
            StoreError: The error of the tree that fits; nothing was changed.
        """

        def attempt() -> Result:
            with open_to_write(self._access, cleared=cleared) as file:
                if not durable:
                    file.connection.execute("PRAGMA synchronous = NORMAL")
                    file.connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_PER_CHECKPOINT}")
                    enlarge_cache(file.connection)
                with transaction(file.connection):
                    file.check_not_replaced()
                    layout = check_compatible(file.connection, self._path, to_write=True)
                    return change(
                        Session(connect=lambda: file.connection, layout=layout, exists=True)
                    )

        return self._retry(attempt)

    @contextmanager
    def keep_open(self) -> Generator[Callable[[], bool]]:
        """Keep the file open during many changes, so that SQLite keeps its WAL between them.

        The last connection to close would otherwise move the WAL into the file after each of
        them.

        Yields:
            A function that returns False only if no other process has the file open and could be
            waiting for a lock.

        Raises:
            StoreError: The error of the tree that fits.
        """
        with ExitStack() as stack:
            file = self._retry(lambda: self._opened_and_read(stack))
            yield (
                lambda: (
                    may_be_open_elsewhere(file.identity) or not only_this_user_may_write(self._path)
                )
            )

    def _opened_and_read(self, stack: ExitStack) -> WriteConnection:
        """Open the file until the stack is closed, and read from it.

        SQLite removes the WAL only with a connection that has read from the file.
        """
        file = stack.enter_context(open_to_write(self._access))
        file.connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        return file

    def remove(self) -> None:
        """Remove the file, its ``-wal`` and its ``-shm``.

        Raises:
            StoreBusyError: Another connection has the file open; nothing was removed.
            StoreError: Another error of the tree that fits.
        """
        self._retry(lambda: remove(self._access))

    def _retry(self, attempt: Callable[[], Result]) -> Result:
        """Repeat an attempt while the file is in use or gets replaced, until ``busy_timeout``.

        Raises:
            StoreBusyError: The file was still in use, or replaced once more.
            StoreError: SQLite raised an error that has another cause.
        """
        failure: Exception = StoreBusyError(self._path, self._access.busy_timeout)
        with translated(self._path, self._access.busy_timeout, writing=True):
            for _ in attempts(self._access.busy_timeout):
                before = identity_of(self._path)
                try:
                    return attempt()
                except (FileInUseError, FileReplacedError, BlockingIOError):
                    failure = StoreBusyError(self._path, self._access.busy_timeout)
                except sqlite3.Error as error:
                    if identity_of(self._path) == before:
                        raise
                    failure = error
            raise failure
