"""A whole file in digests, of a file that can be relied on to say which tasks there are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.share.errors import ShareError
from uniqc_mcp.lab.share.ranges import range_of, read_stretch
from uniqc_mcp.safety.display import tilde
from uniqc_store import TaskFilter

if TYPE_CHECKING:
    from uniqc_mcp.lab.exchange import Range
    from uniqc_mcp.lab.share.fingerprints import Fingerprints
    from uniqc_store import Snapshot, TaskStore

_PAUSES: Final = (0.1, 0.5, 2.5)
"""Seconds until the times of a file that was just written tell a later write from it."""

_ACTIVE: Final = TaskFilter(status="active")
_FINISHED: Final = TaskFilter(status="finished")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """All tasks of a file that can be shared, in digests.

    Attributes:
        ranges: At least one; together they cover every id.
        left_out: Number of tasks whose id can't be shared.
        schema_version: The ``user_version`` of the file.
        counted: Number of tasks by another index than the one by which they were read.
    """

    ranges: tuple[Range, ...]
    left_out: int
    schema_version: int
    counted: int

    @property
    def read(self) -> int:
        """Number of tasks that were read."""
        return self.left_out + sum(each.count for each in self.ranges)


def digest_file(store: TaskStore, fingerprints: Fingerprints) -> FileDigest:
    """Return the digests of a file, which is read in short transactions.

    Memory grows by one range for a thousand tasks.

    Raises:
        ShareError: The file is in no state that says which tasks there are.
        StoreError: It can't be read.
    """
    schema_version, counted, left_out = store.read(_checked)
    ranges: list[Range] = []
    tasks: list[int] = []
    after, resume = "", b""
    while True:
        stretch = read_stretch(store, fingerprints, resume)
        left_out += stretch.left_out
        tasks += [task.fingerprint for task in stretch.tasks]
        if stretch.resume is None:
            return FileDigest(
                ranges=(*ranges, range_of(after, None, tasks)),
                left_out=left_out,
                schema_version=schema_version,
                counted=counted,
            )
        resume = stretch.resume
        if stretch.tasks:
            last = stretch.tasks[-1].key.task_id
            ranges.append(range_of(after, last, tasks))
            after, tasks = last, []


class FileDigests:
    """The digests of a file, which are computed again only after somebody wrote to it."""

    def __init__(self, store: TaskStore, fingerprints: Fingerprints) -> None:
        """Begin without digests."""
        self._store = store
        self._fingerprints = fingerprints
        self._mark = object()
        self._digest: FileDigest | None = None

    def current(self) -> FileDigest:
        """Return the digests of the file as it is; see :func:`digest_file`."""
        before = self._mark_of_state()
        if self._digest is None or before is not self._mark:
            # Kept if nobody wrote meanwhile: the mark is then the one from before.
            self._digest, self._mark = self._checked_digest(), before
        return self._digest

    def _checked_digest(self) -> FileDigest:
        """Return the digests of a file whose indexes agree on the number of tasks.

        Where they do not, a writer may have removed some meanwhile. So the file is read again once
        it is at rest; of one that never is, it can't be known.
        """
        for pause in _PAUSES:
            before = self._mark_of_state()
            digest = digest_file(self._store, self._fingerprints)
            if digest.read >= digest.counted:
                return digest
            if self._mark_of_state() is before:
                raise ShareError(
                    f"{tilde(self._store.db_path)} is damaged: an index of it has {digest.read:,} "
                    f"tasks and another {digest.counted:,}. Nothing is shared "
                    "until `uniqc-mcp doctor` finds it in order."
                )
            time.sleep(pause)
        return digest_file(self._store, self._fingerprints)

    def _mark_of_state(self) -> object:
        """Return an object that stays the same as long as nobody writes to the file."""
        return self._store.read(lambda snapshot: snapshot.cached("state of share", object))


def _checked(snapshot: Snapshot) -> tuple[int, int, int]:
    """Return the schema version, the number of tasks, and of those whose id is no text.

    A task that is not in the file is taken for removed. So a file that may lack tasks for another
    reason is not shared.
    """
    state = snapshot.state
    file = tilde(state.path)
    if state.damage:
        raise ShareError(
            f"{file} is damaged: {state.damage}. Nothing is shared until `uniqc-mcp doctor` "
            "finds it in order."
        )
    if state.blank:
        raise ShareError(
            f"{file} has no table of tasks, as after a full disk or while it is copied."
        )
    if not state.exists and not state.path.parent.is_dir():
        raise ShareError(f"There is no directory {tilde(state.path.parent)}.")
    # Not all together: SQLite counts those by the very index by which they are read.
    counted = snapshot.archived() + sum(map(snapshot.count, (_ACTIVE, _FINISHED)))
    return state.schema_version, counted, snapshot.without_id()
