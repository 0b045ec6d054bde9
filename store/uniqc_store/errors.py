"""The errors of the task store.

::

    StoreError
    ├── InvalidValueError    a value that the store can't hold (also a ValueError)
    ├── AmbiguousIdError     an id that stands for more than one task
    ├── UnknownReceiptError  a receipt that is unknown, or of which nothing is left
    ├── RestoreError         a store that lacks a table or column of the cleared tasks
    ├── PlanAlteredError     a kept plan that is not as it was made
    ├── InterruptedReadError a query that ``should_stop`` ended
    ├── WouldBlockError      a read that would take too long for a nonblocking caller
    ├── ReadOnlyStoreError   a write on a store that was opened read-only
    └── StoreFileError       about the file itself
        ├── StoreMissingError     no file, although the caller requires one
        ├── StoreForeignError     another program's file (also a RuntimeError, as in uniqc)
        ├── StoreNewerError       a schema that this release does not know
        ├── StoreDamagedError     a file that SQLite finds malformed
        ├── StoreUnsafeError      a file with damage, from which nothing is cleared
        ├── StoreBusyError        a file that another process holds for too long
        ├── StoreUnreadableError  permissions, a directory in its place, a failing disk
        ├── StoreUnwritableError  a read-only mount, another user's file, no descriptor left
        └── StoreFullError        no space left to write

Each message is a sentence that says what to do. The values in it are attributes of the error.
No ``sqlite3`` exception leaves the package.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path


class StoreError(Exception):
    """The base class of every error that the store raises."""

    def __reduce__(self) -> tuple[object, ...]:
        """Return what pickle and copy rebuild the error from.

        ``Exception`` itself would call the class with the message alone.
        """
        return _rebuild, (type(self), str(self), self.__dict__)


def _rebuild(
    error_type: type[StoreError], message: str, attributes: dict[str, object]
) -> StoreError:
    error = error_type.__new__(error_type, message)
    error.__dict__.update(attributes)
    return error


class InvalidValueError(StoreError, ValueError):
    """A value that can't be stored, or an argument that makes no sense.

    Attributes:
        field: The name of the field or argument, with the path inside it where that helps
            (``result.counts``).
    """

    def __init__(self, field: str, problem: str) -> None:
        """Join the field and the problem to the message, with a colon between them."""
        super().__init__(f"{field}: {problem}")
        self.field = field


class AmbiguousIdError(StoreError):
    """An id of a platform that more than one task has.

    Attributes:
        reference: The id that was asked for.
        candidates: The uniqc ids of the tasks that have it, ten at the most.
    """

    def __init__(self, reference: str, candidates: Sequence[str]) -> None:
        """List the candidates in the message."""
        super().__init__(
            f"{reference!r} stands for {len(candidates)} tasks: {', '.join(candidates)}. "
            "Ask for one of these ids."
        )
        self.reference = reference
        self.candidates = tuple(candidates)


class UnknownReceiptError(StoreError):
    """A receipt that no clear has, or of which no copies are kept any more.

    Attributes:
        receipt_id: The receipt that was asked for.
    """

    def __init__(self, receipt_id: str) -> None:
        """Name the receipt and the possible reasons in the message."""
        super().__init__(
            f"There is nothing to put back for the receipt {receipt_id!r}: it is unknown, was put "
            "back already, or is older than cleared tasks are kept."
        )
        self.receipt_id = receipt_id


class RestoreError(StoreError):
    """A store that lacks a table or column of the cleared tasks.

    Nothing of the batch was restored.

    Attributes:
        receipt_id: The receipt, which stays valid.
        missing: The columns, or the table, that the store lacks.
    """

    def __init__(self, receipt_id: str, missing: Sequence[str]) -> None:
        """List what is missing in the message."""
        super().__init__(
            f"The store has no {', '.join(missing)} to put {receipt_id} back into. Let the uniqc "
            "that wrote it open the store first, which upgrades it; the receipt stays good."
        )
        self.receipt_id = receipt_id
        self.missing = tuple(missing)


class PlanAlteredError(StoreError):
    """A kept plan whose content another program changed; nothing was removed.

    Attributes:
        path: The file that the plan is kept in.
    """

    def __init__(self, path: Path) -> None:
        """Name the file in the message."""
        super().__init__(
            f"The plan is not as it was made: another program changed it in {path}. "
            "Nothing was removed; make a new plan."
        )
        self.path = path


class InterruptedReadError(StoreError):
    """A query that ended early because ``should_stop`` returned True."""

    def __init__(self) -> None:
        """Set the message, which is always the same."""
        super().__init__("The query was stopped before it was done.")


class WouldBlockError(StoreError):
    """A read that would take more than about 1 ms, from a store that is ``nonblocking``."""

    def __init__(self) -> None:
        """Set the message, which is always the same."""
        super().__init__("This takes a while. Ask the store itself, on a thread that can wait.")


class StoreFileError(StoreError):
    """The base class of the errors about the file itself.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, problem: str) -> None:
        """Join the path and the problem to the message."""
        super().__init__(f"{path} {problem}")
        self.path = path


class ReadOnlyStoreError(StoreError):
    """A write on a store that was opened with ``read_only=True``.

    Attributes:
        path: The file that was to be written.
    """

    def __init__(self, path: Path) -> None:
        """Name the file and the argument in the message."""
        super().__init__(f"{path} was opened to be read only. Open it without read_only=True.")
        self.path = path


class StoreMissingError(StoreFileError):
    """A missing file, in a store that was opened with ``must_exist=True``."""

    def __init__(self, path: Path) -> None:
        """Say in the message how the file comes to be."""
        super().__init__(path, "does not exist. uniqc makes it with the first task it submits.")


class StoreForeignError(StoreFileError, RuntimeError):
    """A file of another program, or one that is not an SQLite database.

    Attributes:
        found: The application id in the file header; None where the file has no such header.
    """

    def __init__(self, path: Path, problem: str, *, found: int | None = None) -> None:
        """Add to the problem that the file was left alone, and what to check."""
        super().__init__(
            path,
            f"{problem}. Nothing in it was read or changed. Check that the directory is uniqc's.",
        )
        self.found = found


class StoreNewerError(StoreFileError):
    """A file with a newer schema than this release knows.

    Attributes:
        found: The schema version of the file.
        known: The newest schema version that this release knows.
    """

    def __init__(self, path: Path, problem: str, *, found: int, known: int) -> None:
        """Put both versions before the problem, and the remedy after it."""
        super().__init__(
            path,
            f"has schema version {found}, newer than {known}, the newest this release knows: "
            f"{problem}. Update uniqc-mcp.",
        )
        self.found = found
        self.known = known


class StoreDamagedError(StoreFileError):
    """A file that SQLite finds malformed, or whose tables lack what every release writes."""

    def __init__(self, path: Path, detail: str) -> None:
        """Put SQLite's own words in brackets, and the remedy after them."""
        super().__init__(
            path,
            f"is damaged ({detail}). Make a copy of it, then try SQLite's own `.recover` on the "
            "copy, or move the file away and let uniqc start a new one.",
        )


class StoreUnsafeError(StoreFileError):
    """A file that can be read, with damage that could lose a record in a clear or an undo."""

    def __init__(self, path: Path, damage: str) -> None:
        """Put the damage in brackets, and the remedy after it."""
        super().__init__(
            path,
            f"is damaged ({damage}), and clearing or putting back could lose records. Nothing was "
            "changed. `uniqc-mcp doctor` says how to mend it; try again after that.",
        )


class StoreBusyError(StoreFileError):
    """A file that another process held for longer than the store waits; nothing was changed.

    Attributes:
        waited_seconds: The time that the store waited at the most.
    """

    def __init__(self, path: Path, waited_seconds: float) -> None:
        """Say in the message how long the store waited."""
        super().__init__(
            path,
            f"is in use by another process and did not come free within {waited_seconds:g} s. "
            "Nothing was changed; try again.",
        )
        self.waited_seconds = waited_seconds


class StoreUnreadableError(StoreFileError):
    """A file that the operating system does not let this process open or read."""

    def __init__(self, path: Path, detail: str) -> None:
        """Put the operating system's own words in brackets, and the remedy after them."""
        super().__init__(
            path,
            f"can't be opened ({detail}). Check that it is a file in a readable directory and "
            "that this user may read it.",
        )


class StoreUnwritableError(StoreFileError):
    """A file that the operating system does not let this process write, or create."""

    def __init__(self, path: Path, detail: str) -> None:
        """Put the reason in brackets, and the remedy after it."""
        super().__init__(
            path,
            f"can't be written ({detail}). Check that this user may write the file and its "
            "directory; reading does not need that.",
        )


class StoreFullError(StoreFileError):
    """A disk or quota without space for the write, which was rolled back."""

    def __init__(self, path: Path) -> None:
        """Say in the message that nothing was changed."""
        super().__init__(path, "can't grow: the disk or the quota is full. Nothing was changed.")


NOT_FROM_SQLITE = -1
"""The primary code of an error that Python's ``sqlite3`` module raised by itself."""


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code of an error, or ``NOT_FROM_SQLITE``."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return NOT_FROM_SQLITE if code is None else code & 0xFF


@contextmanager
def translated(path: Path, waited_seconds: float, *, writing: bool = False) -> Generator[None]:
    """Raise a ``StoreError`` in place of a ``sqlite3.Error`` from the body.

    Args:
        path: The file, for the message.
        waited_seconds: The time that the connection waits for locks, for ``StoreBusyError``.
        writing: True where the file is opened to be written.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(error, path, waited_seconds, writing=writing) from error


# The codes for a quota or a limit on the size of a file. SQLITE_FULL is for a full disk only.
_NO_SPACE = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


def _translation(
    error: sqlite3.Error, path: Path, waited_seconds: float, *, writing: bool
) -> StoreError:
    # The codes are explained at https://www.sqlite.org/rescode.html
    if getattr(error, "sqlite_errorcode", None) in _NO_SPACE:
        return StoreFullError(path)
    translation: StoreError
    match primary_code(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            translation = StoreBusyError(path, waited_seconds)
        case (
            sqlite3.SQLITE_CANTOPEN
            | sqlite3.SQLITE_PERM
            | sqlite3.SQLITE_AUTH
            | sqlite3.SQLITE_IOERR
            | sqlite3.SQLITE_READONLY
        ):
            refused = StoreUnwritableError if writing else StoreUnreadableError
            translation = refused(path, _no_descriptor_left() or str(error))
        case sqlite3.SQLITE_NOTADB:
            translation = StoreForeignError(path, "is not an SQLite database")
        case sqlite3.SQLITE_FULL:
            translation = StoreFullError(path)
        case sqlite3.SQLITE_INTERRUPT:
            translation = InterruptedReadError()
        case _:
            # SQLITE_CORRUPT, or a statement that does not fit the tables of a file made by hand.
            translation = StoreDamagedError(path, str(error))
    return translation


_DESCRIPTORS_OF_A_CALL = 10
"""The most files that one call has open: databases, their companions, directories."""


def _no_descriptor_left() -> str:
    """Return the reason why hardly any file can be opened; empty where enough can.

    SQLite says "unable to open database file" in this case too, which would send the reader to
    look for the cause in the file. The database itself is not opened: closing a descriptor of it
    would drop SQLite's locks.
    """
    opened: list[int] = []
    try:
        for _ in range(_DESCRIPTORS_OF_A_CALL):
            opened.append(os.open(os.devnull, os.O_RDONLY))  # noqa: PERF401 - closed after an error
    except OSError as error:
        return f"this process has no descriptors left: {error.strerror}; see `ulimit -n`"
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return ""
