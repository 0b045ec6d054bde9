"""Writing, and reading what may have to be made first.

- Whose file it is gets checked before anything that could change a byte of it.
- A call that finds its file replaced while it waited starts over on the new one.
- A file is removed only while nobody else has it open.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from uniqc_store.database import schema
from uniqc_store.database.cache import StateCache
from uniqc_store.database.compatibility import check_compatible
from uniqc_store.database.connection import Access, Session, ask, opened, transaction
from uniqc_store.database.files import (
    beside,
    directory_lock,
    identity_of,
    make_private_file,
    may_be_open_elsewhere,
    only_ours,
    os_errors,
    times_open,
)
from uniqc_store.database.reader import inspect, shared_lock
from uniqc_store.errors import StoreBusyError, primary_code, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from uniqc_store.database.files import Identity
    from uniqc_store.database.schema import Layout

Answer = TypeVar("Answer")

_PAGES_TOGETHER = 8_000
"""Pages of the log that are put into the file at a time. 32 MB, which takes less than a second."""

# SQLite's own words for it. The second comes of a journal that is found by its name.
_FILE_MOVED = (sqlite3.SQLITE_READONLY_DBMOVED, sqlite3.SQLITE_IOERR_DELETE_NOENT)


class Writer:
    """What may change the file. A store that is read only has none.

    Safe to use from many threads: it holds no connection and no lock.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._path = access.path

    def read(self, question: Callable[[Session], Answer]) -> Answer:
        """Ask one question of one consistent state of the file, made first where there is none.

        The question may be asked again from the start where the file was replaced meanwhile.
        """

        def attempt() -> Answer:
            with self._open() as (connection, identity):
                connection.execute("BEGIN")
                self._check_not_replaced(connection, identity)
                return ask(self._access, lambda: connection, question, cache=StateCache())

        return self._until_settled(attempt)

    def write(
        self,
        change: Callable[[Session], Answer],
        *,
        cleared: Path | None = None,
        in_passing: bool = False,
    ) -> Answer:
        """Make one change in one transaction, on a file that is made first where there is none.

        The change is committed when the function returns, and rolled back when it raises.

        Args:
            change: What is done to the file.
            cleared: A file of cleared tasks, attached as ``cleared``, to be read.
            in_passing: One of many changes, each of which may be lost to a power failure and
                made again: they are put on disk together.
        """

        def attempt() -> Answer:
            with self._open(cleared=cleared) as (connection, identity):
                if in_passing:
                    connection.execute("PRAGMA synchronous = NORMAL")
                    connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_TOGETHER:d}")
                with transaction(connection):
                    self._check_not_replaced(connection, identity)
                    layout = check_compatible(connection, self._path, to_write=True)
                    session = Session(connect=lambda: connection, layout=layout, exists=True)
                    return change(session)

        return self._until_settled(attempt)

    @contextmanager
    def staying(self) -> Generator[Callable[[], bool]]:
        """For many changes in a row: the file is not tidied up after each of them.

        Gives a function that tells whether another process may have it open, and wait for it.
        """
        with self._open() as (connection, identity):
            # Whoever has read from it last has it tidied up in the end.
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            yield lambda: may_be_open_elsewhere(identity) or not only_ours(self._path)

    def remove(self) -> None:
        """Remove the file and its ``-wal`` and ``-shm``.

        Raises:
            StoreBusyError: Another connection is in the file; nothing is removed.
        """
        self._until_settled(self._remove)

    def _remove(self) -> None:
        companions = [beside(self._path, suffix) for suffix in ("-wal", "-shm")]
        while (identity := identity_of(self._path)) is None:
            if not any(companion.exists() for companion in companions):
                return
            # Left over without their file. Only under its lock is it certain that no fresh
            # store has just begun to use them.
            make_private_file(self._path)
        self._inspect()
        with (
            directory_lock(self._path.parent, exclusive=True),
            self._connected("mode=rw", identity) as connection,
            os_errors(self._path),
        ):
            # Leaving WAL mode needs the file for oneself alone, and exclusive mode keeps it so.
            # For memory: a journal beside the file would be deleted by its name at the end, and
            # by then that may be the journal of the next file.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("BEGIN EXCLUSIVE")
            self._check_not_replaced(connection, identity)
            # Who has opened the file and not read it yet holds no lock. It would find its own
            # file empty, and remove the WAL of that name, which is the next file's by then.
            if times_open(identity) > 1:
                raise _InUseError
            # Held until SQLite is done: closing any descriptor of a file drops this process's
            # locks on it.
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
            try:
                for companion in companions:
                    companion.unlink(missing_ok=True)
                self._path.unlink()
                # Who has opened it and waits for our lock gets an error this way, instead of
                # writing to a file that nobody will see.
                os.ftruncate(descriptor, 0)
                connection.close()
            finally:
                os.close(descriptor)

    @contextmanager
    def _open(
        self, *, cleared: Path | None = None
    ) -> Generator[tuple[sqlite3.Connection, Identity]]:
        """A connection to a file that is ours, complete and in WAL mode, made where missing."""
        while (identity := identity_of(self._path)) is None:
            make_private_file(self._path)
        self._inspect()
        with shared_lock(self._access), self._connected("mode=rw", identity) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            self._migrate(connection)
            self._switch_to_wal(connection)
            if cleared is not None:
                connection.execute("ATTACH ? AS cleared", (f"{cleared.as_uri()}?mode=ro",))
            yield connection, identity

    @contextmanager
    def _connected(self, parameters: str, identity: Identity) -> Generator[sqlite3.Connection]:
        """A connection whose errors mean nothing once its file has been replaced.

        That is looked up before it is closed: the next file may get the inode of a closed one.
        """
        with opened(self._access, parameters) as connection:
            try:
                yield connection
            except sqlite3.Error as error:
                moved = getattr(error, "sqlite_errorcode", None) in _FILE_MOVED
                if moved or identity_of(self._path) != identity:
                    raise _ReplacedError from error
                raise

    def _inspect(self) -> None:
        """Refuse a file that isn't ours, through a connection that can't write a byte of it."""
        if not self._is_ours_at_first_sight():
            inspect(self._access, self._check)

    def _is_ours_at_first_sight(self) -> bool:
        """Whether the header says so; nothing is believed of what else it says."""
        try:
            with opened(self._access, "mode=ro&immutable=1") as connection:
                (pages,) = connection.execute("PRAGMA page_count").fetchone()
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                stamped = schema.read_application_id(connection) == schema.APPLICATION_ID
        except sqlite3.Error:
            return False
        return pages == 0 or (stamped and version <= schema.newest_known())

    def _check(self, connection: sqlite3.Connection) -> None:
        check_compatible(connection, self._path, to_write=True)

    def _look(self, connection: sqlite3.Connection) -> Layout:
        """What the file has, all of it at one moment: it may be in the making elsewhere."""
        connection.execute("BEGIN")
        try:
            return check_compatible(connection, self._path, to_write=True)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring a file up to date, each step in a transaction with its stamp."""
        layout = self._look(connection)
        while schema.pending_migrations(layout.version):
            with transaction(connection):
                # Another process may have been faster.
                layout = check_compatible(connection, self._path, to_write=True)
                for version, migrate in schema.pending_migrations(layout.version)[:1]:
                    migrate(connection)
                    schema.stamp(connection, version)
            layout = self._look(connection)

    def _switch_to_wal(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._access.busy_timeout
        while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # SQLite's own wait doesn't cover two processes that both switch.
                if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _check_not_replaced(self, connection: sqlite3.Connection, identity: Identity) -> None:
        """Call it inside a transaction: from then on nobody removes the file properly."""
        # A deferred transaction takes its lock with the first read.
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        if identity_of(self._path) != identity:
            raise _ReplacedError

    def _until_settled(self, attempt: Callable[[], Answer]) -> Answer:
        """Start over for as long as the file is replaced under our hands."""
        deadline = time.monotonic() + self._access.busy_timeout
        with translated(self._path, self._access.busy_timeout):
            while True:
                before = identity_of(self._path)
                try:
                    return attempt()
                except (_InUseError, BlockingIOError):
                    if time.monotonic() > deadline:
                        raise StoreBusyError(self._path, self._access.busy_timeout) from None
                    time.sleep(0.01)
                except _ReplacedError:
                    if time.monotonic() > deadline:
                        raise StoreBusyError(self._path, self._access.busy_timeout) from None
                except sqlite3.Error:
                    if identity_of(self._path) == before or time.monotonic() > deadline:
                        raise


class _InUseError(Exception):
    """Somebody has the file open."""


class _ReplacedError(Exception):
    """The path names another file than the one that was opened."""
