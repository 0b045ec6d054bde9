"""The URIs that one client watches, and which of them have changed."""

from __future__ import annotations

import math
import re
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import unquote

import anyio
import anyio.to_thread

from uniqc_mcp.subscriptions.watcher import ResettableEvent
from uniqc_store import InvalidValueError, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_mcp.questions.store import ReadableStore
    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_store import Changes

STORE = "uniqc://store"
ACTIVE = "uniqc://tasks/active"

_PAUSE_FACTOR = 20
"""Pause between two searches for missing tasks, as a multiple of the first one's duration."""

_TASK = re.compile(
    r"uniqc://task/([^/?#]+)(?:/(?:result|outcomes|circuit(?:/(?:compiled|executed))?))?"
)


def can_change(uri: str) -> bool:
    """Return whether the resource at a URI can change, which most cannot."""
    return uri in (STORE, ACTIVE) or _TASK.fullmatch(uri) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedUri:
    """A URI whose changes a client is notified of.

    Attributes:
        uri: The URI in the form that the client gave.
        unresolved: The id in it while no task has that id; one may be added. Otherwise empty.
        task_id: uniqc's id of the task that it is about; empty for the store and for lists.
        cursor: The client was notified of changes before this.
        tracking: Closed when the URI is no longer watched, which ends the tracking of its task.
    """

    uri: str
    unresolved: str
    task_id: str
    cursor: str
    tracking: ExitStack

    def has_changed(self, changes: Changes, task_ids: AbstractSet[str]) -> bool:
        """Return whether the resource has changed; `task_ids` are the ids in the changes."""
        if self.task_id:
            return self.task_id in task_ids
        if self.uri == STORE:
            return changes.store_changed
        return changes.active_changed or changes.file_changed


class WatchedUris:
    """The URIs that one client, or one stream of it, watches.

    Args:
        store: The store in which the ids in URIs are looked up.
        watcher: The watcher of that store.
    """

    def __init__(self, store: ReadableStore, watcher: StoreWatcher) -> None:
        """Watch nothing yet."""
        self._store = store
        self._watcher = watcher
        self._watched: dict[str, WatchedUri] = {}
        self._changed = ResettableEvent()
        self._resolve_at = 0.0
        self._postponed = False

    def __len__(self) -> int:
        """Return the number of watched URIs."""
        return len(self._watched)

    def __contains__(self, uri: str) -> bool:
        """Return whether a URI is watched, in this very form."""
        return uri in self._watched

    async def add(self, uris: Sequence[str]) -> None:
        """Watch URIs for changes from now on.

        Those added together share the tracking of their tasks: to :meth:`remove` one of them
        later, add it alone.
        """
        if not uris:
            return
        references = {uri: _reference(uri) for uri in uris}
        found = await self._find(references.values())
        task_ids = {uri: found.get(reference, reference) for uri, reference in references.items()}
        watch = self._watcher.watch
        with ExitStack() as stack:
            stack.enter_context(watch.tracking(filter(None, task_ids.values())))
            await self._watcher.refresh()
            tracking = stack.pop_all()
        cursor = watch.since().cursor
        for uri, reference in references.items():
            self._watched[uri] = WatchedUri(
                uri=uri,
                unresolved="" if reference in found else reference,
                task_id=task_ids[uri],
                cursor=cursor,
                tracking=tracking,
            )

    def remove(self, uri: str) -> None:
        """Stop watching a URI."""
        if watched := self._watched.pop(uri, None):
            watched.tracking.close()
            self._changed.set()

    def clear(self) -> None:
        """Stop watching all URIs."""
        for uri in list(self._watched):
            self.remove(uri)

    async def send_updates(self, send: Callable[[str, AbstractSet[str]], Awaitable[None]]) -> None:
        """Send each URI whose resource changes, for as long as any are watched.

        Several changes while `send` is busy are sent as one. With the URI go the ids of the tasks
        that changed; none where the URI is that of one task, or where they are not known.
        """
        async with self._watcher.listening(self._changed.set):
            while self._watched:
                self._changed.clear()
                for uri, task_ids in (await self._take_changed()).items():
                    if uri in self._watched:
                        await send(uri, task_ids)
                with anyio.move_on_after(self._seconds_to_postponed()):
                    await self._changed.wait()

    async def _take_changed(self) -> dict[str, AbstractSet[str]]:
        """Return the URIs that changed since their cursors, and move these to now.

        Each has the ids of the tasks that changed, as :meth:`send_updates` sends them.
        """
        since: dict[str, Changes | None] = {}
        changed: dict[str, AbstractSet[str]] = {}
        by_cursor = groupby(list(self._watched.values()), key=_cursor)
        for cursor, group in by_cursor:
            changes = since[cursor] = self._since(cursor)
            task_ids = frozenset[str]() if changes is None else changes.task_ids
            known = changes is not None and not changes.untracked_delta
            named = task_ids if known else frozenset[str]()
            now = self._watcher.watch.since().cursor if changes is None else changes.cursor
            for watched in group:
                if changes is None or watched.has_changed(changes, task_ids):
                    changed[watched.uri] = frozenset() if watched.task_id else named
                self._watched[watched.uri] = replace(watched, cursor=now)
        may_have_come = any(
            changes is None or changes.new or changes.changed for changes in since.values()
        )
        if may_have_come or self._postponed:
            for uri in await self._resolve():
                changed.setdefault(uri, frozenset())
        return changed

    def _since(self, cursor: str) -> Changes | None:
        try:
            return self._watcher.watch.since(cursor)
        except InvalidValueError:  # more than the watch remembers: anything may have changed
            return None

    async def _resolve(self) -> list[str]:
        """Return the URIs whose task was missing and now exists, and track these tasks."""
        unresolved = {
            uri: watched.unresolved for uri, watched in self._watched.items() if watched.unresolved
        }
        began = time.monotonic()
        self._postponed = bool(unresolved) and began < self._resolve_at
        if not unresolved or self._postponed:
            return []
        found = await self._find(unresolved.values())
        # For an id that no task has, all of a million tasks may have to be read.
        self._resolve_at = began + _PAUSE_FACTOR * (time.monotonic() - began)
        resolved = [
            uri
            for uri, reference in unresolved.items()
            if reference in found and uri in self._watched
        ]
        for uri in resolved:
            watched, task_id = self._watched[uri], found[unresolved[uri]]
            watched.tracking.enter_context(self._watcher.watch.tracking([task_id]))
            self._watched[uri] = replace(watched, unresolved="", task_id=task_id)
        return resolved

    def _seconds_to_postponed(self) -> float:
        return max(0.0, self._resolve_at - time.monotonic()) if self._postponed else math.inf

    async def _find(self, references: Iterable[str]) -> Mapping[str, str]:
        """Return uniqc's id for each reference that names exactly one task."""
        wanted = {reference for reference in references if reference}
        if not wanted:
            return {}
        try:
            return await anyio.to_thread.run_sync(
                lambda: self._store.read(lambda snapshot: dict(_found(snapshot, wanted)))
            )
        except StoreError:
            return {}


def _cursor(watched: WatchedUri) -> str:
    return watched.cursor


def _reference(uri: str) -> str:
    """Return the id in the URI of a task; empty for the store and for lists."""
    match = _TASK.fullmatch(uri)
    return "" if match is None else unquote(match[1])


def _found(snapshot: StoreSnapshot, references: Iterable[str]) -> Iterator[tuple[str, str]]:
    for reference in references:
        try:
            matches = snapshot.find(reference)
        except InvalidValueError:  # the text cannot be an id
            continue
        if len(matches.found) == 1:
            yield reference, matches.found[0].task_id
