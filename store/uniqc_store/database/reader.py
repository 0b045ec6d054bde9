"""Reading without leaving a trace, while uniqc writes.

There are three ways, tried in this order:

1. *At rest.* Where there is no WAL and the file has not changed for a while, it is complete in
   itself and is read as it stands (SQLite's ``immutable``). It counts only if nothing changed
   meanwhile. Nothing is made beside the file, so this works in a directory that may not be
   written to, or on a read-only mount.
2. *Shared.* Otherwise SQLite's ordinary ``mode=ro`` with its locks. It may make an empty
   ``-wal`` and a ``-shm``, which uniqc's next save cleans up.
3. *Copied.* Where that can't be done, because those can't be made or because a killed process
   left a rollback journal that only a writer could apply, the file and what is beside it are
   copied to a private directory and read there. It counts only if nothing changed meanwhile.

``immutable`` without that check gave wrong answers: beside a live writer nearly every read
found the file malformed, and beside a left-over WAL it saw none of what was in it.
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
from uniqc_store.database.connection import Access, Session, ask, ask_stand_in, opened
from uniqc_store.database.files import beside, directory_lock, os_errors, signature_of
from uniqc_store.errors import StoreBusyError, StoreError, WouldBlockError, primary_code, translated

if TYPE_CHECKING:
    from collections.abc import Generator

    from uniqc_store.database.files import Signature

Answer = TypeVar("Answer")

_PATIENCE_SECONDS = 0.1

_CAN_NOT_SHARE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def read(access: Access, question: Callable[[Session], Answer]) -> Answer:
    """Ask one question of one consistent state of the file, or of an empty stand-in for none.

    The question may be asked again from the start where the file changed under a first try.
    """
    with translated(access.path, access.busy_timeout):
        try:
            return _through(
                access,
                lambda connect, cache: ask(access, connect, question, cache=cache),
            )
        except _NoFileError:
            return ask_stand_in(question)


def inspect(access: Access, use: Callable[[sqlite3.Connection], None]) -> None:
    """Use a connection that can't write a byte of the file, whosever it is.

    Waits a moment for a file that was just written to come to rest, so as to leave no trace.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        now = signature_of(access.path)
        if now is None or now.has_wal or now.journal or now.settled(time.time_ns()):
            break
        time.sleep(0.01)
    with suppress(_NoFileError):
        _through(access, lambda connect, _: use(connect()))


Use = Callable[[Callable[[], sqlite3.Connection], StateCache], Answer]
"""What is done with a connection, if it is needed, and with what is known of the state that it
shows."""


def _through(access: Access, use: Use[Answer]) -> Answer:
    try:
        return _read_immutable(access, use)
    except _FileChangedDuringReadError:
        pass
    try:
        return _read_shared(access, use)
    except sqlite3.OperationalError as error:
        if primary_code(error) not in _CAN_NOT_SHARE:
            raise
    return _without_sharing(access, use)


def _read_immutable(access: Access, use: Use[Answer]) -> Answer:
    before = _signature(access)
    if before.has_wal or before.journal or not before.settled(time.time_ns()):
        raise _FileChangedDuringReadError

    with ExitStack() as stack:

        @cache
        def connect() -> sqlite3.Connection:
            stack.enter_context(_unless_changed(access, before))
            return stack.enter_context(opened(access, "mode=ro&immutable=1"))

        return use(connect, access.cache.of(before))


def _read_shared(access: Access, use: Use[Answer]) -> Answer:
    before = signature_of(access.path)
    if before is None or not before.settled(time.time_ns()):
        before = None
    try:
        return _in_transaction(access, use, before)
    except (
        _FileChangedDuringReadError
    ):  # between the signature and the first thing that is not known yet
        return _in_transaction(access, use, None)


def _in_transaction(access: Access, use: Use[Answer], before: Signature | None) -> Answer:
    """In the state of a signature, or in whatever state there is."""
    with ExitStack() as stack:

        @cache
        def connect() -> sqlite3.Connection:
            stack.enter_context(shared_lock(access))
            connection = stack.enter_context(opened(access, "mode=ro"))
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            # The transaction begins with its first read. Nobody has written from before until
            # then, if nothing has changed: it shows the state of the signature.
            connection.execute("PRAGMA schema_version").fetchone()
            if before is not None and signature_of(access.path) != before:
                raise _FileChangedDuringReadError
            return connection

        return use(connect, access.cache.of(before))


@contextmanager
def shared_lock(access: Access) -> Generator[None]:
    """Be seen to use the file, once nobody is removing it.

    Raises:
        StoreBusyError: Somebody is, for too long.
    """
    deadline = time.monotonic() + access.busy_timeout
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(directory_lock(access.path.parent))
                break
            except BlockingIOError:
                if access.nonblocking or time.monotonic() > deadline:
                    raise StoreBusyError(access.path, access.busy_timeout) from None
            time.sleep(0.01)
        yield


def _without_sharing(access: Access, use: Use[Answer]) -> Answer:
    deadline = time.monotonic() + access.busy_timeout
    while not access.nonblocking:
        try:
            now = _signature(access)
            return (_read_copy if now.has_wal or now.journal else _read_immutable)(access, use)
        except _FileChangedDuringReadError:
            if time.monotonic() > deadline:
                raise StoreBusyError(access.path, access.busy_timeout) from None
            time.sleep(0.01)
    raise WouldBlockError


def _read_copy(access: Access, use: Use[Answer]) -> Answer:
    before = _signature(access)
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
            if beside(access.path, suffix).exists():
                shutil.copyfile(beside(access.path, suffix), beside(copy, suffix))
        with opened(access, "mode=rw", path=copy) as connection:
            connection.execute("BEGIN")
            return use(lambda: connection, access.cache.of(before))


def _signature(access: Access) -> Signature:
    signature = signature_of(access.path)
    if signature is None:
        raise _NoFileError
    return signature


@contextmanager
def _unless_changed(access: Access, before: Signature) -> Generator[None]:
    """What is read within counts, and so does an error, only if the file has not changed."""
    try:
        yield
    except (sqlite3.Error, StoreError):
        if signature_of(access.path) != before:
            raise _FileChangedDuringReadError from None
        raise
    if signature_of(access.path) != before:
        raise _FileChangedDuringReadError


class _FileChangedDuringReadError(Exception):
    """Somebody is writing, or has just written: what was read may not fit together."""


class _NoFileError(Exception):
    """There is no file, or no longer."""
