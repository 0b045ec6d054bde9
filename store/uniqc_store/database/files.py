"""Paths, identity and permissions of the database file."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from uniqc_store.errors import StoreUnreadableError, StoreUnwritableError

if TYPE_CHECKING:
    from collections.abc import Generator

# Path.home() raises for a user without a home, such as in a container, who names another directory.
DEFAULT_CACHE_DIR = Path(os.path.expanduser("~"), ".uniqc", "cache")  # noqa: PTH111 - see above
"""Where uniqc keeps its tasks."""

CLEARED_FILENAME = "cleared.sqlite"
"""The name of the file of copies of cleared tasks, beside the store."""

Identity = tuple[int, int]
"""Device and inode number, which tell a file from another one at the same path."""


def check_links(path: Path) -> None:
    """Raise if a missing file, or a directory on its path, is a symbolic link to nothing.

    Raises:
        StoreUnreadableError: The message names the link and its target.
    """
    for part in (path, *path.parents):
        if part.is_symlink() and not part.exists():
            name = "it" if part == path else f"its directory {part}"
            raise StoreUnreadableError(
                path, f"{name} is a link to {part.readlink()}, which is not there"
            )


def companion_of(path: Path, suffix: str) -> Path:
    """Return the path of one of SQLite's own files beside a database.

    SQLite follows a symbolic link first, so the companion is beside the file that it points to.

    Args:
        path: The database.
        suffix: ``-wal``, ``-shm`` or ``-journal``.
    """
    file = path.resolve()
    return file.with_name(file.name + suffix)


@contextmanager
def os_errors(path: Path, *, writing: bool = False) -> Generator[None]:
    """Raise ``StoreUnreadableError`` in place of an ``OSError`` from the body.

    Args:
        path: The file, for the message.
        writing: True to raise ``StoreUnwritableError``.
    """
    try:
        yield
    except OSError as error:
        refused = StoreUnwritableError if writing else StoreUnreadableError
        raise refused(path, error.strerror or str(error)) from error


def identity_of(path: Path) -> Identity | None:
    """Return the identity of the file that is at a path now, or None if there is none.

    Raises:
        StoreUnreadableError: The path can't be examined, is a symbolic link to nothing, or is
            not a regular file.
    """
    with os_errors(path):
        try:
            status = path.stat()
        except FileNotFoundError:
            check_links(path)
            return None
    if not stat.S_ISREG(status.st_mode):
        raise StoreUnreadableError(path, "it is not a regular file")
    return status.st_dev, status.st_ino


def make_private_file(path: Path) -> None:
    """Create an empty file, and its directory, that only this user can read.

    Platforms' error texts, which may hold secrets, are stored in it. An existing file or
    directory keeps its permissions.

    Raises:
        StoreUnwritableError: The file or its directory can't be created.
    """
    with os_errors(path, writing=True):
        _make_private_directory(path.parent)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return


def _make_private_directory(directory: Path) -> None:
    # mkdir(parents=True) would give the parents the default permissions.
    if not directory.is_dir():
        _make_private_directory(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


def check_permissions(path: Path) -> None:
    """Raise if this user may not write an existing database, or make files beside it.

    Nothing is opened: closing a descriptor of the file would drop SQLite's locks on it.

    Raises:
        StoreUnwritableError: The message says which of them, or that the mount is read-only.
    """
    companions = [companion_of(path, suffix) for suffix in ("-wal", "-shm")]
    # By the effective user, whose permissions the system applies; by default it is the real one.
    effective = os.access in os.supports_effective_ids
    for place in (path, path.resolve().parent, *companions):
        if place.exists() and not os.access(place, os.W_OK, effective_ids=effective):
            raise StoreUnwritableError(path, _why_not_writable(place))


def _why_not_writable(place: Path) -> str:
    with suppress(OSError, AttributeError):  # Windows has no statvfs
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            return "the file system is mounted read-only"
    return f"this user may not write {place}"


def only_this_user_may_write(path: Path) -> bool:
    """Return True if the file is this user's and neither its group nor others may write it.

    POSIX only.

    Raises:
        StoreUnreadableError: The file can't be examined.
    """
    with os_errors(path):
        status = path.stat()
    writable_by_others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.geteuid() and not writable_by_others
