"""Answers from what is kept, and one question to the database where several ask the same."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread

from uniqc_mcp.lab.database.shared_lookups import SharedLookups
from uniqc_mcp.lab.errors import LabUnavailableError
from uniqc_mcp.lab.store.lab_store import KeptView, is_current
from uniqc_mcp.lab.store.session import NotKeptError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.store.kept import KeptState, KeptStates
    from uniqc_mcp.lab.store.scope import Scope
    from uniqc_mcp.questions.store import ReadableStore

Answer = TypeVar("Answer")

_MAX_TRIES: Final = 4
"""How often what is kept is asked, while states are past before their answers are given."""

_MAX_CHECKS: Final = 10
"""States that are compared with the database at the same time, on threads of their own.

Answers that take long must not keep short ones waiting.
"""


class SharedReads:
    """The reads of the calls that are open, which share what they ask of the database.

    What is shared is the value that is kept of a scope, and whether its state is the present one.
    Each call makes its own answer of them, and no answer is older than its call. A call that is
    cancelled takes nothing from others: one of them asks again.

    Args:
        database: The database.
        kept: The values.
    """

    def __init__(self, database: Database, kept: KeptStates) -> None:
        self._database = database
        self._kept = kept
        self._threads = anyio.CapacityLimiter(_MAX_CHECKS)
        self._computing: dict[tuple[Scope, Hashable], _Computing] = {}

    async def answer(
        self,
        scope: Scope,
        question: Callable[[ReadableStore], Answer],
        on_thread: Callable[[], Answer],
    ) -> Answer:
        """Return the answer to a question.

        Args:
            scope: The tasks that it is about.
            question: Answers from a store. It is called on the event loop, with what is kept.
            on_thread: Answers from the database, and keeps what is to be kept.

        Raises:
            LabUnavailableError: The database can't be reached or does not answer in time.
        """
        began = time.monotonic()
        for _ in range(_MAX_TRIES):
            kept = self._kept.newest(scope)
            try:
                found = question(KeptView(scope, kept))
            except NotKeptError as error:
                if error.missing is None:
                    break
                computing = self._computing.get((scope, error.missing))
                if computing is None:
                    return await self._compute((scope, error.missing), on_thread)
                await computing.wait()
            else:
                if kept is None or await self._is_current(scope, kept, since=began):
                    return found
        return await anyio.to_thread.run_sync(on_thread)

    async def _is_current(self, scope: Scope, kept: KeptState, *, since: float) -> bool:
        """Return whether a state was the present one at any time from another one on."""
        if kept.current_at < since and not kept.is_past:
            if kept.checks is None:
                kept.checks = SharedLookups(
                    lambda _: {"": is_current(self._database, scope, kept)}, threads=self._threads
                )
            await kept.checks.result("")
        if kept.is_past:
            self._kept.forget(scope, kept)
        return kept.current_at >= since

    async def _compute(
        self, key: tuple[Scope, Hashable], on_thread: Callable[[], Answer]
    ) -> Answer:
        computing = self._computing[key] = _Computing()
        try:
            return await anyio.to_thread.run_sync(on_thread)
        except LabUnavailableError as error:
            computing.failure = error
            raise
        finally:
            del self._computing[key]
            computing.done.set()


class _Computing:
    """A value that a call computes, for which others wait."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.failure: LabUnavailableError | None = None

    async def wait(self) -> None:
        """Wait until it is kept, or until the call that computes it is cancelled.

        Raises:
            LabUnavailableError: It can't be computed now.
        """
        await self.done.wait()
        if self.failure is not None:
            raise self.failure
