"""The revisions of all stores, which one thread of a process reads for all who wait or subscribe.

Each watch would otherwise ask the database four times a second, for each person who listens.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.database.audience import audiences as audiences_of
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.lab.answers.stores import Selection
    from uniqc_mcp.lab.database.pool import Database

_SECONDS_BETWEEN_READS: Final = 0.25
_SECONDS_BETWEEN_TRIES: Final = 1.0
"""Pause after a read that failed."""

_SECONDS_UNASKED: Final = 5.0
"""Seconds after which nobody listens any more, and the thread ends."""

_REVISIONS: Final = "SELECT owner, store_id, machine, revision FROM store"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Store:
    owner: str
    store_id: str
    machine: str
    revision: int
    shared: bool

    def is_selected(self, requester: str, selection: Selection) -> bool:
        return (
            (self.shared or self.owner == requester)
            and selection.owner in ("", self.owner)
            and selection.store in ("", self.store_id, self.machine)
        )


class Revisions:
    """The revisions of the stores of a database, as of a moment ago.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        """Read nothing until somebody listens."""
        self._database = database
        self._lock = Lock()
        self._reading = False
        self._asked_at = 0.0
        self._stores: Sequence[_Store] = ()
        self._failures = 0
        self.number = 0
        """A number that grows with each change of any store, and with each failed read."""

    def listen(self) -> int:
        """Return :attr:`number`, and keep it current for some seconds."""
        self._asked_at = time.monotonic()
        if not self._reading:
            with self._lock:
                if not self._reading:
                    self._reading = True
                    Thread(target=self._read_on, name="revisions", daemon=True).start()
        return self.number

    def of(self, requester: str, selection: Selection) -> Sequence[object]:
        """Return a value that differs after a change of what a person may see, or a failed read."""
        stores = self._stores
        return [self._failures, *(one for one in stores if one.is_selected(requester, selection))]

    def _read_on(self) -> None:
        while True:
            try:
                stores, pause = self._read(), _SECONDS_BETWEEN_READS
            except StoreError as error:
                # Whoever listens reads by itself, and learns why it can't.
                logger.warning("revisions can't be read: %s", type(error).__name__)
                self._failures += 1
                self.number += 1
                stores, pause = self._stores, _SECONDS_BETWEEN_TRIES
            if stores != self._stores:
                self._stores = stores
                self.number += 1
            time.sleep(pause)
            with self._lock:
                if time.monotonic() - self._asked_at > _SECONDS_UNASKED:
                    self._reading = False
                    return

    def _read(self) -> Sequence[_Store]:
        audiences = {
            (owner, store_id): audience == "lab"
            for owner, store_id, audience in audiences_of(self._database)
        }
        everybody = Viewer(owners=frozenset(owner for owner, _ in audiences))
        return sorted(
            (
                _Store(owner, store_id, machine, revision, audiences.get((owner, store_id), False))
                for owner, store_id, machine, revision in self._database.ask(
                    everybody, (_REVISIONS, ())
                )
            ),
            key=lambda one: (one.owner, one.store_id),
        )
