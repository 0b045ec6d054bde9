"""One transaction of one viewer, and the values computed in it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar, cast

from psycopg.rows import dict_row

from uniqc_mcp.lab.store.state import state_in, stores_of
from uniqc_store import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping
    from typing import LiteralString

    from psycopg import Connection

    from uniqc_mcp.lab.store.kept import KeptState
    from uniqc_mcp.lab.store.scope import Scope
    from uniqc_store import StoreState

Value = TypeVar("Value")
Row = dict[str, Any]

_FETCHED_AT_ONCE = 2_000


class NotKeptError(Exception):
    """A question about kept values alone that needs the database.

    Attributes:
        missing: The key of the value that would have been kept; None if there is none.
    """

    missing: Hashable | None = None


class Session:
    """One consistent state of the tasks of a scope.

    Args:
        connection: In a transaction of the scope's viewer; None where only what is kept may
            answer. What needs a connection raises ``NotKeptError`` then.
        scope: The tasks.
        kept: The state and what was computed from it; None where it is not known.

    Attributes:
        needs_state: True once something was asked that a known state could have answered.
    """

    def __init__(
        self, connection: Connection[Any] | None, scope: Scope, kept: KeptState | None = None
    ) -> None:
        self._open = connection
        self.scope = scope
        self._kept = kept
        self.needs_state = False
        self._cache: dict[Hashable, Any] = {}
        self._streams = count()

    @property
    def _connection(self) -> Connection[Any]:
        if self._open is None:
            raise NotKeptError
        return self._open

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Return all rows of a statement."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_constant(statement), parameters).fetchall()

    def row(self, statement: str, parameters: Mapping[str, Any]) -> Row | None:
        """Return the first row of a statement; None if there is none."""
        found = self.rows(statement, parameters)
        return found[0] if found else None

    def number(self, statement: str, parameters: Mapping[str, Any]) -> int:
        """Return the one number that a statement selects."""
        found = self._connection.execute(_constant(statement), parameters).fetchone()
        return int(found[0] or 0) if found else 0

    def stream(self, statement: str, parameters: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a statement, of which few are held at a time."""
        # Two streams of a transaction must not have the same name.
        with self._connection.cursor(name=f"stream_{next(self._streams)}") as cursor:
            cursor.itersize = _FETCHED_AT_ONCE
            cursor.execute(_constant(statement), parameters)
            yield from cursor

    def cached(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return the value for a key, computed once in this transaction."""
        if key not in self._cache:
            self._cache[key] = compute()
        return cast("Value", self._cache[key])

    def kept(
        self,
        key: Hashable,
        compute: Callable[[], Value],
        *,
        size: Callable[[Value], int] | None = None,
    ) -> Value:
        """Return the value for a key, computed once for this state if it is known."""
        self.needs_state = True
        try:
            if self._kept is None:
                return self.cached(("kept", key), compute)
            return self._kept.get_or_compute(key, compute, size=size)
        except NotKeptError as error:
            error.missing = key
            raise

    @property
    def state(self) -> StoreState:
        """The state of the scope."""
        self.needs_state = True
        if self._kept is None:
            return self.cached("state", self._read_state)
        return self._kept.state

    def _read_state(self) -> StoreState:
        statement, values = stores_of(self.scope)
        return state_in(self._connection.execute(_constant(statement), values).fetchall())


def checked_limit(limit: int) -> int:
    """Return a number of rows to return.

    Raises:
        InvalidValueError: It is below 1.
    """
    if limit < 1:
        raise InvalidValueError("limit", f"must be 1 or more, not {limit}")
    return min(limit, 10**9)


def checked_text(field: str, text: str, *, filled: bool = True) -> str:
    """Return a text that can be asked for.

    Raises:
        InvalidValueError: UTF-8 can't encode it, or it is empty.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValueError(field, "holds half a surrogate pair") from None
    if filled and not text:
        raise InvalidValueError(field, "must not be empty")
    return text


def _constant(statement: str) -> LiteralString:
    # Joined from constants of this package, which a type checker can't follow.
    return statement  # pyright: ignore[reportReturnType]
