"""The stores in a database, as each requester may see them at the time of a question."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from uniqc_mcp.lab.answers.stores import EVERYTHING, SharedStore
from uniqc_mcp.lab.database.audience import audiences, viewer_among
from uniqc_mcp.lab.database.schema import check_version
from uniqc_mcp.lab.database.shared_lookups import SharedLookups
from uniqc_mcp.lab.database.viewer import NOBODY, Viewer
from uniqc_mcp.lab.errors import LabUnavailableError
from uniqc_mcp.lab.serving.revisions import Revisions
from uniqc_mcp.lab.serving.shared_reads import SharedReads
from uniqc_mcp.lab.store.kept import KeptStates
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_mcp.lab.store.scope import Scope
from uniqc_mcp.lab.store.watch import LabWatch
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Sequence

    from psycopg import Connection

    from uniqc_mcp.lab.answers.stores import Selection
    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.database.trips import Rows
    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_mcp.questions.store import ClearedCopies, ReadableStore
    from uniqc_store import Changes, TaskState

Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)

_SECONDS_KEPT: Final = 1.0
"""Seconds until a person no longer sees what its owner has stopped to share."""

_MAX_KEPT: Final = 10_000
_VISIBLE: Final = "SELECT owner, store_id, machine FROM store ORDER BY owner ASC, machine ASC"


def check_database(database: Database) -> None:
    """Raise an error if the database does not answer or has the tables of another release."""
    database.read(NOBODY, check_version)


class DatabaseStores:
    """The stores of one database.

    Args:
        database: The database.
        seconds_kept: Seconds for which it is remembered what a person may see.
    """

    def __init__(self, database: Database, *, seconds_kept: float = _SECONDS_KEPT) -> None:
        self._database = database
        self._seconds_kept = seconds_kept
        self._audiences: tuple[float, Rows, dict[str, Viewer]] = (0.0, [], {})
        self._kept = KeptStates()
        self._shared = SharedReads(database, self._kept)
        self._viewers = SharedLookups[str, Viewer](self._find_viewers)
        self.revisions = Revisions(database)

    async def ask(self, requester: str, question: Callable[[ReadableStore], Answer]) -> Answer:
        """Return the answer to a question about all that a person may see."""
        with _without_address():
            viewer = self._known_viewer(requester) or await self._viewers.result(requester)
            scope = Scope(viewer=viewer or NOBODY)
            store = self.store(requester, EVERYTHING)
            return await self._shared.answer(scope, question, lambda: question(store))

    def viewer(self, requester: str, *, anew: bool = False) -> Viewer:
        """Return the tasks that a person may see now, read anew or as of a moment ago."""
        known = None if anew else self._known_viewer(requester)
        return known or self._viewer_among(*self._read_audiences(), requester)

    def _known_viewer(self, requester: str) -> Viewer | None:
        """Return the tasks that a person could see a moment ago; None if that has to be read."""
        until, found, viewers = self._audiences
        if time.monotonic() >= until:
            return None
        return self._viewer_among(found, viewers, requester)

    def _find_viewers(self, requesters: Collection[str]) -> dict[str, Viewer]:
        found, viewers = self._read_audiences()
        return {one: self._viewer_among(found, viewers, one) for one in requesters}

    def _viewer_among(self, found: Rows, viewers: dict[str, Viewer], requester: str) -> Viewer:
        viewer = viewers.get(requester)
        if viewer is None:
            viewer = viewer_among(found, requester)
            if len(viewers) >= _MAX_KEPT:
                viewers.clear()
            viewers[requester] = viewer
        return viewer

    def _read_audiences(self) -> tuple[Rows, dict[str, Viewer]]:
        """Return who shares with whom, read once for all requesters, and viewers made of it."""
        _, found, viewers = self._audiences
        until = time.monotonic() + self._seconds_kept
        now = audiences(self._database)
        if now != found:
            found, viewers = now, {}
        if until >= self._audiences[0]:  # else another thread has read them later
            self._audiences = until, found, viewers
        return found, viewers

    def visible(self, requester: str) -> Sequence[SharedStore]:
        """Return the stores that a person may see."""

        def ask(connection: Connection[Any]) -> Sequence[SharedStore]:
            return [
                SharedStore(owner=owner, store_id=store_id, machine=machine)
                for owner, store_id, machine in connection.execute(_VISIBLE)
            ]

        with _without_address():
            return self._database.read(self.viewer(requester), ask)

    def store(self, requester: str, selection: Selection) -> ReadableStore:
        """Return what a person may see as one store, or a part of that."""
        return _RequestersStore(self, requester, selection)

    def watch(self, requester: str, selection: Selection) -> _RequestersWatch:
        """Return a watch on the same."""
        return _RequestersWatch(self, requester, selection)

    def lab_store(self, requester: str, selection: Selection) -> LabStore:
        """Return what a person may see at this moment."""
        return LabStore(
            self._database,
            viewer=self.viewer(requester),
            owner=selection.owner,
            store=selection.store,
            kept=self._kept,
        )

    def lab_watch(self, viewer: Viewer, selection: Selection) -> LabWatch:
        """Return a watch on what a viewer may see."""
        return LabWatch(self._database, viewer, owner=selection.owner, store=selection.store)


@contextmanager
def _without_address() -> Generator[None]:
    """Log why the database can't be reached, and tell a member only that it can't be.

    The driver's words have the database's address, and the name of a role.
    """
    try:
        yield
    except LabUnavailableError as error:
        logger.warning("%s", error)
        raise LabUnavailableError("the server's log says why") from None


class _RequestersStore:
    """The tasks that one person may see at each moment, as who shares with whom can change."""

    def __init__(self, stores: DatabaseStores, requester: str, selection: Selection) -> None:
        self._stores = stores
        self._requester = requester
        self._selection = selection

    def _now(self) -> LabStore:
        return self._stores.lab_store(self._requester, self._selection)

    def read(self, question: Callable[[StoreSnapshot], Answer]) -> Answer:
        with _without_address():
            return self._now().read(question)

    def nonblocking(self) -> ReadableStore:
        return self._now().nonblocking()

    @property
    def may_have_cleared(self) -> bool:
        return self._now().may_have_cleared

    def cleared_tasks(self) -> ClearedCopies:
        return self._now().cleared_tasks()


class _RequestersWatch:
    """A watch on what one person may see, whatever that is at the time."""

    def __init__(self, stores: DatabaseStores, requester: str, selection: Selection) -> None:
        self._stores = stores
        self._requester = requester
        self._selection = selection
        self._watch = stores.lab_watch(NOBODY, selection)
        self._number = -1
        self._seen: Sequence[object] = ()
        self._is_due = True

    def poll(self) -> bool:
        revisions = self._stores.revisions
        number = revisions.listen()
        if not self._is_due and number != self._number:
            self._number = number
            self._is_due = revisions.of(self._requester, self._selection) != self._seen
        return self._is_due

    def refresh(self) -> bool:
        self._is_due = False
        # Before the read: what changes in between is found by one refresh too many, not too few.
        self._seen = self._stores.revisions.of(self._requester, self._selection)
        # The watch reads next, and records why it can't.
        with suppress(StoreError):
            # No other refresh may follow that would find what was kept to be out of date.
            self._watch.view(self._stores.viewer(self._requester, anew=True))
        return self._watch.refresh()

    def since(self, cursor: str = "") -> Changes:
        return self._watch.since(cursor)

    def active(self) -> tuple[TaskState, ...]:
        return self._watch.active()

    @contextmanager
    def tracking(self, task_ids: Iterable[str]) -> Generator[None]:
        with self._watch.tracking(task_ids):
            self._is_due = True
            yield
