"""Reads that leave no trace, while uniqc may be writing.

There are three ways to read the file, tried in this order:

=========  ============================  ========================  ==============================
way        used when                     leaves behind             what can go wrong
=========  ============================  ========================  ==============================
immutable  no WAL, no rollback journal,  nothing                   a write meanwhile: the result
           and the last write is not                               is discarded
           too recent
shared     immutable does not apply,     an empty ``-wal`` and a   SQLite can't make those files,
           or failed                     ``-shm``, which uniqc's   or finds a rollback journal
                                         next save removes         that only a writer may apply
copy       shared failed for one of      nothing; meanwhile a      a write meanwhile: the result
           these reasons                 private temporary         is discarded; no space for the
                                         directory                 copy
=========  ============================  ========================  ==============================

A discarded result is not an error. The query runs again: the next way, or the same way until
``busy_timeout`` is over. Reading as immutable without comparing signatures gave wrong results; see
ARCHITECTURE.md, "Reading the file".
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from uniqc_store.database.cache import StateCache
from uniqc_store.database.connection import (
    Access,
    Session,
    opened,
    run_query,
    run_query_on_empty_store,
)
from uniqc_store.database.files import companion_of, os_errors
from uniqc_store.database.gaps import wait_until_gap_is_over
from uniqc_store.database.locking import attempts, shared_lock
from uniqc_store.database.signature import signature_of
from uniqc_store.errors import StoreBusyError, StoreError, WouldBlockError, primary_code, translated

if TYPE_CHECKING:
    from collections.abc import Generator

    from uniqc_store.database.signature import Signature

Result = TypeVar("Result")

Connect = Callable[[], sqlite3.Connection]
"""Returns the connection of one read, always the same, opened by the first call."""

Operation = Callable[[Connect, StateCache], Result]
"""The body of a read, given the connection, if it needs one, and the cache of the same state."""

_SETTLING_SECONDS = 0.1

_CANNOT_SHARE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""SQLite's codes where it can't make the ``-shm``, or finds a journal that it may not apply."""


def read(access: Access, query: Callable[[Session], Result]) -> Result:
    """Return what a query function returns for one consistent state of the file.

    A missing file is read as an empty store.

    Args:
        access: The file.
        query: Called again from the start where the file changed during a first call.

    Raises:
        StoreError: The error of the tree that fits; the file was not changed.
    """
    with translated(access.path, access.busy_timeout):
        try:
            return _read(
                access,
                lambda connect, cache: run_query(access, connect, query, cache=cache),
            )
        except _NoFileError:
            return run_query_on_empty_store(query, vanished=access.cache.file_was_read)


def inspect(access: Access, check: Callable[[sqlite3.Connection], object]) -> None:
    """Call a function with a connection that can't write a byte of the file.

    Does nothing where there is no file. Waits up to 0.1 s for a file that was just written, so
    that it can be read as immutable, without a trace.

    Raises:
        sqlite3.Error: SQLite could not read the file.
        StoreError: Raised by the function, or because the file can't be opened.
    """
    for _ in attempts(_SETTLING_SECONDS):
        now = signature_of(access.path)
        if now is None or not now.self_contained or now.settled(time.time_ns()):
            break
    query_file(access, check)


def query_file(access: Access, query: Callable[[sqlite3.Connection], Result]) -> Result | None:
    """Return what a function returns for a connection that can't write a byte of the file.

    The file may be any SQLite database. Returns None where there is no file.

    Args:
        access: The file.
        query: Called again from the start where the file changed during a first call.

    Raises:
        sqlite3.Error: SQLite could not read the file.
        StoreError: Raised by the function, or because the file can't be opened.
    """
    try:
        return _read(access, lambda connect, _: query(connect()))
    except _NoFileError:
        return None


def _read(access: Access, operation: Operation[Result]) -> Result:
    """Read by the first of the three ways that works."""
    with suppress(_FileChangedDuringReadError):
        return _read_immutable(access, operation)
    try:
        return _read_shared(access, operation)
    except sqlite3.OperationalError as error:
        if primary_code(error) not in _CANNOT_SHARE:
            raise
    return _read_without_sharing(access, operation)


def _read_immutable(access: Access, operation: Operation[Result]) -> Result:
    """Read the file as it stands, without SQLite's locks.

    Used when the file alone holds every commit and any further write would change its signature.
    SQLite makes no file beside it, so this works in a directory that this user may not write to
    and on a read-only mount.

    Leaves nothing behind. A write during the read can make SQLite see pages of two states: the
    result or the error is then discarded.

    Raises:
        _FileChangedDuringReadError: The file is not safe to read this way, or was written to.
    """
    before = _existing_signature(access)
    if not (before.self_contained and before.settled(time.time_ns())):
        raise _FileChangedDuringReadError

    with ExitStack() as stack:

        @cache
        def connect() -> sqlite3.Connection:
            stack.enter_context(_unless_changed(access, before))
            return stack.enter_context(opened(access, "mode=ro&immutable=1"))

        return operation(connect, access.cache.of(before))


def _read_shared(access: Access, operation: Operation[Result]) -> Result:
    """Read the file with SQLite's locks, as any other program does.

    Used beside a writer, and where a WAL or a rollback journal is there.

    May leave an empty ``-wal`` and a ``-shm`` behind, which uniqc's next save removes. Fails
    where SQLite may not make these, or where it would have to apply a rollback journal that a
    killed process left.

    Raises:
        sqlite3.OperationalError: With a code of ``_CANNOT_SHARE`` in these two cases.
        StoreBusyError: The file was being removed for too long.
    """
    before = signature_of(access.path)
    if before is None or not before.settled(time.time_ns()):
        before = None
    try:
        return _read_in_transaction(access, operation, before)
    except _FileChangedDuringReadError:
        return _read_in_transaction(access, operation, None)


def _read_in_transaction(
    access: Access, operation: Operation[Result], before: Signature | None
) -> Result:
    """Read in a transaction, with the cache of the state that has the signature ``before``.

    None means whatever state there is, with an empty cache.

    Raises:
        _FileChangedDuringReadError: Somebody wrote after ``before`` was taken, and the cache may
            have been used already.
    """
    with ExitStack() as stack:

        @cache
        def connect() -> sqlite3.Connection:
            wait_until_gap_is_over(access)
            stack.enter_context(shared_lock(access.path, access.busy_timeout))
            connection = stack.enter_context(opened(access, "mode=ro"))
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            # A deferred transaction begins with its first read. If nothing has changed by then,
            # it shows the state that the signature is of.
            connection.execute("PRAGMA schema_version").fetchone()
            if before is not None and signature_of(access.path) != before:
                raise _FileChangedDuringReadError
            return connection

        return operation(connect, access.cache.of(before))


def _read_without_sharing(access: Access, operation: Operation[Result]) -> Result:
    """Read a copy, or the file itself once it is safe to read as immutable.

    Raises:
        StoreBusyError: Somebody kept writing until ``busy_timeout`` was over.
        WouldBlockError: The caller cannot wait for a copy.
    """
    if access.nonblocking:
        raise WouldBlockError
    for _ in attempts(access.busy_timeout):
        now = _existing_signature(access)
        read_once = _read_immutable if now.self_contained else _read_copy
        with suppress(_FileChangedDuringReadError):
            return read_once(access, operation)
    raise StoreBusyError(access.path, access.busy_timeout)


def _read_copy(access: Access, operation: Operation[Result]) -> Result:
    """Copy the file, its WAL and its rollback journal to a private directory and read that.

    Used where SQLite can't read the file with its locks. On the copy it may make a ``-shm`` and
    apply a rollback journal.

    Leaves nothing behind. A write during the copy can give it pages of two states: the result, or
    the error is then discarded.

    Raises:
        _FileChangedDuringReadError: The file was just written, or was written to meanwhile.
        StoreUnreadableError: There is no place for the copy.
    """
    before = _existing_signature(access)
    if not before.settled(time.time_ns()):
        raise _FileChangedDuringReadError

    with (
        _unless_changed(access, before),
        os_errors(access.path),
        tempfile.TemporaryDirectory(prefix="uniqc-store-") as directory,
    ):
        copy = Path(directory, access.path.name)
        shutil.copyfile(access.path, copy)
        for suffix in ("-wal", "-journal"):
            companion = companion_of(access.path, suffix)
            if companion.exists():
                shutil.copyfile(companion, companion_of(copy, suffix))
        with opened(access, "mode=rw", path=copy) as connection:
            connection.execute("BEGIN")
            return operation(lambda: connection, access.cache.of(before))


def _existing_signature(access: Access) -> Signature:
    signature = signature_of(access.path)
    if signature is None:
        raise _NoFileError
    return signature


@contextmanager
def _unless_changed(access: Access, before: Signature) -> Generator[None]:
    """Raise ``_FileChangedDuringReadError`` if the file is not as before when the body ends.

    That goes for an error of the body too, which may come from pages of two states.
    """
    try:
        yield
    except (sqlite3.Error, StoreError):
        if signature_of(access.path) != before:
            raise _FileChangedDuringReadError from None
        raise
    if signature_of(access.path) != before:
        raise _FileChangedDuringReadError


class _FileChangedDuringReadError(Exception):
    """A write during the read, or so shortly before it that one could go unnoticed."""


class _NoFileError(Exception):
    """A missing file, or one that was removed meanwhile."""
