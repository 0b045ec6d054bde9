"""The tasks that a call of wait_for_tasks names, and where in their history it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self, Unpack

import anyio.to_thread

from uniqc_mcp.errors import AmbiguousTaskError, InvalidArgumentError, UnknownTaskError
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.tasks.filters import requested_filter
from uniqc_mcp.tasks.lookup import find_task
from uniqc_mcp.waiting.cursor import WaitCursor
from uniqc_mcp.waiting.target import WaitTarget
from uniqc_store import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_mcp.questions.store import ReadableStore
    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_mcp.tasks.filter_arguments import FilterArguments
    from uniqc_mcp.waiting.resume import Resumption
    from uniqc_store import TaskFilter

MAX_IDS: Final = 50

_MAX_NAMED: Final = 10
"""Unknown ids that a note names."""

_MAX_AMBIGUOUS: Final = 4
_MAX_CANDIDATES: Final = 3
"""Ambiguous ids that have a note, and tasks that each names: notes have to stay small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The tasks to wait for, as a caller names them: by ids, or by a filter.

    Attributes:
        task_ids: uniqc's or the platform's ids, or beginnings of them.
        filters: The filters that are given, by name and as the tool takes them: an age stays the
            same from call to call, although it means another time.
        task_filter: What they mean now.
    """

    task_ids: frozenset[str]
    filters: tuple[tuple[str, object], ...]
    task_filter: TaskFilter = field(compare=False)

    @classmethod
    def of(
        cls, now: datetime, task_ids: Sequence[str], /, **filters: Unpack[FilterArguments]
    ) -> Self:
        """Return the tasks that the arguments name.

        Raises:
            InvalidArgumentError: There are both ids and a filter, too many ids, or a time is none.
        """
        given = tuple((name, value) for name, value in filters.items() if value)
        if task_ids and given:
            raise InvalidArgumentError(
                "Give task_ids, or filters to wait for the active tasks that match."
            )
        if len(task_ids) > MAX_IDS:
            raise InvalidArgumentError(
                f"task_ids must be at most {MAX_IDS} ids, not {len(task_ids)}. Without task_ids, "
                "all active tasks that match the filters are waited for."
            )
        task_filter = requested_filter(now, status="active", **filters)
        return cls(task_ids=frozenset(task_ids), filters=given, task_filter=task_filter)

    def target(
        self, snapshot: StoreSnapshot, changed_ids: AbstractSet[str]
    ) -> tuple[WaitTarget, list[str]]:
        """Return the tasks that are meant, and notes on ids that stand for none or for several.

        Args:
            snapshot: The store in which ids are looked up.
            changed_ids: Ids of tasks that may be gone; they are not looked up.

        Raises:
            UnknownTaskError, AmbiguousTaskError: No id stands for one task.
        """
        found: set[str] = set()
        unknown: dict[str, UnknownTaskError] = {}
        ambiguous: dict[str, AmbiguousTaskError] = {}
        for task_id in sorted(self.task_ids):
            try:
                is_known = task_id in changed_ids
                found.add(task_id if is_known else find_task(snapshot, task_id).task_id)
            except UnknownTaskError as error:
                unknown[task_id] = error
            except AmbiguousTaskError as error:
                ambiguous[task_id] = error
        left_out = unknown | ambiguous
        if left_out and not found:
            raise left_out[min(left_out)]
        target = WaitTarget(
            task_ids=frozenset(found), task_filter=self.task_filter, partial=bool(left_out)
        )
        return target, [*_notes_on_unknown(unknown), *_notes_on_ambiguous(ambiguous)]


def _notes_on_unknown(unknown: dict[str, UnknownTaskError]) -> list[str]:
    if not unknown:
        return []
    if len(unknown) == 1:
        return [f"Not waited for: {next(iter(unknown.values()))}"]
    return [f"No task has the ids {_listed(list(unknown), _MAX_NAMED)}. They are not waited for."]


def _notes_on_ambiguous(ambiguous: dict[str, AmbiguousTaskError]) -> list[str]:
    notes = [
        f"Not waited for: {quoted(task_id)} stands for several tasks, {_candidates(error)}."
        for task_id, error in list(ambiguous.items())[:_MAX_AMBIGUOUS]
    ]
    if others := list(ambiguous)[_MAX_AMBIGUOUS:]:
        notes.append(
            f"Not waited for, as they stand for several tasks too: {_listed(others, _MAX_NAMED)}."
        )
    return notes


def _candidates(error: AmbiguousTaskError) -> str:
    named = ", ".join(map(quoted, error.candidates[:_MAX_CANDIDATES]))
    more = error.more or len(error.candidates) > _MAX_CANDIDATES
    return f"{named} and others" if more else named


def _listed(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(map(quoted, names[:most]))}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The tasks of a wait, and where in their history it begins.

    Attributes:
        target: The tasks to wait for.
        notes: Notes on ids that stand for no task, or for several.
        place: The place in the change log; empty for now.
        resumption: The changes before that place, where the cursor is of another log.
    """

    target: WaitTarget
    notes: list[str]
    place: str
    resumption: Resumption | None

    @classmethod
    async def find(
        cls, asked: Asked, cursor: str, store: ReadableStore, watcher: StoreWatcher
    ) -> Self:
        """Return the beginning of a wait at a cursor, or now where that is empty.

        Raises:
            InvalidArgumentError: The text is no cursor.
            UnknownTaskError, AmbiguousTaskError: No id stands for one task.
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
        cls, asked: Asked, given: WaitCursor, store: ReadableStore, watcher: StoreWatcher
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
    asked: Asked, changed_ids: AbstractSet[str], store: ReadableStore
) -> tuple[WaitTarget, list[str]]:
    return await anyio.to_thread.run_sync(
        lambda: store.read(lambda snapshot: asked.target(snapshot, changed_ids))
    )
