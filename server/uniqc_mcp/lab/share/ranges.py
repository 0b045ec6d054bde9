"""A file in digests: one for each range of at most a thousand tasks."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from uniqc_mcp.lab.exchange import MAX_RANGE_TASKS, Key, Range
from uniqc_mcp.lab.share.errors import ShareError
from uniqc_mcp.lab.share.fingerprints import hexadecimal
from uniqc_mcp.lab.share.identifiers import shared_id
from uniqc_mcp.safety.display import tilde
from uniqc_store import TaskFilter

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence

    from uniqc_mcp.lab.share.fingerprints import Fingerprints
    from uniqc_store import Snapshot, StoredTask, TaskStore

_TASKS_OF_A_READ: Final = MAX_RANGE_TASKS - 1
"""Tasks of one read; one more where the last id is live and archived."""

_BYTES_OF_A_READ: Final = 8 * 2**20
"""Bytes of stored tasks that are kept of one read, but for its last task."""


_ACTIVE: Final = TaskFilter(status="active")
_FINISHED: Final = TaskFilter(status="finished")


class TaskKey(NamedTuple):
    """The key of a task, for each task of a file; a ``Key`` of a message takes longer to make."""

    task_id: str
    archived: bool

    @property
    def message(self) -> Key:
        """The same as messages have it."""
        return Key(task_id=self.task_id, archived=self.archived)


class Fingerprinted(NamedTuple):
    """A task by its key and fingerprint, and as it is stored where that is needed."""

    key: TaskKey
    fingerprint: int
    stored: StoredTask | None


class Stretch(NamedTuple):
    """The tasks of one read.

    Attributes:
        tasks: In the order of their ids.
        left_out: Number of tasks whose id can't be shared.
        resume: The bytes of the last id, where others may follow; else None.
    """

    tasks: Sequence[Fingerprinted]
    left_out: int
    resume: bytes | None


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
            digest = digest_file(self._store, self._fingerprints)
            if digest.read < digest.counted and self._mark_of_state() is before:
                raise ShareError(
                    f"{tilde(self._store.db_path)} is damaged: an index of it has {digest.read:,} "
                    f"tasks and another {digest.counted:,}. Nothing is shared "
                    "until `uniqc-mcp doctor` finds it in order."
                )
            # Kept if nobody wrote meanwhile: the mark is then the one from before.
            self._digest, self._mark = digest, before
        return self._digest

    def _mark_of_state(self) -> object:
        """Return an object that stays the same as long as nobody writes to the file."""
        return self._store.read(lambda snapshot: snapshot.cached("state of share", object))


def range_of(after: str, upto: str | None, fingerprints: Collection[int]) -> Range:
    """Return a range with the digest of its tasks."""
    digest = hexadecimal(sum(fingerprints))
    return Range(after=after, upto=upto, count=len(fingerprints), digest=digest)


def ranges_of(after: str, upto: str | None, tasks: Mapping[TaskKey, int]) -> Iterator[Range]:
    """Yield the ranges that cover one range, which may have more tasks by now."""
    if len(tasks) <= MAX_RANGE_TASKS:
        yield range_of(after, upto, tasks.values())
        return
    # Python compares text by code points, which is the order of the bytes in UTF-8.
    keys = sorted(tasks)
    group: list[int] = []
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        group.append(tasks[key])
        if following is None:
            yield range_of(after, upto, group)
        elif len(group) >= _TASKS_OF_A_READ and following.task_id != key.task_id:
            yield range_of(after, key.task_id, group)
            after, group = key.task_id, []


def read_stretch(
    store: TaskStore,
    fingerprints: Fingerprints,
    after: bytes,
    *,
    upto: bytes | None = None,
    held: Mapping[TaskKey, int] | None = None,
) -> Stretch:
    """Return the next tasks in one read transaction, at most as many as fit in a range.

    Args:
        store: The store.
        fingerprints: The fingerprints of its tasks.
        after: The bytes of the id that the first one follows.
        upto: The bytes of the last id; None for no end.
        held: Fingerprints that the server holds. Tasks with another come as they are stored;
            without this argument none does.
    """
    return store.read(
        lambda snapshot: _collected(
            snapshot.stored_after(after, upto=upto, limit=_TASKS_OF_A_READ + 2), fingerprints, held
        )
    )


def read_named(
    store: TaskStore, fingerprints: Fingerprints, task_ids: Sequence[str]
) -> Sequence[Fingerprinted]:
    """Return those tasks with these ids that can be shared, each as it is stored."""
    return store.read(
        lambda snapshot: [
            Fingerprinted(TaskKey(task_id, bool(stored.archived)), fingerprints.of(stored), stored)
            for stored in snapshot.stored_tasks(task_ids)
            if (task_id := shared_id(stored.task_id)) is not None
        ]
    )


def _collected(
    found: Generator[StoredTask], fingerprints: Fingerprints, held: Mapping[TaskKey, int] | None
) -> Stretch:
    """Return a stretch, which never ends between a live and an archived task of one id.

    Args:
        found: Two tasks more than a read has: one may have the last id too, and the other one
            then shows that others follow.
        fingerprints: See :func:`read_stretch`.
        held: See :func:`read_stretch`.
    """
    tasks: list[Fingerprinted] = []
    left_out = kept = 0
    last = bytearray()
    with closing(found):
        for number, stored in enumerate(found):
            full = number >= _TASKS_OF_A_READ or kept >= _BYTES_OF_A_READ
            if full and stored.task_id != last:
                return Stretch(tasks, left_out, bytes(last))
            last = stored.task_id
            task_id = shared_id(last)
            if task_id is None:
                left_out += 1
                continue
            key, fingerprint = TaskKey(task_id, bool(stored.archived)), fingerprints.of(stored)
            if held is None or held.get(key) == fingerprint:
                tasks.append(Fingerprinted(key, fingerprint, None))
            else:
                kept += _bytes_of(stored)
                tasks.append(Fingerprinted(key, fingerprint, stored))
    return Stretch(tasks, left_out, None)


def _bytes_of(task: StoredTask) -> int:
    """Return the bytes of the texts of a task and its jobs, about."""
    rows: Iterable[tuple[object, ...]] = (task, *task.jobs)
    return sum(len(value) for row in rows for value in row if isinstance(value, bytearray | bytes))


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
