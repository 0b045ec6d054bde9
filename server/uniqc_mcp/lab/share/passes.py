"""One pass: the server's state is compared with the file's, and what differs is sent."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.exchange import MAX_BATCH_BYTES, MAX_RANGES, Compare
from uniqc_mcp.lab.share.batches import Batches
from uniqc_mcp.lab.share.errors import OutOfStepError, ShareError, ShareRefusedError
from uniqc_mcp.lab.share.fingerprints import MODULUS, hexadecimal
from uniqc_mcp.lab.share.outgoing import task_message
from uniqc_mcp.lab.share.ranges import (
    TaskKey,
    ranges_of,
    read_named,
    read_stretch,
)
from uniqc_mcp.lab.share.redacting import Redactor
from uniqc_mcp.lab.share.sharer import Answered, Outcome
from uniqc_mcp.safety.display import tilde

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from uniqc_mcp.lab.exchange import Compared, Held, Key, Range
    from uniqc_mcp.lab.share.batches import Sent
    from uniqc_mcp.lab.share.file_digests import FileDigest
    from uniqc_mcp.lab.share.sharer import Sharer

Place = tuple[str, str | None]
"""The first id, which is not in the range, and the last one, of a range."""

_MAX_ROUNDS: Final = 200
"""Comparisons of the whole after which a server that still differs is taken to be at fault.

Of a range with too many tasks for one answer, each round settles the beginning.
"""

_MAX_IDLE_ROUNDS: Final = 3
"""Rounds in which nothing was to be sent, after which that holds too.

One such round is no fault: the last message of a process that was killed may arrive meanwhile.
"""

_RANGES_AT_ONCE: Final = 8
"""Ranges whose tasks may share a batch. A fingerprint of each task is held until it is sent."""

_BYTES_OF_A_RANGE: Final = 120
"""Bytes of a range in a message, but for its two ids."""


class Pass:
    """One pass. It holds a range for each thousand tasks, and one batch.

    Args:
        sharer: The store and the server.
        found: The digests of the store's file.
        answered: The last answer of the server, if nothing was sent since that might have arrived.
    """

    def __init__(self, sharer: Sharer, found: FileDigest, answered: Answered | None = None) -> None:
        """Prepare a pass; nothing is sent yet."""
        self._sharer = sharer
        self._found = found
        self._answered = answered
        self._batches = Batches(sharer.client, sharer.store_id)
        self._redactor = Redactor()
        self._ranges = {(each.after, each.upto): each for each in found.ranges}

    def run(self) -> Outcome:
        """Compare and send until the server has what the file had when it was read.

        Raises:
            ShareError: The server can't be reached or refuses, or the file is in no good state.
            StoreError: The file can't be read.
        """
        compared = self._settled()
        sent = self._batches.sent
        return Outcome(
            tasks=sum(each.count for each in self._found.ranges),
            sent=sent.tasks,
            gone=sent.gone,
            refused=tuple(sent.refused),
            left_out=self._found.left_out,
            answered=Answered(compared.epoch, compared.revision),
        )

    def _settled(self) -> Compared:
        """Send what differs until nothing does, and return the answer that says so."""
        rounds = idle = 0
        while True:
            compared = self._compare(())
            self._check_only_writer(compared)
            if compared.same:
                return compared
            if rounds == _MAX_ROUNDS or idle == _MAX_IDLE_ROUNDS:
                raise ShareError(
                    "The server still differs, although it was sent all that it asked for."
                )
            before = self._batches.sent.changes
            self._batches.revision = compared.revision
            # The last message of a process that was killed has arrived meanwhile.
            with suppress(OutOfStepError):
                self._settle_all()
            rounds += 1
            idle = idle + 1 if self._batches.sent.changes == before else 0

    def _check_only_writer(self, compared: Compared) -> None:
        """Raise ShareRefusedError if somebody else writes to this store on the server.

        Two files under one name would remove each other's tasks by turns.
        """
        before, self._answered = self._answered, None
        if before and compared.epoch == before.epoch and compared.revision > before.revision:
            raise ShareRefusedError(
                "Another computer shares tasks under the name of this one: the state of share was "
                f"copied there. Remove {tilde(self._sharer.state_path)} on one of them; its tasks "
                "are then another store."
            )

    def _compare(self, ranges: Sequence[Range]) -> Compared:
        """Compare the whole as it is known now, and some ranges."""
        sharer, known = self._sharer, self._ranges.values()
        digest = sum(int(each.digest, 16) for each in known) % MODULUS
        return sharer.client.compare(
            Compare(
                store_id=sharer.store_id,
                machine=sharer.machine,
                audience=sharer.audience,
                schema_version=self._found.schema_version,
                count=sum(each.count for each in known),
                digest=hexadecimal(digest),
                ranges=tuple(ranges),
            )
        )

    def _settle_all(self) -> None:
        """Compare every range, and settle those that differ."""
        left = sorted(self._ranges, key=lambda place: place[0])
        while left:
            asked = _first_places(left)
            compared = self._compare([self._ranges[place] for place in asked])
            differing = {(each.after, each.upto): held for each, held in compared.differing}
            if not differing.keys() <= set(asked):
                raise ShareError("The server names ranges that it was not asked about.")
            for places in _batched(differing, _RANGES_AT_ONCE):
                self._settle({place: differing[place] for place in places})
            if compared.more and differing:
                left = [place for place in left if place not in differing]
            else:
                left = left[len(asked) :]

    def _settle(self, differing: Mapping[Place, Sequence[Held]]) -> None:
        """Send what differs in some ranges, and note what the server has in them then."""
        holds = {place: _by_key(held) for place, held in differing.items()}
        met = {place: self._send_range(place, holds[place]) for place in differing}
        self._batches.flush()
        refused = {_task_key(each.key) for each in self._batches.sent.refused}
        for place, found in met.items():
            kept = {key: value for key, value in found.items() if key not in refused}
            kept |= {key: value for key, value in holds[place].items() if key in refused}
            del self._ranges[place]
            for part in ranges_of(*place, kept):
                self._ranges[part.after, part.upto] = part

    def _send_range(self, place: Place, holds: Mapping[TaskKey, int]) -> dict[TaskKey, int]:
        """Send what differs in one range; return the fingerprints of its tasks now."""
        sharer, met = self._sharer, dict[TaskKey, int]()
        upto = None if place[1] is None else place[1].encode()
        resume: bytes | None = place[0].encode()
        while resume is not None:
            stretch = read_stretch(sharer.store, sharer.fingerprints, resume, upto=upto, held=holds)
            for task in stretch.tasks:
                met[task.key] = task.fingerprint
                if task.stored is not None:
                    self._batches.add(task_message(task, task.stored, self._redactor))
            resume = stretch.resume
        for key in holds.keys() - met.keys():
            self._batches.add_gone(key.message)
        return met


def send_named(sharer: Sharer, task_ids: Sequence[str], revision: int | None) -> tuple[Sent, bool]:
    """Send the tasks with these ids as they are now, and which live ones are not there.

    Args:
        sharer: The store and the server.
        task_ids: The ids.
        revision: The server's revision of the store at its last answer; None if unknown.

    Returns:
        What was sent, and whether that is right: a task that the index of the ids lacks may be in
        the table. A pass says then which of a file's indexes is damaged.

    Raises:
        OutOfStepError: The server's revision is another one; a pass has to find out.
        ShareError: The server can't be reached or refuses.
        StoreError: The file can't be read.
    """
    batches, redactor = Batches(sharer.client, sharer.store_id, revision), Redactor()
    missing = {TaskKey(task_id, archived=False) for task_id in task_ids}
    for task in read_named(sharer.store, sharer.fingerprints, task_ids):
        missing.discard(task.key)
        if task.stored is not None:
            batches.add(task_message(task, task.stored, redactor))
    gone = sorted(key.task_id for key in missing)
    is_sound = not gone or not sharer.store.read(lambda snapshot: snapshot.any_in_table(gone))
    for key in missing if is_sound else ():
        batches.add_gone(key.message)
    batches.flush()
    return batches.sent, is_sound


def _by_key(held: Sequence[Held]) -> dict[TaskKey, int]:
    return {_task_key(each.key): int(each.fingerprint, 16) for each in held}


def _task_key(key: Key) -> TaskKey:
    return TaskKey(key.task_id, key.archived)


def _first_places(places: Sequence[Place]) -> Sequence[Place]:
    """Return the first ranges, as many as fit in one message."""
    size = 0
    for number, (after, upto) in enumerate(places):
        # Each character is six bytes at most, where JSON escapes it.
        size += _BYTES_OF_A_RANGE + 6 * (len(after) + len(upto or ""))
        if number == MAX_RANGES or (number and size > MAX_BATCH_BYTES):
            return places[:number]
    return places


def _batched(places: Iterable[Place], size: int) -> Iterator[Sequence[Place]]:
    """Yield the ranges in groups of a size; ``itertools`` has this from Python 3.12 on."""
    left = iter(places)
    while group := list(islice(left, size)):
        yield group
