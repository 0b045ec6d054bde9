"""The shared store as one viewer may read it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from uniqc_mcp.lab.store.kept import KeptStates
from uniqc_mcp.lab.store.scope import Scope
from uniqc_mcp.lab.store.session import NotKeptError, Session
from uniqc_mcp.lab.store.snapshot import LabSnapshot
from uniqc_mcp.lab.store.state import revisions_of, stores_of
from uniqc_store import ClearedPage, UnknownReceiptError, WouldBlockError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from psycopg import Connection

    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.database.trips import Rows
    from uniqc_mcp.lab.database.viewer import Viewer
    from uniqc_mcp.lab.store.kept import KeptState
    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_store import ClearedMatch, Match, Receipt, StoreState

Answer = TypeVar("Answer")


class LabStore:
    """The tasks of a laboratory that one viewer may see; a ``questions.ReadableStore``.

    Args:
        database: The database.
        viewer: The person who asks.
        owner: Only tasks of this owner; empty for all that the viewer may see.
        store: Only tasks of this store, by its id or the name of its machine; empty for all.
        kept: What was computed before, of whatever scope; None to begin with nothing.
    """

    def __init__(
        self,
        database: Database,
        *,
        viewer: Viewer,
        owner: str = "",
        store: str = "",
        kept: KeptStates | None = None,
    ) -> None:
        """Answer for a viewer."""
        self._database = database
        self._scope = Scope(viewer=viewer, owner=owner, store=store)
        self._kept = KeptStates() if kept is None else kept

    def read(self, question: Callable[[StoreSnapshot], Answer]) -> Answer:
        """Call a function with one consistent state and return its answer.

        It may be called more than once, where a state turns out to be of the past.

        Raises:
            LabUnavailableError: The database can't be reached or does not answer in time.
        """
        kept = self._kept.newest(self._scope)
        # First without the database, which tells what the question needs.
        session = Session(None, self._scope, kept)
        try:
            answer = question(LabSnapshot(session))
        except NotKeptError:
            return self._read_anew(question, with_state=session.needs_state)
        if kept is None or not is_current(self._database, self._scope, kept):
            return self._read_anew(question, with_state=True)
        return answer

    def _read_anew(
        self, question: Callable[[StoreSnapshot], Answer], *, with_state: bool
    ) -> Answer:
        """Answer from the database, and keep what is asked to be kept of a state."""
        asked_at = time.monotonic()

        def ask(connection: Connection[Any], stores: Rows | None = None) -> Answer:
            kept = None
            if stores is not None:
                kept = self._kept.of(self._scope, stores, asked_at=asked_at)
            return question(LabSnapshot(Session(connection, self._scope, kept)))

        if not with_state:
            return self._database.read(self._scope.viewer, ask)
        return self._database.read_after(self._scope.viewer, stores_of(self._scope), ask)

    def nonblocking(self) -> LabStore:
        """Return a view whose reads raise ``WouldBlockError``: each waits for a network."""
        return _Nonblocking(self)

    @property
    def may_have_cleared(self) -> bool:
        """False: nothing is cleared here."""
        return False

    def cleared_tasks(self) -> NoCopies:
        """Return no copies, as nothing is cleared here."""
        return NoCopies()


def is_current(database: Database, scope: Scope, kept: KeptState) -> bool:
    """Return whether a state is the present one, by one message to the database.

    A page of 500 owners takes four messages and three times the statements.
    """
    asked_at = time.monotonic()
    ((now,),) = database.ask(scope.viewer, revisions_of(scope))
    if (now or "") != kept.revisions:
        kept.is_past = True
        return False
    kept.current_at = max(kept.current_at, asked_at)
    return True


class KeptView(LabStore):
    """What is kept of one state, for a caller that can't wait.

    Its reads raise ``NotKeptError`` where they need the database. Whether the state is the present
    one is for the caller to ask.
    """

    def __init__(self, scope: Scope, kept: KeptState | None) -> None:
        self._scope = scope
        self._state = kept

    def read(self, question: Callable[[StoreSnapshot], Answer]) -> Answer:
        """Call a function with what is kept.

        Raises:
            NotKeptError: It needs the database.
        """
        return question(LabSnapshot(Session(None, self._scope, self._state)))

    def nonblocking(self) -> KeptView:
        """Return this view, which never blocks."""
        return self


class _Nonblocking(LabStore):
    """The view for a caller that can't wait."""

    def __init__(self, store: LabStore) -> None:
        self._store = store

    def read(self, question: Callable[[StoreSnapshot], Answer]) -> Answer:
        raise WouldBlockError

    def nonblocking(self) -> _Nonblocking:
        return self


_NO_FILE: Final = Path("cleared.sqlite")


class NoCopies:
    """The copies of cleared tasks, of which there are none; a ``questions.ClearedCopies``."""

    @property
    def path(self) -> Path:
        """The name of the file that does not exist."""
        return _NO_FILE

    @property
    def exists(self) -> bool:
        """False: there is no file of copies."""
        return False

    @property
    def state(self) -> Hashable:
        """A value that never changes."""
        return 0

    @property
    def schema_version(self) -> int:
        """The version of no file."""
        return 0

    def receipts(self) -> tuple[Receipt, ...]:
        """Return no receipts."""
        return ()

    def page(self, receipt_id: str, *, limit: int, cursor: str = "") -> ClearedPage:
        """Raise ``UnknownReceiptError``."""
        raise UnknownReceiptError(receipt_id)

    def find(self, reference: str, *, whole: bool = False) -> tuple[ClearedMatch, ...]:
        """Return no cleared tasks."""
        return ()

    def find_twins(self, task_id: str) -> tuple[ClearedMatch, ...]:
        """Return no cleared tasks."""
        return ()

    def read(
        self,
        match: ClearedMatch,
        state: StoreState,
        question: Callable[[StoreSnapshot, Match], Answer],
    ) -> Answer | None:
        """Return None: the copy is gone."""
        return None
