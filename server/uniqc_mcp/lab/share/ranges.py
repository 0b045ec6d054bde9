"""Ranges of a file: at most a thousand tasks each, read in one transaction, with a digest."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from uniqc_mcp.lab.exchange import MAX_RANGE_TASKS, Key, Range
from uniqc_mcp.lab.share.fingerprints import hexadecimal
from uniqc_mcp.lab.share.identifiers import shared_id

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping, Sequence

    from uniqc_mcp.lab.share.fingerprints import Fingerprints
    from uniqc_store import StoredTask, TaskStore

_TASKS_OF_A_READ: Final = MAX_RANGE_TASKS - 1
"""Tasks of one read; one more where the last id is live and archived."""

_BYTES_OF_A_READ: Final = 8 * 2**20
"""Bytes of stored tasks that are kept of one read, but for its last task."""


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
    rows: tuple[tuple[object, ...], ...] = (task, *task.jobs)
    return sum(len(value) for row in rows for value in row if isinstance(value, (bytearray, bytes)))
