"""Look-ups of calls that come at the same time, as one question on one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import anyio
import anyio.to_thread

from uniqc_mcp.lab.errors import LabUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping

Key = TypeVar("Key", bound="Hashable")
Found = TypeVar("Found")


class SharedLookups(Generic[Key, Found]):
    """Look-ups by a key. Those that wait while a question is under way are the next question.

    The machines of 500 people that start at the same moment would otherwise take 500 round trips,
    on the threads that answers need.

    Args:
        find: Returns what is found, by key. It is called on one thread at a time.
        threads: Bounds the threads of several of these together; None for a thread of these alone.
    """

    def __init__(
        self,
        find: Callable[[Collection[Key]], Mapping[Key, Found]],
        *,
        threads: anyio.CapacityLimiter | None = None,
    ) -> None:
        self._find = find
        self._turn = anyio.Lock()
        self._threads = threads or anyio.CapacityLimiter(1)
        self._next = _Question[Key, Found]()

    async def result(self, key: Key) -> Found | None:
        """Return what is found for a key, by a question that is asked after this call.

        Where the call that asks is cancelled, the question is too, and another call that waits
        for it asks again.

        Raises:
            LabUnavailableError: The database can't be reached.
        """
        question = self._next
        question.keys.add(key)
        async with self._turn:
            if question.found is None:
                await self._ask(question)
        if isinstance(question.found, LabUnavailableError):
            raise question.found
        return None if question.found is None else question.found.get(key)

    async def _ask(self, question: _Question[Key, Found]) -> None:
        if question is self._next:
            self._next = _Question[Key, Found]()
        try:
            question.found = await anyio.to_thread.run_sync(
                self._find, question.keys, limiter=self._threads
            )
        except LabUnavailableError as error:
            # For all of them: each would wait as long for a database that is away.
            question.found = error


class _Question(Generic[Key, Found]):
    """The keys of one question, and what was found or why nothing could be."""

    def __init__(self) -> None:
        self.keys: set[Key] = set()
        self.found: Mapping[Key, Found] | LabUnavailableError | None = None
