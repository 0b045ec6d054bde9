"""A connection whose statements end early where somebody no longer waits for them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from psycopg import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from psycopg.abc import PQGen

Result = TypeVar("Result")

_INTERVAL: Final = 0.1
"""Seconds between two questions whether to stop."""

_CANCEL_SECONDS: Final = 2.0
"""Longest wait for the database to take the request to cancel."""


class InterruptibleConnection(Connection[tuple[Any, ...]]):
    """A connection that asks, while it waits for the database, whether it should go on.

    The asking thread is the one that waits: the answer may depend on it.
    """

    _should_stop: Callable[[], bool] | None = None

    @contextmanager
    def interruptible(self, should_stop: Callable[[], bool]) -> Generator[None]:
        """Cancel statements inside the context once a function returns true."""
        self._should_stop = should_stop
        try:
            yield
        finally:
            self._should_stop = None

    def wait(
        self, gen: PQGen[Result], interval: float = _INTERVAL, timeout: float | None = None
    ) -> Result:
        """Wait for the database, as psycopg does."""
        if self._should_stop is None:
            return super().wait(gen, interval, timeout)
        return super().wait(self._asking(gen, self._should_stop), _INTERVAL, timeout)

    def _asking(self, gen: PQGen[Result], should_stop: Callable[[], bool]) -> PQGen[Result]:
        """Drive psycopg's generator; it gets a false value where an interval passed."""
        cancelled = False
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and not cancelled and should_stop():
                    cancelled = True
                    self.cancel_safe(timeout=_CANCEL_SECONDS)
                wanted = gen.send(ready)
        except StopIteration as done:
            result: Result = done.value
            return result
