"""A store that is read, the copies of what was cleared, and a watch on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_store import (
        Changes,
        ClearedMatch,
        ClearedPage,
        Match,
        Receipt,
        StoreState,
        TaskState,
    )

Answer = TypeVar("Answer")


class ClearedCopies(Protocol):
    """The copies of cleared tasks beside a store."""

    @property
    def path(self) -> Path:
        """The file of copies, which may not exist."""
        ...

    @property
    def exists(self) -> bool:
        """True if there is a file of copies."""
        ...

    @property
    def state(self) -> Hashable:
        """A value that every write to the copies changes; None where that is not certain yet."""
        ...

    @property
    def schema_version(self) -> int:
        """The version of the file of copies; 0 if there is none."""
        ...

    def receipts(self) -> tuple[Receipt, ...]:
        """Return the receipts that hold tasks which are not in the store, newest first."""
        ...

    def page(self, receipt_id: str, *, limit: int, cursor: str = "") -> ClearedPage:
        """Return some of the tasks that a receipt holds."""
        ...

    def find(self, reference: str, *, whole: bool = False) -> tuple[ClearedMatch, ...]:
        """Return the cleared tasks that an id stands for."""
        ...

    def find_twins(self, task_id: str) -> tuple[ClearedMatch, ...]:
        """Return the cleared task with the id of a task in the store or its archive."""
        ...

    def read(
        self,
        match: ClearedMatch,
        state: StoreState,
        question: Callable[[StoreSnapshot, Match], Answer],
    ) -> Answer | None:
        """Call a function with a store of this one task; None if the copy is gone."""
        ...


class ReadableStore(Protocol):
    """A store of tasks that the server reads."""

    def read(self, question: Callable[[StoreSnapshot], Answer]) -> Answer:
        """Call a function with one consistent state of the store and return its answer."""
        ...

    def nonblocking(self) -> ReadableStore:
        """Return a view whose reads raise ``WouldBlockError`` where they would take long."""
        ...

    @property
    def may_have_cleared(self) -> bool:
        """False if there is certainly no copy of a cleared task."""
        ...

    def cleared_tasks(self) -> ClearedCopies:
        """Return the tasks that were cleared and can be put back."""
        ...


class StoreWatch(Protocol):
    """A watch on a store, which notices what any process commits."""

    def poll(self) -> bool:
        """Return whether it is time to call :meth:`refresh`, without waiting for anything."""
        ...

    def refresh(self) -> bool:
        """Read the store and record what changed; return whether anything did."""
        ...

    def since(self, cursor: str = "") -> Changes:
        """Return the changes from a cursor to the last refresh."""
        ...

    def active(self) -> tuple[TaskState, ...]:
        """Return the active tasks as of the last refresh."""
        ...

    def tracking(self, task_ids: Iterable[str]) -> AbstractContextManager[None]:
        """Track these tasks too, until the context is left."""
        ...
