"""Everything that can go wrong with a task store.

::

    StoreError
    ├── InvalidValueError    a value that the store can't hold (also a ValueError)
    ├── AmbiguousIdError     an id that more than one task answers to
    ├── UnknownReceiptError  no clear of this id, or nothing of it is left
    ├── RestoreError         the store has no place for what was cleared
    ├── InterruptedReadError the caller asked a running query to stop
    ├── NotAtOnceError       the answer takes longer than the caller can wait
    ├── ReadOnlyStoreError   a write on a store that was opened to be read
    └── StoreFileError       about the file itself
        ├── StoreMissingError     no file there, and the caller asked for one
        ├── StoreForeignError     another program's file (also a RuntimeError, as uniqc raises)
        ├── StoreNewerError       a schema that this release does not know
        ├── StoreDamagedError     a file that SQLite can't make sense of
        ├── StoreBusyError        another process held it for longer than we wait
        ├── StoreUnreadableError  permissions, a directory in its place, a failing disk
        └── StoreFullError        no space left to write

Each message is a sentence that says what to do; what it is about is data on the error.
No ``sqlite3`` exception leaves the package.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path


class StoreError(Exception):
    """Whatever the store raises; see the module for the tree."""

    def __reduce__(self) -> tuple[object, ...]:
        # Exception's own would call the class with its message alone.
        return _rebuilt, (type(self), str(self), self.__dict__)


def _rebuilt(kind: type[StoreError], message: str, attributes: dict[str, object]) -> StoreError:
    error = kind.__new__(kind, message)
    error.__dict__.update(attributes)
    return error


class InvalidValueError(StoreError, ValueError):
    """A value that can't be stored, or a filter that can't be meant.

    Attributes:
        field: The name of the field or argument, with the place inside it where that helps
            (``result.counts``).
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class AmbiguousIdError(StoreError):
    """More than one task answers to the id.

    Attributes:
        reference: What was asked for.
        candidates: The uniqc ids of the tasks that answer to it.
    """

    def __init__(self, reference: str, candidates: Sequence[str]) -> None:
        super().__init__(
            f"{reference!r} stands for {len(candidates)} tasks: {', '.join(candidates)}. "
            "Ask for one of these ids."
        )
        self.reference = reference
        self.candidates = tuple(candidates)


class UnknownReceiptError(StoreError):
    """No clear has this receipt, or nothing of it is held any more.

    Attributes:
        receipt_id: What was asked for.
    """

    def __init__(self, receipt_id: str) -> None:
        super().__init__(
            f"There is nothing to put back for the receipt {receipt_id!r}: it is unknown, was put "
            "back already, or is older than cleared tasks are kept."
        )
        self.receipt_id = receipt_id


class RestoreError(StoreError):
    """The store has no place for what was cleared; nothing of this batch was put back.

    Attributes:
        receipt_id: The receipt, which stays good.
        missing: The columns, or the table, that the store lacks.
    """

    def __init__(self, receipt_id: str, missing: Sequence[str]) -> None:
        super().__init__(
            f"The store has no {', '.join(missing)} to put {receipt_id} back into. Let the uniqc "
            "that wrote it open the store first, which upgrades it; the receipt stays good."
        )
        self.receipt_id = receipt_id
        self.missing = tuple(missing)


class InterruptedReadError(StoreError):
    """A query was stopped because ``should_stop`` said so."""

    def __init__(self) -> None:
        super().__init__("The query was stopped before it was done.")


class WouldBlockError(StoreError):
    """The answer takes longer than a moment, and the caller can't wait; see ``nonblocking``."""

    def __init__(self) -> None:
        super().__init__("This takes a while. Ask the store itself, on a thread that can wait.")


class StoreFileError(StoreError):
    """Something about the file.

    Attributes:
        path: The file it is about.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path} {problem}")
        self.path = path


class ReadOnlyStoreError(StoreError):
    """A write on a store that was opened with ``read_only=True``.

    Attributes:
        path: The file that was to be written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was opened to be read only. Open it without read_only=True.")
        self.path = path


class StoreMissingError(StoreFileError):
    """No file is there, and the caller asked for one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "does not exist. uniqc makes it with the first task it submits.")


class StoreForeignError(StoreFileError, RuntimeError):
    """The file belongs to another program, or is no SQLite database at all.

    Attributes:
        found: The application id in its header, or None where it has no such header.
    """

    def __init__(self, path: Path, problem: str, *, found: int | None = None) -> None:
        super().__init__(path, f"{problem}. Nothing in it was read or changed.")
        self.found = found


class StoreNewerError(StoreFileError):
    """The file was written by a uniqc that is newer than this release knows.

    Attributes:
        found: Its schema version.
        known: The newest schema version that this release knows.
    """

    def __init__(self, path: Path, problem: str, *, found: int, known: int) -> None:
        super().__init__(
            path,
            f"has schema version {found}, newer than {known}, the newest this release knows: "
            f"{problem}. Update uniqc-mcp.",
        )
        self.found = found
        self.known = known


class StoreDamagedError(StoreFileError):
    """SQLite finds the file malformed, or a table lacks what every release of uniqc writes."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            path,
            f"is damaged ({detail}). Make a copy of it, then try SQLite's own `.recover` on the "
            "copy, or move the file away and let uniqc start a new one.",
        )


class StoreBusyError(StoreFileError):
    """Another process held the file for longer than we wait; nothing was changed.

    Attributes:
        waited_seconds: How long we waited.
    """

    def __init__(self, path: Path, waited_seconds: float) -> None:
        super().__init__(
            path,
            f"is in use by another process and did not come free within {waited_seconds:g} s. "
            "Nothing was changed; try again.",
        )
        self.waited_seconds = waited_seconds


class StoreUnreadableError(StoreFileError):
    """The operating system doesn't let us at the file."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            path,
            f"can't be opened ({detail}). Check that it is a file in a readable directory and "
            "that this user may read it.",
        )


class StoreFullError(StoreFileError):
    """There is no space left; what was being written was rolled back."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "can't grow: the disk or the quota is full. Nothing was changed.")


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code of an error, -1 where Python raised it by itself."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return -1 if code is None else code & 0xFF


@contextmanager
def translated(path: Path, waited_seconds: float) -> Generator[None]:
    """Turn whatever ``sqlite3`` raises inside into the error of the tree that it means."""
    try:
        yield
    except sqlite3.Error as error:
        raise _meaning(error, path, waited_seconds) from error


# A quota, or a limit on the size of a file: SQLite calls full the disk alone.
_NO_SPACE = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


def _meaning(error: sqlite3.Error, path: Path, waited_seconds: float) -> StoreError:
    # The names are SQLite's: https://www.sqlite.org/rescode.html
    meaning: StoreError
    if getattr(error, "sqlite_errorcode", None) in _NO_SPACE:
        return StoreFullError(path)
    match primary_code(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            meaning = StoreBusyError(path, waited_seconds)
        case (
            sqlite3.SQLITE_CANTOPEN
            | sqlite3.SQLITE_PERM
            | sqlite3.SQLITE_AUTH
            | sqlite3.SQLITE_IOERR
            | sqlite3.SQLITE_READONLY
        ):
            meaning = StoreUnreadableError(path, str(error))
        case sqlite3.SQLITE_NOTADB:
            meaning = StoreForeignError(path, "is not an SQLite database")
        case sqlite3.SQLITE_FULL:
            meaning = StoreFullError(path)
        case sqlite3.SQLITE_INTERRUPT:
            meaning = InterruptedReadError()
        case _:
            # SQLITE_CORRUPT, or a statement that doesn't fit the tables of a file made by hand.
            meaning = StoreDamagedError(path, str(error))
    return meaning
