"""The connections to the database, and transactions that are repeated where it asks for that."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import psycopg
from psycopg import Connection, OperationalError, errors
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from uniqc_mcp.lab.database.interruptible import InterruptibleConnection
from uniqc_mcp.lab.database.tables import VERSION
from uniqc_mcp.lab.database.trips import COMMIT, beginning, composed, in_one_trip
from uniqc_mcp.lab.database.viewer import Viewer, check_owner
from uniqc_mcp.lab.errors import LabSchemaError, LabUnavailableError
from uniqc_store import InterruptedReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

    from uniqc_mcp.lab.database.trips import Rows, Statement

Answer = TypeVar("Answer")

_MAX_ATTEMPTS: Final = 8
"""How often a transaction is tried that the database rolls back to keep transactions apart."""

_FIRST_PAUSE: Final = 0.005
"""Seconds before the second attempt; each later pause is up to twice as long."""

_TO_REPEAT: Final = (errors.SerializationFailure, errors.DeadlockDetected)
"""Errors after which the same transaction may succeed."""

_FOR_THE_CALLER: Final = (*_TO_REPEAT, errors.ProgramLimitExceeded)
"""Errors that psycopg takes for a failure of the connection, and that are none."""

_RECONNECT_SECONDS: Final = 1.0
"""Seconds between two attempts of the pool, so that it is back soon after the database."""


class _LostConnectionError(Exception):
    """A connection of the pool that the database ended while it was not used."""


def _never() -> bool:
    return False


def _go_on(pool: ConnectionPool[Any]) -> None:
    """Try to connect again while somebody waits, as the pool does for newcomers only."""
    if pool.get_stats().get("requests_waiting"):
        pool.check()


class Database:
    """A pool of connections to the database of a laboratory; a context manager.

    Every transaction names whose rows it may see. The settings last as long as the transaction,
    so that a connection keeps nothing of the viewer before.

    Args:
        dsn: The address, as libpq takes it. The role must not have BYPASSRLS.
        max_connections: Most connections of this process.
        statement_timeout: Seconds after which the database gives up a statement.
        connect_timeout: Seconds to wait for a connection.
        should_stop: Asked ten times a second while a statement runs, on the thread that waits for
            it. If it returns true, the statement is cancelled.
    """

    def __init__(
        self,
        dsn: str,
        *,
        max_connections: int = 10,
        statement_timeout: float = 30.0,
        connect_timeout: float = 5.0,
        should_stop: Callable[[], bool] = _never,
    ) -> None:
        """Prepare the pool without connecting."""
        self._statement_timeout = f"{max(1, round(1000 * statement_timeout))}ms"
        self._connect_timeout = connect_timeout
        self._should_stop = should_stop
        self._pool: ConnectionPool[InterruptibleConnection] = ConnectionPool(
            dsn,
            connection_class=InterruptibleConnection,
            # Statements that the database prepares would be planned for any viewer alike.
            kwargs={
                "prepare_threshold": None,
                # Transactions begin with a message of ours, which saves two round trips.
                "autocommit": True,
                "connect_timeout": max(2, round(connect_timeout)),
                "application_name": "uniqc-mcp lab",
            },
            min_size=1,
            max_size=max_connections,
            open=False,
            timeout=connect_timeout,
            reconnect_timeout=_RECONNECT_SECONDS,
            reconnect_failed=_go_on,
        )

    def __enter__(self) -> Self:
        """Open the pool; the first transaction waits for its connection."""
        self._pool.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection."""
        self._pool.close(timeout=1.0)

    def read(self, viewer: Viewer, work: Callable[[Connection[Any]], Answer]) -> Answer:
        """Call a function with a transaction of one consistent state, which can't write.

        Args:
            viewer: Only rows of this viewer's owners exist in it.
            work: Called again where the database rolls the transaction back.

        Raises:
            LabUnavailableError: The database can't be reached or does not answer in time.
            InterruptedReadError: ``should_stop`` returned true.
        """

        def attempt(connection: InterruptibleConnection) -> Answer:
            self._begin(connection, viewer)
            return work(connection)

        return self._repeat(attempt)

    def read_after(
        self, viewer: Viewer, first: Statement, work: Callable[[Connection[Any], Rows], Answer]
    ) -> Answer:
        """Do as :meth:`read`, and give the function the rows of a first statement.

        The statement goes with the beginning of the transaction, which saves a round trip.
        """

        def attempt(connection: InterruptibleConnection) -> Answer:
            return work(connection, self._begin(connection, viewer, first))

        return self._repeat(attempt)

    def ask(self, viewer: Viewer, statement: Statement) -> Rows:
        """Return the rows of one statement, whose transaction takes one round trip in all.

        Errors are those of :meth:`read`.
        """
        return self._repeat(
            lambda connection: self._begin(connection, viewer, statement, then=COMMIT)
        )

    def write(self, owner: str, work: Callable[[Connection[Any]], Answer]) -> Answer:
        """Call a function with a transaction that may write the rows of one owner.

        It sees the rows of this owner only. Errors are those of :meth:`read`.
        """
        viewer = Viewer(owners=frozenset({check_owner(owner)}))

        def attempt(connection: InterruptibleConnection) -> Answer:
            self._begin(connection, viewer, writer=owner)
            return work(connection)

        return self._repeat(attempt)

    def _repeat(self, transaction: Callable[[InterruptibleConnection], Answer]) -> Answer:
        pause, lost = _FIRST_PAUSE, 0
        for attempt in count(1):
            try:
                with (
                    self._translated(),
                    self._pool.connection() as connection,
                    connection.interruptible(self._should_stop),
                ):
                    return transaction(connection)
            except _LostConnectionError as error:
                # The database may have ended any of the connections that wait in the pool.
                lost += 1
                if lost > self._pool.max_size:
                    raise LabUnavailableError("it ends each connection") from error
                continue
            except _TO_REPEAT as error:
                if attempt - lost == _MAX_ATTEMPTS:
                    raise LabUnavailableError(str(error)) from error
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - keeps two writers apart
            pause *= 2
        raise AssertionError("unreachable")

    def _begin(
        self,
        connection: InterruptibleConnection,
        viewer: Viewer,
        first: Statement | None = None,
        *,
        writer: str = "",
        then: bytes = b"",
    ) -> Rows:
        """Begin a transaction, and return the rows of a first statement if there is one.

        The pool commits the transaction at the end, or rolls it back after an error.
        """
        begin = beginning(connection, viewer, writer=writer, timeout=self._statement_timeout)
        asked = b"" if first is None else composed(connection, first)
        try:
            _, *found = in_one_trip(connection, *filter(None, (begin, asked, then)))
        except OperationalError as error:
            if connection.broken:
                raise _LostConnectionError from error
            raise
        return found[0] if found else []

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except _FOR_THE_CALLER:
            raise
        except errors.QueryCanceled as error:
            if self._should_stop():
                raise InterruptedReadError from error
            detail = f"a statement took longer than {self._statement_timeout}"
            raise LabUnavailableError(detail) from error
        except (PoolTimeout, PoolClosed, TooManyRequests) as error:
            detail = f"no connection within {self._connect_timeout:g} s"
            raise LabUnavailableError(detail) from error
        except (errors.UndefinedTable, errors.UndefinedColumn) as error:
            raise LabSchemaError(0, VERSION) from error
        except (OperationalError, errors.ReadOnlySqlTransaction) as error:
            raise LabUnavailableError(_first_line(error)) from error


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
