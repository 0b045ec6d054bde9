"""Connections to the file, and the session that a query runs in.

uniqc writes the file from another process while we read it. So a connection lives for one call.
Held open, it would keep uniqc's WAL from being removed, and it would go on showing the old file
after another one took its place.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from uniqc_store.database import schema
from uniqc_store.database.cache import SnapshotCache, StateCache
from uniqc_store.database.compatibility import check_compatible
from uniqc_store.database.functions import add_functions
from uniqc_store.errors import NOT_FROM_SQLITE, primary_code

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from pathlib import Path

    from uniqc_store.database.schema import Layout

Result = TypeVar("Result")

_STEPS_BETWEEN_STOP_CHECKS = 20_000
"""Steps of SQLite's virtual machine, which take about a millisecond."""

_LARGE_CACHE_KIB = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The file to open, and the time to wait for it.

    A store has one of these for its whole life; it holds nothing open.

    Attributes:
        path: The absolute path of the database.
        busy_timeout: Seconds to wait for another process; 0 where ``nonblocking``.
        should_stop: Called about every millisecond while a query runs. True ends the query with
            ``InterruptedReadError``.
        report_progress: Called while a query runs that takes more than a tenth of a second, with
            the number of tasks that were read and of all tasks. None for a caller that doesn't ask.
        nonblocking: True for a caller that cannot wait. A read that would have to wait, or to
            copy the file, raises ``WouldBlockError`` instead.
        cache: The values computed from the file as it was last read.
    """

    path: Path
    busy_timeout: float
    should_stop: Callable[[], bool] | None
    report_progress: Callable[[int, int], None] | None = None
    nonblocking: bool = False
    cache: SnapshotCache = field(default_factory=SnapshotCache, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One transaction on one connection: every statement sees the same state of the file.

    A query function is called with a session and must not keep it: the connection is closed when
    the function returns.

    Attributes:
        connect: Returns the connection, always the same. The first call opens it, so a query that
            the cache answers opens none.
        layout: The tables and columns of the file.
        exists: False where there is no file; the connection is then to an empty store in memory.
        blank: True where the file has no table of tasks, such as a file of no bytes. The connection
            is to an empty store in memory then too.
        vanished: True where there is no file, and this process has read one at its path before.
        cache: The values computed from this state of the file.
        report_progress: See :class:`Access`.
        nonblocking: See :class:`Access`. A query that would take long raises ``WouldBlockError``.
    """

    connect: Callable[[], sqlite3.Connection]
    layout: Layout
    exists: bool
    blank: bool = False
    vanished: bool = False
    cache: StateCache = field(default_factory=StateCache)
    report_progress: Callable[[int, int], None] | None = None
    nonblocking: bool = False

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, opened now if it is not open yet."""
        return self.connect()

    def rows(
        self, statement: str, parameters: Mapping[str, object] | None = None
    ) -> list[sqlite3.Row]:
        """Return all rows of a statement that only reads, whatever bytes their texts hold."""
        return fetch_rows(self.connection, statement, parameters or {})

    def stream(
        self, statement: str, parameters: Mapping[str, object] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a statement that only reads, without holding all of them.

        Two runs of the statement must give the rows in one order.
        """
        return stream_rows(self.connection, statement, parameters or {})

    def number(self, statement: str, parameters: Mapping[str, object] | None = None) -> int:
        """Return the integer that is the only value of a statement's only row."""
        (number,) = self.connection.execute(statement, parameters or {}).fetchone()
        return int(number)

    def size(self, table: str, column: str, row: int) -> int | None:
        """Return the bytes of a stored text or BLOB without reading it.

        Returns None for NULL and for a number.
        """
        try:
            with self.connection.blobopen(table, column, row, readonly=True) as stored:
                return len(stored)
        except sqlite3.OperationalError as error:
            if primary_code(error) == sqlite3.SQLITE_ERROR:  # the value is NULL or a number
                return None
            raise


def fetch_rows(
    connection: sqlite3.Connection, statement: str, parameters: Mapping[str, object]
) -> list[sqlite3.Row]:
    """Return all rows of a statement that only reads, decoding text as fast as possible.

    The text factory ``str`` decodes in C. Fetching 50 tasks takes 0.3 of the time that it takes
    with the connection's own factory (measured as in ARCHITECTURE.md, "Decoding text"). But it
    fails at the first text that is not UTF-8. Then the statement runs a second time, with the
    factory that the connection had before.
    """
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    tolerant_factory = connection.text_factory
    connection.text_factory = str
    try:
        return cursor.execute(statement, parameters).fetchall()
    except sqlite3.OperationalError as error:
        if primary_code(error) != NOT_FROM_SQLITE:
            raise
    finally:
        connection.text_factory = tolerant_factory
    return cursor.execute(statement, parameters).fetchall()


def stream_rows(
    connection: sqlite3.Connection, statement: str, parameters: Mapping[str, object]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that :func:`fetch_rows` returns, one by one and as tuples."""
    read = 0
    tolerant_factory = connection.text_factory
    connection.text_factory = str
    try:
        for row in connection.execute(statement, parameters):
            read += 1
            yield row
    except sqlite3.OperationalError as error:
        if primary_code(error) != NOT_FROM_SQLITE:
            raise
    else:
        return
    finally:
        connection.text_factory = tolerant_factory
    yield from islice(connection.execute(statement, parameters), read, None)


def enlarge_cache(connection: sqlite3.Connection, schema: str = "main") -> None:
    """Let SQLite keep the pages of a whole batch in memory, up to 64 MiB, while it is needed.

    A batch has up to 16 MiB of rows, and each row has random keys in three indexes. SQLite's own
    2 MiB are full after some hundred rows: it then writes pages before the commit and reads them
    again. A clear of 10,000 tasks in batches of 600 made 352,000 system calls instead of 196,000.
    """
    connection.execute(f"PRAGMA {schema}.cache_size = -{_LARGE_CACHE_KIB:d}")


@contextmanager
def opened(
    access: Access, parameters: str, *, path: Path | None = None
) -> Generator[sqlite3.Connection]:
    """Open a connection in autocommit mode, and close it at the end.

    Args:
        access: The file, the time to wait for it, and ``should_stop``.
        parameters: SQLite's URI parameters, such as ``mode=ro&immutable=1``.
        path: Another file to open, such as a copy.

    Raises:
        sqlite3.DatabaseError: In place of a ``UnicodeDecodeError``. In a damaged file SQLite's own
            message may quote bytes that are not UTF-8, and Python then can't make it an error.
    """
    uri = f"{(path or access.path).as_uri()}?{parameters}"
    connection = sqlite3.connect(uri, uri=True, timeout=access.busy_timeout, isolation_level=None)
    with closing(connection):
        # With the factory str, one text that is not UTF-8 would fail its whole statement.
        connection.text_factory = _decode
        add_functions(connection)
        if access.should_stop is not None:
            connection.set_progress_handler(access.should_stop, _STEPS_BETWEEN_STOP_CHECKS)
        try:
            yield connection
        except UnicodeDecodeError as error:
            raise sqlite3.DatabaseError("SQLite's message on it is not UTF-8") from error


@contextmanager
def opened_in_memory() -> Generator[sqlite3.Connection]:
    """Open a database in memory, with nothing in it, and close it at the end."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.text_factory = _decode
        add_functions(connection)
        yield connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Run the body in one transaction: commit at its end, roll back when it raises.

    Python's own transactions leave out DDL, so a crash would leave half a migration behind.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some errors, such as a full disk, SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def run_query(
    access: Access,
    connect: Callable[[], sqlite3.Connection],
    query: Callable[[Session], Result],
    *,
    cache: StateCache,
) -> Result:
    """Check that the file is compatible, then return what the query function returns.

    Args:
        access: The file.
        connect: Returns the connection; see :class:`Session`.
        query: Called with the session. A file with no tables yet is read as an empty store.
        cache: The cache of the state that the connection shows. The check is in it too.

    Raises:
        StoreFileError: See :func:`check_compatible`.
    """
    layout = cache.get_or_compute(
        check_compatible, lambda: check_compatible(connect(), access.path, to_write=False)
    )
    if not layout.has("tasks"):
        return run_query_on_empty_store(query, version=layout.version, exists=True)
    return query(
        Session(
            connect=connect,
            layout=layout,
            exists=True,
            cache=cache,
            report_progress=access.report_progress,
            nonblocking=access.nonblocking,
        )
    )


def run_query_on_empty_store(
    query: Callable[[Session], Result],
    *,
    version: int = 0,
    exists: bool = False,
    vanished: bool = False,
) -> Result:
    """Return what the query function returns for an empty store in memory.

    Args:
        query: Called with the session.
        version: The schema version that the session shows.
        exists: True where there is a file, with no table of tasks in it.
        vanished: True where there is no file any more.
    """
    with opened_in_memory() as connection:
        schema.make_version_1(connection)
        tables = schema.read_layout(connection).tables
        layout = schema.Layout(version=version, tables=tables)
        return query(
            Session(
                connect=lambda: connection,
                layout=layout,
                exists=exists,
                blank=exists,
                vanished=vanished,
            )
        )


def _decode(text: bytes) -> str:
    """Decode stored text; bytes that are not UTF-8 become lone surrogates (see ``rows``)."""
    return text.decode("utf-8", "surrogateescape")
