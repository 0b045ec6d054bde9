"""Retries, the lock on the store's directory, and the processes that have a file open."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from uniqc_store.database.files import os_errors
from uniqc_store.errors import StoreBusyError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from uniqc_store.database.files import Identity


def attempts(seconds: float, *, pause_seconds: float = 0.01) -> Iterator[None]:
    """Yield once for each attempt at something that another process may delay.

    Leave the loop after an attempt that worked. The loop ends by itself when the first attempt
    to fail after ``seconds`` has failed; the code after it raises the error::

        for _ in attempts(busy_timeout):
            with suppress(BlockingIOError):
                return lock()
        raise StoreBusyError(path, busy_timeout)

    Args:
        seconds: How long to go on; 0 gives one attempt.
        pause_seconds: How long to sleep between two attempts.
    """
    deadline = time.monotonic() + seconds
    yield
    while time.monotonic() < deadline:
        time.sleep(pause_seconds)
        yield


@contextmanager
def directory_lock(directory: Path, *, exclusive: bool = False) -> Generator[None]:
    """Hold an advisory lock on the store's directory.

    Readers and writers take it shared, removal takes it exclusive; see ARCHITECTURE.md, "Removing
    the file". It is on the directory because closing any descriptor of the database file would
    drop SQLite's own locks on it.

    Does nothing where a directory can't be locked: on Windows, on some network file systems, and
    where this user may not list it.

    Raises:
        BlockingIOError: Somebody holds the lock in a mode that excludes this one.
        StoreUnreadableError: The directory can't be opened for another reason.
    """
    if sys.platform == "win32" or (descriptor := _open_directory(directory)) is None:
        yield
        return
    try:
        _lock(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _open_directory(directory: Path) -> int | None:
    with os_errors(directory), suppress(FileNotFoundError, PermissionError):
        return os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    return None


def _lock(descriptor: int, mode: int) -> None:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # the file system has no such locks
        return


@contextmanager
def shared_lock(path: Path, busy_timeout: float) -> Generator[None]:
    """Hold the shared lock on the directory of a database, after any removal in progress.

    Args:
        path: The database.
        busy_timeout: Seconds to wait.

    Raises:
        StoreBusyError: The removal took longer.
    """
    with ExitStack() as stack:
        for _ in attempts(busy_timeout):
            with suppress(BlockingIOError):
                stack.enter_context(directory_lock(path.parent))
                break
        else:
            raise StoreBusyError(path, busy_timeout)
        yield


def count_descriptors(identity: Identity) -> int:
    """Return how many descriptors are open on a file, those of this process included.

    Counts the processes whose descriptors this user may see in Linux's ``/proc``. Returns 0 on
    systems that have no such directory.

    Raises:
        OSError: ``/proc`` can't be listed, for example because this process has no descriptor left.
    """
    return sum(1 for _ in _descriptors(identity, _processes()))


def may_be_open_elsewhere(identity: Identity) -> bool:
    """Return False if no other process of this user has the file open, True if unknown."""
    try:
        own, processes = str(os.getpid()), _processes()
        others = (process for process in processes if process != own)
        return own not in processes or any(_descriptors(identity, others))
    except OSError:  # no descriptor is left to list /proc with
        return True


# A clear looks at every descriptor after each batch. Path objects would take 1.6 times as long.


def _processes() -> list[str]:
    """Return the ids of all processes; none on systems that have no ``/proc``."""
    with suppress(FileNotFoundError):
        return list(filter(str.isdecimal, os.listdir("/proc")))  # noqa: PTH208 - see above
    return []


def _descriptors(identity: Identity, processes: Iterable[str]) -> Iterator[str]:
    """Yield the descriptors of these processes, as paths, that are open on a file."""
    for process in processes:
        for name in _names(directory := f"/proc/{process}/fd"):
            if _is_open_on(descriptor := f"{directory}/{name}", identity):
                yield descriptor


def _names(directory: str) -> list[str]:
    # Another user's process, or one that has just ended. Any other error would hide descriptors.
    with suppress(PermissionError, FileNotFoundError, ProcessLookupError):
        return os.listdir(directory)  # noqa: PTH208 - see above
    return []


def _is_open_on(descriptor: str, identity: Identity) -> bool:
    with suppress(OSError):  # closed meanwhile
        status = os.stat(descriptor)  # noqa: PTH116 - see above
        return (status.st_dev, status.st_ino) == identity
    return False
