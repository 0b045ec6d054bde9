"""Addresses that somebody is told of when what is there changes."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import unquote

import anyio.to_thread

from uniqc_mcp.subscriptions.watcher import ResettableEvent
from uniqc_store import InvalidValueError, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_store import Changes, Snapshot, TaskStore

STORE = "uniqc://store"
ACTIVE = "uniqc://tasks/active"

_SPARING = 20
"""So many times as long as it takes to seek what is not there, it is not sought again."""

_TASK = re.compile(r"uniqc://task/([^/?#]+)(?:/(?:result|circuit))?")


def can_change(uri: str) -> bool:
    """Whether there is anything to be told of an address."""
    return uri in (STORE, ACTIVE) or _TASK.fullmatch(uri) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedUri:
    """One address.

    Attributes:
        uri: As the client gave it.
        sought: What it names, as long as no task answers to that; one may come.
        task_id: uniqc's id of the task that it is about; empty for the store and for lists.
        cursor: Up to where it was told of.
        following: Closed when it is told of no more.
    """

    uri: str
    sought: str
    task_id: str
    cursor: str
    following: ExitStack

    def has_changed(self, changes: Changes, task_ids: AbstractSet[str]) -> bool:
        """Whether what is to be read there has; the ids are those of the changes."""
        if self.task_id:
            return self.task_id in task_ids
        if self.uri == STORE:
            return changes.store_changed
        return changes.active_changed or changes.file_changed


class WatchedUris:
    """What one client, or one stream of it, is told of."""

    def __init__(self, store: TaskStore, watcher: StoreWatcher) -> None:
        self._store = store
        self._watcher = watcher
        self._addresses: dict[str, WatchedUri] = {}
        self._event = ResettableEvent()
        self._seek_at = 0.0

    def __len__(self) -> int:
        return len(self._addresses)

    def __contains__(self, uri: str) -> bool:
        return uri in self._addresses

    async def add(self, uris: Sequence[str]) -> None:
        """Tell of whatever changes from now on. What may be removed singly is added singly."""
        if not uris:
            return
        references = {uri: _reference(uri) for uri in uris}
        found = await self._find(references.values())
        task_ids = {uri: found.get(sought, sought) for uri, sought in references.items()}
        watch = self._watcher.watch
        with ExitStack() as following:
            following.enter_context(watch.tracking(filter(None, task_ids.values())))
            await self._watcher.refresh()
            kept = following.pop_all()
        cursor = watch.since().cursor
        for uri, sought in references.items():
            self._addresses[uri] = WatchedUri(
                uri=uri,
                sought="" if sought in found else sought,
                task_id=task_ids[uri],
                cursor=cursor,
                following=kept,
            )

    def remove(self, uri: str) -> None:
        """Tell of it no more."""
        if address := self._addresses.pop(uri, None):
            address.following.close()
            self._event.set()

    def clear(self) -> None:
        """Tell of nothing more."""
        for uri in list(self._addresses):
            self.remove(uri)

    async def tell(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send each that changes, for as long as there are any."""
        async with self._watcher.listening(self._event.set):
            while self._addresses:
                self._event.clear()
                for uri in await self._changed():
                    if uri in self._addresses:
                        await send(uri)
                await self._event.wait()

    async def _changed(self) -> list[str]:
        """Those that have since they were told of last."""
        since: dict[str, Changes | None] = {}
        changed: list[str] = []
        by_cursor = groupby(list(self._addresses.values()), key=_cursor)
        for cursor, addresses in by_cursor:
            changes = since[cursor] = self._since(cursor)
            task_ids = frozenset[str]() if changes is None else changes.task_ids
            now = self._watcher.watch.since().cursor if changes is None else changes.cursor
            for address in addresses:
                if changes is None or address.has_changed(changes, task_ids):
                    changed.append(address.uri)
                self._addresses[address.uri] = replace(address, cursor=now)
        if any(changes is None or changes.new or changes.changed for changes in since.values()):
            changed += [uri for uri in await self._come() if uri not in changed]
        return changed

    def _since(self, cursor: str) -> Changes | None:
        try:
            return self._watcher.watch.since(cursor)
        except InvalidValueError:  # more than is remembered, and anything may be among it
            return None

    async def _come(self) -> list[str]:
        """Those that now lead to a task, where none answered to them before."""
        sought = {uri: one.sought for uri, one in self._addresses.items() if one.sought}
        began = time.monotonic()
        if not sought or began < self._seek_at:
            return []
        found = await self._find(sought.values())
        # Of a million tasks, each may have to be looked at for an id that none has.
        self._seek_at = began + _SPARING * (time.monotonic() - began)
        come = [uri for uri in sought if sought[uri] in found and uri in self._addresses]
        for uri in come:
            address, task_id = self._addresses[uri], found[sought[uri]]
            address.following.enter_context(self._watcher.watch.tracking([task_id]))
            self._addresses[uri] = replace(address, sought="", task_id=task_id)
        return come

    async def _find(self, references: Iterable[str]) -> Mapping[str, str]:
        """uniqc's ids of the tasks that these lead to."""
        wanted = {reference for reference in references if reference}
        if not wanted:
            return {}
        try:
            return await anyio.to_thread.run_sync(
                lambda: self._store.read(lambda snapshot: dict(_found(snapshot, wanted)))
            )
        except StoreError:
            return {}


def _cursor(address: WatchedUri) -> str:
    return address.cursor


def _reference(uri: str) -> str:
    """What an address names a task by; empty where it is about no single one."""
    named = _TASK.fullmatch(uri)
    return "" if named is None else unquote(named[1])


def _found(snapshot: Snapshot, references: Iterable[str]) -> Iterator[tuple[str, str]]:
    for reference in references:
        try:
            matches = snapshot.find(reference)
        except InvalidValueError:  # no text that an id could be
            continue
        if len(matches.found) == 1:
            yield reference, matches.found[0].task_id
