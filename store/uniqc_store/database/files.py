"""What the operating system knows of the file: which one it is, whether it changed."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from uniqc_store.errors import StoreUnreadableError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

Identity = tuple[int, int]
"""Device and inode: what tells a file from the one that took its place."""


def beside(path: Path, suffix: str) -> Path:
    """SQLite's own companion of a database, ``-wal`` or ``-shm``: beside what a link leads to."""
    file = path.resolve()
    return file.with_name(file.name + suffix)


@contextmanager
def os_errors(path: Path) -> Generator[None]:
    """Turn what the operating system refuses inside into ``StoreUnreadableError``."""
    try:
        yield
    except OSError as error:
        raise StoreUnreadableError(path, error.strerror or str(error)) from error


def identity_of(path: Path) -> Identity | None:
    """Which file is there now; None where there is none.

    Raises:
        StoreUnreadableError: There may be one, but it can't be seen or is no file.
    """
    with os_errors(path):
        try:
            found = path.stat()
        except FileNotFoundError:
            if path.is_symlink():
                raise StoreUnreadableError(
                    path, f"it is a link to {path.readlink()}, which is not there"
                ) from None
            return None
    if not stat.S_ISREG(found.st_mode):
        raise StoreUnreadableError(path, "it is not a regular file")
    return found.st_dev, found.st_ino


def make_private_file(path: Path) -> None:
    """Make an empty file, and its directory, that only this user can see into.

    The platforms' error texts are in there. A file that is there already is left as it is.
    """
    with os_errors(path):
        _make_private_directory(path.parent)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return


def _make_private_directory(directory: Path) -> None:
    if not directory.is_dir():
        _make_private_directory(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


def times_open(identity: Identity) -> int:
    """How many descriptors of this user's processes are open on a file, this process's included.

    Linux says so in ``/proc``; 0 where it can't be known.
    """
    return sum(1 for _ in _openings(identity))


def may_be_open_elsewhere(identity: Identity) -> bool:
    """Whether another process has a file open; true where that can't be known."""
    own = Path("/proc", str(os.getpid()), "fd")
    return not own.is_dir() or any(opening.parent != own for opening in _openings(identity))


def only_ours(path: Path) -> bool:
    """Whether no other user may write a file."""
    with os_errors(path):
        found = path.stat()
    shared = stat.S_IWGRP | stat.S_IWOTH
    return found.st_uid == os.geteuid() and not found.st_mode & shared


def _openings(identity: Identity) -> Iterator[Path]:
    """The descriptors in ``/proc`` that are open on a file."""
    for descriptors in Path("/proc").glob("[0-9]*/fd"):
        for descriptor in _entries(descriptors):
            if _is_open_on(descriptor, identity):
                yield descriptor


def _entries(directory: Path) -> list[Path]:
    with suppress(OSError):  # another user's process, or one that has just ended
        return list(directory.iterdir())
    return []


def _is_open_on(descriptor: Path, identity: Identity) -> bool:
    with suppress(OSError):
        found = descriptor.stat()
        return (found.st_dev, found.st_ino) == identity
    return False


Stamp = tuple[int, int, int, int]
"""Device, inode, size, and time of the last write in nanoseconds of the Unix epoch."""

_CERTAIN_AFTER_NS = 50_000_000
_CERTAIN_AFTER_NS_IN_SECONDS = 2_100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What changes when somebody writes.

    Attributes:
        file: Of the file itself.
        wal: Of its write-ahead log; None where there is none.
        journal: Of its rollback journal, as while a file is switched to WAL; None where none is.
        changed_ns: When anything about the file itself changed, its permissions for one: a time
            that nobody can set back. Not of the others, as SQLite, run by root, hands those to
            the file's owner whenever it opens them.
    """

    file: Stamp
    wal: Stamp | None
    journal: Stamp | None
    changed_ns: int

    @property
    def has_wal(self) -> bool:
        """Whether there is a log with something in it."""
        return self.wal is not None and self.wal[2] > 0

    def settled(self, now_ns: int) -> bool:
        """Whether any further write is certain to change the signature.

        The times of files tick: by some milliseconds, on some file systems by up to two
        seconds, and then they are whole.
        """
        changed_ns = max(stamp[3] for stamp in (self.file, self.wal, self.journal) if stamp)
        whole = changed_ns % 1_000_000_000 == 0
        # A time in the future is as good as one in the past: a write would change it to now.
        return abs(now_ns - changed_ns) > (
            _CERTAIN_AFTER_NS_IN_SECONDS if whole else _CERTAIN_AFTER_NS
        )


@contextmanager
def directory_lock(directory: Path, *, exclusive: bool = False) -> Generator[None]:
    """Tell others who use this package that a store is in use.

    A connection that has opened a file and not read it yet holds no lock of SQLite's. Should the
    file be removed just then, it finds it empty and deletes the WAL of that name, which may be
    the next file's. So who removes the file has to be alone. The lock is on the directory: closing
    a descriptor of the file itself would drop SQLite's locks on it.

    Where that can't be locked (Windows, some network file systems, a directory that may not be
    listed), all is as it is beside uniqc.

    Raises:
        BlockingIOError: Somebody is removing it, or, for who wants to be alone, uses it.
        StoreUnreadableError: The directory can't be opened for another reason.
    """
    if sys.platform == "win32" or (descriptor := _listing(directory)) is None:
        yield
        return
    try:
        _lock(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _listing(directory: Path) -> int | None:
    with os_errors(directory), suppress(FileNotFoundError, PermissionError):
        return os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    return None


def _lock(descriptor: int, how: int) -> None:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system that knows no such locks
        return


def signature_of(path: Path) -> Signature | None:
    """The signature as it is now; None where there is no file.

    Takes some microseconds, for every read asks for it: hence ``os``, as ``pathlib`` takes five
    times as long.
    """
    name = os.fspath(path)
    with os_errors(path):
        try:
            found = os.lstat(name)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            if identity_of(path) is None:
                return None
            # A link: SQLite's companions are beside what it leads to.
            name = os.path.realpath(name)
            found = os.stat(name)  # noqa: PTH116 - see above
        return Signature(
            file=_stamped(found),
            wal=_stamp(name + "-wal"),
            journal=_stamp(name + "-journal"),
            changed_ns=found.st_ctime_ns,
        )


def _stamp(name: str) -> Stamp | None:
    try:
        return _stamped(os.stat(name))  # noqa: PTH116 - see above
    except FileNotFoundError:
        return None


def _stamped(found: os.stat_result) -> Stamp:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
