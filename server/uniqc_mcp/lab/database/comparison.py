"""A comparison of a machine's digests with the fingerprints that are held of its store."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.database import schema, statements
from uniqc_mcp.lab.errors import LabRefusedError
from uniqc_mcp.lab.exchange import MAX_TASKS, Compared, Held, Key, Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection

    from uniqc_mcp.lab.exchange import Compare

_CHUNK: Final = 5_000
"""Fingerprints that are read at a time."""

_MAX_HELD: Final = 20_000
"""Most fingerprints of an answer: 2 MB of JSON."""

_MAX_IN_PART: Final = MAX_TASKS
"""Most fingerprints of one range in an answer. Of a longer one the beginning is answered."""

_NO_DIGEST: Final = "0" * 32


class Comparison:
    """One comparison.

    Args:
        owner: The owner of the store.
        message: The digests of the machine.

    Raises:
        LabRefusedError: The ranges are not one after the other.
    """

    def __init__(self, owner: str, message: Compare) -> None:
        """Check the ranges."""
        self._message = message
        self._place: dict[str, object] = {"owner": owner, "store_id": message.store_id}
        self._ends = _ends(message.ranges)

    def run(self, connection: Connection[Any]) -> Compared:
        """Compare in one transaction, which also notes that the machine was heard from."""
        message = self._message
        heard = {
            **self._place,
            "machine": message.machine.replace("\0", ""),
            "schema_version": message.schema_version,
            "nothing": _NO_DIGEST,
        }
        found = connection.execute(statements.HEAR, heard).fetchone()
        if found is None:
            raise AssertionError("an upsert returns its row")
        revision, count, digest = found
        connection.execute(statements.SET_AUDIENCE, {**self._place, "audience": message.audience})
        epoch = schema.epoch_of(connection)
        if (count, digest) == (message.count, message.digest):
            return Compared(epoch=epoch, revision=revision, same=True)
        differing, more = self._differing(connection)
        return Compared(
            epoch=epoch, revision=revision, same=False, differing=tuple(differing), more=more
        )

    def _differing(
        self, connection: Connection[Any]
    ) -> tuple[list[tuple[Range, tuple[Held, ...]]], bool]:
        found: list[tuple[Range, tuple[Held, ...]]] = []
        total = 0
        for asked, held in self._by_range(connection):
            if (asked.count, asked.digest) == (len(held), _sum(held)):
                continue
            if total and total + len(held) > _MAX_HELD:
                return found, True
            if len(held) > _MAX_IN_PART:
                found.append(_beginning(asked, held))
                return found, True
            found.append((asked, tuple(held)))
            total += len(held)
        return found, False

    def _by_range(self, connection: Connection[Any]) -> Iterator[tuple[Range, list[Held]]]:
        """Yield each range with what is held in it, in order; of a long one the beginning."""
        ranges = iter(zip(self._message.ranges, self._ends, strict=True))
        held: list[Held] = []
        asked, end = next(ranges, (None, None))
        for one in self._held(connection):
            if asked is None:
                return
            key = one.key.task_id.encode()
            while end is not None and key > end:
                yield asked, held
                held = []
                asked, end = next(ranges)
            held.append(one)
            if len(held) > _MAX_IN_PART:
                yield asked, held
                return
        while asked is not None:
            yield asked, held
            held = []
            asked, end = next(ranges, (None, None))

    def _held(self, connection: Connection[Any]) -> Iterator[Held]:
        """Yield what is held of the store, in order of the keys."""
        after: dict[str, object] = {"task_id": "", "archived": False}
        while True:
            rows = connection.execute(
                statements.HELD, {**self._place, **after, "limit": _CHUNK}
            ).fetchall()
            for task_id, archived, fingerprint in rows:
                key = Key(task_id=task_id, archived=archived)
                yield Held(key=key, fingerprint=fingerprint)
            if len(rows) < _CHUNK:
                return
            after = {"task_id": rows[-1][0], "archived": rows[-1][1]}


def _ends(ranges: Sequence[Range]) -> list[bytes | None]:
    """Return the last id of each range, as bytes."""
    try:
        ends = [None if one.upto is None else one.upto.encode() for one in ranges]
        begins = [one.after.encode() for one in ranges]
    except UnicodeEncodeError:
        raise LabRefusedError("A range ends at an id that is not text.") from None
    if ranges and (begins[0] != b"" or ends[-1] is not None):
        raise LabRefusedError("The ranges do not cover every id, from none to the last.")
    for begin, end, following in zip(begins, ends, begins[1:], strict=False):
        if end is None or end <= begin or following != end:
            raise LabRefusedError("The ranges are not one after the other.")
    return ends


def _sum(held: Sequence[Held]) -> str:
    return f"{sum(int(one.fingerprint, 16) for one in held) % 2**128:032x}"


def _beginning(asked: Range, held: Sequence[Held]) -> tuple[Range, tuple[Held, ...]]:
    """Return the first part of a range of which more is held than an answer has room for.

    A live task and an archived one of the same id stay together.
    """
    part: list[Held] = []
    upto = asked.upto
    for task_id, of_id in groupby(held, key=lambda one: one.key.task_id):
        if len(part) >= _MAX_IN_PART - 1:
            break
        part += of_id
        upto = task_id
    return asked.model_copy(update={"upto": upto}), tuple(part)
