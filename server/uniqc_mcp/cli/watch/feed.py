"""What happens in a store, one thing after the other, and which tasks are active meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from uniqc_mcp.errors import explain_store_error
from uniqc_mcp.responses.times import utc_now
from uniqc_store import StoreError, StoreStatus, TaskFilter, TaskState, TaskWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from uniqc_store import Changes, TaskRecord, TaskStore

Kind = Literal["started", "new", "changed", "gone", "store", "trouble"]

NEWEST = 50
"""Tasks that are known, active or not: each look reads so many, and a second brings fewer."""

MAX_EVENTS = 1
"""Changes that are remembered: those of the last look always are, and are asked for at once.
Each look reads all that is remembered."""

MAX_ACTIVE = 20_000
"""What a watch knows of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: ``started`` comes once, when the file is read first or found not to be there, and
            only ``trouble`` comes before it.
        at: When it was noticed. Aware.
        standing: How the store as a whole was then.
        task: Of ``new``, ``changed`` and ``gone``: as it is, or as it was last.
        before: Its status until then, empty where that isn't known.
        archived: Whether a task that is gone is in uniqc's archive.
        active: Of ``started``: the active tasks, newest first.
        others: Of ``store``: how many tasks more came than went that nothing else is told of.
        problem: Of ``trouble``: why the file can't be read.
    """

    kind: Kind
    at: datetime
    store_status: StoreStatus
    task: TaskState | None = None
    before: str = ""
    archived: bool = False
    active: tuple[TaskState, ...] = ()
    others: int = 0
    problem: str = ""


class Feed:
    """The events of one store, for one who asks for them again and again.

    Args:
        store: It is read, and never made.
        backend: Tell of tasks on this label or platform only.
        clock: What time it is.
    """

    def __init__(
        self, store: TaskStore, *, backend: str = "", clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.store = store
        self.filter = TaskFilter(backend=backend)
        self.store_status = StoreStatus()
        self._active_filter = TaskFilter(status="active", backend=backend)
        self._clock = clock
        self._watch = TaskWatch(store, newest=NEWEST, max_events=MAX_EVENTS)
        self._active: dict[str, TaskState] = {}
        self._cursor = ""
        self._problem = ""
        self._started = False
        self._must_start_again = False
        self._had_file = False

    @property
    def active(self) -> Mapping[str, TaskState]:
        """The active tasks, up to ``MAX_ACTIVE``."""
        return self._active

    def events(self) -> list[Event]:
        """What happened since the last time. If nothing did, no file was opened for that."""
        if not (self._watch.poll() or self._must_start_again):
            return []
        self._watch.refresh()
        changes = self._watch.since(self._cursor)
        self._cursor = changes.cursor
        self.store_status = changes.store_status
        if trouble := self.store_status.trouble:
            return self._trouble(trouble)
        store = self.store_status.store
        self._had_file = self._had_file or (store is not None and store.exists)
        if self._started:
            return list(self._told(changes))
        try:
            return [self._start()]
        except StoreError as error:
            self._must_start_again = True
            return self._trouble(error)

    def is_idle(self) -> bool:
        """Whether it is certain that no task is active, in a file that is or was there."""
        if self._active or not (self._started and self._had_file) or self.store_status.trouble:
            return False
        try:
            # Of more active tasks than a watch knows, the others may be left.
            return self.store.read(lambda snapshot: snapshot.count(self._active_filter)) == 0
        except StoreError:
            return False

    def _start(self) -> Event:
        # They may be newer than the cursor: what it then brings of them is known already.
        page = self.store.search(self._active_filter, limit=MAX_ACTIVE)
        self._active = {record.task_id: _active_state(record) for record in page.records}
        self._started = True
        self._must_start_again = False
        self._problem = ""
        return self._event("started", active=tuple(self._active.values()))

    def _trouble(self, error: StoreError) -> list[Event]:
        problem = explain_store_error(error)
        if problem == self._problem:
            return []
        self._problem = problem
        return [self._event("trouble", problem=problem)]

    def _told(self, changes: Changes) -> Iterator[Event]:
        if changes.file_changed or changes.untracked_delta or self._problem:
            self._problem = ""
            yield self._event("store", others=changes.untracked_delta)
        for state in self._unknown(reversed(changes.new)):
            yield self._event("new", task=state)
        before = {change.after.task_id: change.before for change in changes.changed}
        for state in self._unknown(change.after for change in reversed(changes.changed)):
            was = before[state.task_id]
            yield self._event("changed", task=state, before=was.status if was else "")
        for gone in reversed(changes.gone):
            self._active.pop(gone.last.task_id, None)
            if self._matches(gone.last):
                before_status = gone.before.status if gone.before else ""
                yield self._event(
                    "gone", task=gone.last, before=before_status, archived=gone.archived
                )

    def _unknown(self, states: Iterable[TaskState]) -> Iterator[TaskState]:
        """Those to tell of, which are then known."""
        for state in states:
            if not self._matches(state) or self._active.get(state.task_id) == state:
                continue
            if state.active:
                self._active[state.task_id] = state
            else:
                self._active.pop(state.task_id, None)
            yield state

    def _matches(self, state: TaskState) -> bool:
        return self.filter.matches(
            status=state.status,
            backend=state.backend,
            name=state.name,
            submit_time=state.submit_time,
        )

    def _event(
        self,
        kind: Kind,
        *,
        task: TaskState | None = None,
        before: str = "",
        archived: bool = False,
        active: tuple[TaskState, ...] = (),
        others: int = 0,
        problem: str = "",
    ) -> Event:
        return Event(
            kind=kind,
            at=self._clock(),
            store_status=self.store_status,
            task=task,
            before=before,
            archived=archived,
            active=active,
            others=others,
            problem=problem,
        )


def _active_state(record: TaskRecord) -> TaskState:
    return TaskState(
        task_id=record.task_id,
        backend=record.backend,
        name=record.name,
        status=record.status,
        active=True,
        submit_time=record.submit_time,
        update_time=record.update_time,
    )
