"""The tasks that a call of wait_for_tasks names, and where in their history it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import anyio.to_thread

from uniqc_mcp.errors import InvalidArgumentError, UnknownTaskError
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.tasks.lookup import find_task
from uniqc_mcp.waiting.cursor import WaitCursor
from uniqc_mcp.waiting.target import WaitTarget
from uniqc_store import InvalidValueError, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_mcp.waiting.resume import Resumption
    from uniqc_store import Snapshot, TaskStore

MAX_IDS: Final = 50

_MAX_NAMED: Final = 10
"""Unknown ids that a note names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The tasks to wait for, as a caller names them: by ids, or by a filter.

    Attributes:
        task_ids: uniqc's or the platform's ids, or beginnings of them.
        backend: As the tool takes it.
        name_contains: As the tool takes it.
    """

    task_ids: frozenset[str]
    backend: str
    name_contains: str

    @classmethod
    def of(cls, task_ids: Sequence[str], backend: str, name_contains: str) -> Self:
        """Return the tasks that the arguments name.

        Raises:
            InvalidArgumentError: There are both ids and a filter, or too many ids.
        """
        if task_ids and (backend or name_contains):
            raise InvalidArgumentError(
                "Give task_ids, or backend and name_contains to wait for the active tasks that "
                "match."
            )
        if len(task_ids) > MAX_IDS:
            raise InvalidArgumentError(
                f"task_ids must be at most {MAX_IDS} ids, not {len(task_ids)}. Without task_ids, "
                "all active tasks that match backend and name_contains are waited for."
            )
        return cls(task_ids=frozenset(task_ids), backend=backend, name_contains=name_contains)

    def target(
        self, snapshot: Snapshot, changed_ids: AbstractSet[str]
    ) -> tuple[WaitTarget, list[str]]:
        """Return the tasks that are meant, and notes on ids that no task has.

        Args:
            snapshot: The store in which ids are looked up.
            changed_ids: Ids of tasks that may be gone; they are not looked up.

        Raises:
            UnknownTaskError: No task has any of the ids.
        """
        found: set[str] = set()
        unknown: dict[str, UnknownTaskError] = {}
        for task_id in sorted(self.task_ids):
            try:
                is_known = task_id in changed_ids
                found.add(task_id if is_known else find_task(snapshot, task_id).task_id)
            except UnknownTaskError as error:
                unknown[task_id] = error
        if unknown and not found:
            raise next(iter(unknown.values()))
        task_filter = TaskFilter(
            status="active", backend=self.backend, name_contains=self.name_contains
        )
        return WaitTarget(task_ids=frozenset(found), task_filter=task_filter), _notes_on(unknown)


def _notes_on(unknown: dict[str, UnknownTaskError]) -> list[str]:
    if not unknown:
        return []
    if len(unknown) == 1:
        return [f"{next(iter(unknown.values()))} It is not waited for."]
    named = ", ".join(map(quoted, list(unknown)[:_MAX_NAMED]))
    more = f" and {len(unknown) - _MAX_NAMED} more" if len(unknown) > _MAX_NAMED else ""
    return [f"No task has the ids {named}{more}. They are not waited for."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The tasks of a wait, and where in their history it begins.

    Attributes:
        target: The tasks to wait for.
        notes: Notes on ids that no task has.
        place: The place in the change log; empty for now.
        resumption: The changes before that place, where the cursor is of another log.
    """

    target: WaitTarget
    notes: list[str]
    place: str
    resumption: Resumption | None

    @classmethod
    async def find(cls, asked: Asked, cursor: str, store: TaskStore, watcher: StoreWatcher) -> Self:
        """Return the beginning of a wait at a cursor, or now where that is empty.

        Raises:
            InvalidArgumentError: The text is no cursor.
            UnknownTaskError: No task has any of the ids.
        """
        if not cursor:
            target, notes = await _read_target(asked, frozenset(), store)
            return cls(target=target, notes=notes, place="", resumption=None)
        given = WaitCursor.decode(cursor)
        await watcher.refresh()
        try:
            changed_ids = watcher.watch.since(given.place).task_ids
        except InvalidValueError:  # of another process, or too old
            return await cls._resume(asked, given, store, watcher)
        target, notes = await _read_target(asked, changed_ids, store)
        return cls(target=target, notes=notes, place=given.place, resumption=None)

    @classmethod
    async def _resume(
        cls, asked: Asked, given: WaitCursor, store: TaskStore, watcher: StoreWatcher
    ) -> Self:
        from uniqc_mcp.waiting.resume import Resumption  # noqa: PLC0415 - 0.009 s of every start

        target, notes = await _read_target(asked, frozenset(), store)
        # The place first: a task that changes in between is then told by both, and shown once.
        place = watcher.watch.since().cursor
        active = tuple(filter(target.includes, watcher.watch.active()))
        resumption = await anyio.to_thread.run_sync(
            lambda: store.read(lambda snapshot: Resumption.read(snapshot, target, given, active))
        )
        return cls(
            target=target, notes=[*notes, resumption.note], place=place, resumption=resumption
        )


async def _read_target(
    asked: Asked, changed_ids: AbstractSet[str], store: TaskStore
) -> tuple[WaitTarget, list[str]]:
    return await anyio.to_thread.run_sync(
        lambda: store.read(lambda snapshot: asked.target(snapshot, changed_ids))
    )
