"""Removal of a file that other processes may be about to use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from uniqc_store.database.files import companion_of, identity_of, make_private_file, os_errors
from uniqc_store.database.locking import count_descriptors, directory_lock
from uniqc_store.database.write_connection import check_before_opening, open_checked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from uniqc_store.database.connection import Access
    from uniqc_store.database.files import Identity
    from uniqc_store.database.write_connection import WriteConnection


class FileInUseError(Exception):
    """A file that another connection has open."""


def remove(access: Access) -> None:
    """Remove the file, its ``-wal`` and its ``-shm``, unless somebody has it open.

    Why each step is needed: see ARCHITECTURE.md, "Removing the file".

    Raises:
        StoreFileError: The file is not uniqc's, or can't be removed.
        FileInUseError: Another connection has it open; nothing was removed.
        BlockingIOError: Another process that uses this package reads or writes it.
        FileReplacedError: The file was replaced meanwhile.
        sqlite3.Error: The file is locked, or SQLite refused a step for another reason.
    """
    companions = [companion_of(access.path, suffix) for suffix in ("-wal", "-shm")]
    identity = _identity_to_remove(access.path, companions)
    if identity is None:
        return
    check_before_opening(access)
    with (
        directory_lock(access.path.parent, exclusive=True),
        open_checked(access, identity) as file,
        os_errors(access.path),
    ):
        _lock_exclusively(file)
        # A connection that has not read the file yet holds no lock on it. It would find its own
        # file empty and remove the WAL of that name, which may be the next file's by then.
        if count_descriptors(identity) > 1:
            raise FileInUseError
        _delete(file, companions)


def _identity_to_remove(path: Path, companions: Sequence[Path]) -> Identity | None:
    """Return the identity of the file to remove; None if nothing is there.

    If only companions are left, an empty file is created, so that its lock can be taken.
    """
    while (identity := identity_of(path)) is None:
        if not any(companion.exists() for companion in companions):
            return None
        # Companions without their file. Only under the lock of a file is it certain that no
        # other process has just begun to use them with a fresh one.
        make_private_file(path)
    return identity


def _lock_exclusively(file: WriteConnection) -> None:
    # Leaving WAL mode needs the only connection to the file, and exclusive mode keeps it so.
    # MEMORY: SQLite would delete a journal file by name at the end, which may be the journal of
    # the next file by then.
    file.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    file.connection.execute("PRAGMA journal_mode = MEMORY")
    file.connection.execute("BEGIN EXCLUSIVE")
    file.check_not_replaced()


def _delete(file: WriteConnection, companions: Sequence[Path]) -> None:
    # Kept open until SQLite has closed the file: closing any descriptor of a file drops all of
    # this process's locks on it.
    descriptor = os.open(file.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        for companion in companions:
            companion.unlink(missing_ok=True)
        file.path.unlink()
        # After that, a connection that was waiting for the lock gets an error. Otherwise it would
        # write to a file that has no name any more.
        os.ftruncate(descriptor, 0)
        file.connection.close()
    finally:
        os.close(descriptor)
