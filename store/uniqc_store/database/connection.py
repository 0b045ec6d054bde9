"""How the file is opened, for both those who read it and those who write it.

The file belongs to uniqc, which writes it from another process while we are in it. So a
connection lives for one call: held open, it would keep uniqc's WAL from being cleaned up, and
after the file was replaced it would go on showing the old one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from uniqc_store.database import schema
from uniqc_store.database.cache import SnapshotCache, StateCache
from uniqc_store.database.compatibility import check_compatible
from uniqc_store.database.functions import add_functions
from uniqc_store.errors import primary_code

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from uniqc_store.database.schema import Layout

Answer = TypeVar("Answer")

_RAISED_BY_PYTHON = -1
"""Of an error that SQLite does not know of."""

_STEPS_BETWEEN_STOP_CHECKS = 20_000
"""SQLite's virtual machine runs these in a millisecond or so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The file that is meant, and how patient to be with it.

    Attributes:
        path: Absolute.
        busy_timeout: Seconds to wait for another process.
        should_stop: Asked while a question runs; true ends it with ``InterruptedReadError``.
        hurried: Whether to give up on what takes longer than a moment, instead of being patient.
        cache: What was found out about the file, for as long as nobody writes.
    """

    path: Path
    busy_timeout: float
    should_stop: Callable[[], bool] | None
    nonblocking: bool = False
    cache: SnapshotCache = field(default_factory=SnapshotCache, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One connection inside one transaction, with what is known of its file.

    Attributes:
        connect: Gives the connection, which is opened when it is first needed: what is known
            already needs none.
        layout: What the file has.
        exists: False where there is no file; the connection is then to an empty stand-in.
        facts: What is known of this state of the file already.
        hurried: As in :class:`Access`.
    """

    connect: Callable[[], sqlite3.Connection]
    layout: Layout
    exists: bool
    cache: StateCache = field(default_factory=StateCache)
    nonblocking: bool = False

    @property
    def connection(self) -> sqlite3.Connection:
        """Every statement on it sees the same state of the file."""
        return self.connect()

    def rows(
        self, statement: str, parameters: Mapping[str, object] | None = None
    ) -> list[sqlite3.Row]:
        connection = self.connect()
        cursor = connection.cursor()
        cursor.row_factory = sqlite3.Row
        # Nearly all text is UTF-8, which Python decodes by itself ten times as fast.
        connection.text_factory = str
        try:
            return cursor.execute(statement, parameters or {}).fetchall()
        except sqlite3.OperationalError as error:
            if primary_code(error) != _RAISED_BY_PYTHON:
                raise
        finally:
            connection.text_factory = _decode
        return cursor.execute(statement, parameters or {}).fetchall()

    def number(self, statement: str, parameters: Mapping[str, object] | None = None) -> int:
        """The one number that a statement is for."""
        (number,) = self.connection.execute(statement, parameters or {}).fetchone()
        return int(number)

    def size(self, table: str, column: str, row: int) -> int | None:
        """Bytes of a text or BLOB, which are not read for it; None for anything else."""
        try:
            with self.connection.blobopen(table, column, row, readonly=True) as stored:
                return len(stored)
        except sqlite3.OperationalError as error:
            if primary_code(error) == sqlite3.SQLITE_ERROR:  # it is NULL, or a number
                return None
            raise


@contextmanager
def opened(
    access: Access, parameters: str, *, path: Path | None = None
) -> Generator[sqlite3.Connection]:
    """A connection by SQLite's URI parameters, to the file or to a copy of it."""
    uri = f"{(path or access.path).as_uri()}?{parameters}"
    connection = sqlite3.connect(uri, uri=True, timeout=access.busy_timeout, isolation_level=None)
    with closing(connection):
        # One text that is no UTF-8 must not fail the statement that meets it.
        connection.text_factory = _decode
        add_functions(connection)
        if access.should_stop is not None:
            connection.set_progress_handler(access.should_stop, _STEPS_BETWEEN_STOP_CHECKS)
        yield connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Explicit, as Python's own opens none for DDL: a crash would leave half a migration."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors, a full disk for one.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def ask(
    access: Access,
    connect: Callable[[], sqlite3.Connection],
    question: Callable[[Session], Answer],
    *,
    cache: StateCache,
) -> Answer:
    """Put a question to a connection, once it is certain that its file is ours."""
    layout = cache.get_or_compute(
        check_compatible, lambda: check_compatible(connect(), access.path, to_write=False)
    )
    if not layout.has("tasks"):
        return ask_stand_in(question, version=layout.version, exists=True)
    return question(
        Session(
            connect=connect,
            layout=layout,
            exists=True,
            cache=cache,
            nonblocking=access.nonblocking,
        )
    )


def ask_stand_in(
    question: Callable[[Session], Answer], *, version: int = 0, exists: bool = False
) -> Answer:
    """Put a question to an empty store in memory, where there is no file or nothing in it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        add_functions(connection)
        schema.make_version_1(connection)
        tables = schema.read_layout(connection).tables
        layout = schema.Layout(version=version, tables=tables)
        return question(Session(connect=lambda: connection, layout=layout, exists=exists))


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")
