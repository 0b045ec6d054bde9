"""The signature of the database file: a value that every write changes."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uniqc_store.database.files import check_links, identity_of, os_errors

if TYPE_CHECKING:
    from pathlib import Path

Stamp = tuple[int, int, int, int]
"""Device, inode number, size in bytes, and time of the last write in nanoseconds since 1970."""

_CLOCK_TICK_NS = 50_000_000
"""The longest step of a file system's clock, with some room: Linux's is 10 ms at the most."""

_COARSE_CLOCK_TICK_NS = 2_100_000_000
"""The longest step where times are in whole seconds, with some room: FAT's is two seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The database file and its companions at one moment.

    Attributes:
        file: The stamp of the database file.
        wal: The stamp of its write-ahead log; None where there is none.
        journal: The stamp of its rollback journal; None where there is none.
        changed_ns: The ``st_ctime_ns`` of the database file, which no program can set back. That
            of the companions is left out: SQLite, run by root, gives them to the file's owner
            whenever it opens them, which changes it.
    """

    file: Stamp
    wal: Stamp | None
    journal: Stamp | None
    changed_ns: int

    @property
    def has_wal(self) -> bool:
        """True where the write-ahead log is there and not empty."""
        return self.wal is not None and self.wal[2] > 0

    @property
    def self_contained(self) -> bool:
        """True where the database file alone holds every commit."""
        return not self.has_wal and self.journal is None

    def settled(self, now_ns: int) -> bool:
        """Return True if any write from now on is certain to change the signature.

        A write within one tick of the file system's clock after another one may leave both the
        time and the size as they were.

        Args:
            now_ns: The present, in nanoseconds since 1970.
        """
        written_ns = max(stamp[3] for stamp in (self.file, self.wal, self.journal) if stamp)
        in_whole_seconds = written_ns % 1_000_000_000 == 0
        # abs: a time in the future is safe too, as a write would change it to the present.
        return abs(now_ns - written_ns) > (
            _COARSE_CLOCK_TICK_NS if in_whole_seconds else _CLOCK_TICK_NS
        )


def signature_of(path: Path) -> Signature | None:
    """Return the signature of the file that is at a path now, or None if there is none.

    Every read calls this, so it uses ``os``, which takes half the time that
    ``pathlib`` would take.

    Raises:
        StoreUnreadableError: See :func:`identity_of`.
    """
    name = os.fspath(path)
    with os_errors(path):
        try:
            status = os.lstat(name)
        except FileNotFoundError:
            check_links(path)
            return None
        if not stat.S_ISREG(status.st_mode):
            if identity_of(path) is None:
                return None
            # A symbolic link: SQLite's companions are beside the file that it points to.
            name = os.path.realpath(name)
            status = os.stat(name)  # noqa: PTH116 - os for speed, see above
        return Signature(
            file=_stamp(status),
            wal=_stamp_of(name + "-wal"),
            journal=_stamp_of(name + "-journal"),
            changed_ns=status.st_ctime_ns,
        )


def _stamp_of(name: str) -> Stamp | None:
    try:
        return _stamp(os.stat(name))  # noqa: PTH116 - os for speed, see signature_of
    except FileNotFoundError:
        return None


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
