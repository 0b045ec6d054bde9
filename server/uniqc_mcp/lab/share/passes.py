"""One pass: the server's state is compared with the file's, and what differs is sent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

from uniqc_mcp.lab.exchange import MAX_BATCH_BYTES, MAX_RANGES, Compare
from uniqc_mcp.lab.share.batches import Batches
from uniqc_mcp.lab.share.errors import ServerUnavailableError
from uniqc_mcp.lab.share.fingerprints import MODULUS, hexadecimal
from uniqc_mcp.lab.share.outgoing import task_message
from uniqc_mcp.lab.share.ranges import (
    TaskKey,
    digest_file,
    ranges_of,
    read_named,
    read_stretch,
)
from uniqc_mcp.lab.share.redacting import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from uniqc_mcp.lab.exchange import Compared, Held, Key, Range
    from uniqc_mcp.lab.share.batches import Refused, Sent
    from uniqc_mcp.lab.share.client import LabClient
    from uniqc_mcp.lab.share.fingerprints import Fingerprints
    from uniqc_store import TaskStore

Audience = Literal["me", "lab"]
Place = tuple[str, str | None]
"""The first id, which is not in the range, and the last one, of a range."""

_MAX_ROUNDS: Final = 10
"""Comparisons of the whole after which a server that still differs is taken to be at fault."""

_RANGES_AT_ONCE: Final = 8
"""Ranges whose tasks may share a batch. A fingerprint of each task is held until it is sent."""

_BYTES_OF_A_RANGE: Final = 120
"""Bytes of a range in a message, but for its two ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharer:
    """The store, and as what the server knows it.

    Attributes:
        store: The store, which is only read.
        client: The server.
        store_id: The name of the store there.
        machine: The name of this machine, for people.
        audience: Who may see the tasks: this person, or the laboratory.
        fingerprints: The fingerprints of the store.
    """

    store: TaskStore
    client: LabClient
    store_id: str
    machine: str
    audience: Audience
    fingerprints: Fingerprints


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a pass.

    Attributes:
        tasks: Number of tasks of the file that can be shared.
        sent: Number of tasks that were sent.
        gone: Number of tasks that the server was told are gone.
        refused: Tasks that the server did not keep.
        left_out: Number of tasks whose id can't be shared.
        epoch: The server's database.
        revision: Its revision of this store after the pass.
    """

    tasks: int
    sent: int = 0
    gone: int = 0
    refused: tuple[Refused, ...] = ()
    left_out: int = 0
    epoch: str = ""
    revision: int = 0

    @property
    def complete(self) -> bool:
        """True if the server has every task of the file."""
        return not self.refused and not self.left_out


class Pass:
    """One pass. It holds a range for each thousand tasks, and one batch."""

    def __init__(self, sharer: Sharer) -> None:
        """Prepare a pass; nothing is read yet."""
        self._sharer = sharer
        self._batches = Batches(sharer.client, sharer.store_id)
        self._redactor = Redactor()
        self._ranges: dict[Place, Range] = {}
        self._schema_version = 0

    def run(self) -> Outcome:
        """Compare and send until the server has what the file had when it was read.

        Raises:
            ShareError: The server can't be reached or refuses, or the file is in no good state.
            StoreError: The file can't be read.
        """
        found = digest_file(self._sharer.store, self._sharer.fingerprints)
        self._schema_version = found.schema_version
        self._ranges = {(each.after, each.upto): each for each in found.ranges}
        tasks = sum(each.count for each in found.ranges)
        for _ in range(_MAX_ROUNDS):
            compared = self._compare(())
            if compared.same:
                break
            self._settle_all()
        else:
            raise ServerUnavailableError(
                f"the server differs from the file after {_MAX_ROUNDS} comparisons"
            )
        sent = self._batches.sent
        return Outcome(
            tasks=tasks,
            sent=sent.tasks,
            gone=sent.gone,
            refused=tuple(sent.refused),
            left_out=found.left_out,
            epoch=compared.epoch,
            revision=compared.revision,
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
                schema_version=self._schema_version,
                count=sum(each.count for each in known),
                digest=hexadecimal(digest),
                ranges=tuple(ranges),
            )
        )

    def _settle_all(self) -> None:
        """Compare every range, and settle those that differ."""
        left = list(self._ranges)
        while left:
            asked = _first_places(left)
            compared = self._compare([self._ranges[place] for place in asked])
            differing = {(each.after, each.upto): held for each, held in compared.differing}
            if not differing.keys() <= set(asked):
                raise ServerUnavailableError("the server names ranges that it was not asked about")
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


def send_named(sharer: Sharer, task_ids: Sequence[str]) -> Sent:
    """Send the tasks with these ids as they are now, and which live ones are not there.

    Raises:
        ShareError: The server can't be reached or refuses.
        StoreError: The file can't be read.
    """
    batches, redactor = Batches(sharer.client, sharer.store_id), Redactor()
    missing = {TaskKey(task_id, archived=False) for task_id in task_ids}
    for task in read_named(sharer.store, sharer.fingerprints, task_ids):
        missing.discard(task.key)
        if task.stored is not None:
            batches.add(task_message(task, task.stored, redactor))
    for key in missing:
        batches.add_gone(key.message)
    batches.flush()
    return batches.sent


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
