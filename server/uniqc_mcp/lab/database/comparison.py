"""A comparison of a machine's digests with the fingerprints that are held of its store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.database import schema, statements
from uniqc_mcp.lab.database.batch import NO_DIGEST
from uniqc_mcp.lab.database.quota import check_number_of_stores
from uniqc_mcp.lab.errors import LabRefusedError
from uniqc_mcp.lab.exchange import Compared, Held, Key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection

    from uniqc_mcp.lab.exchange import Compare, Range

_CHUNK: Final = 5_000
"""Fingerprints that are read at a time."""

_MAX_HELD: Final = 100_000
"""Fingerprints after which an answer ends: 10 MB of JSON.

A machine has a thousand tasks in a range. More are held where it was emptied, or restored.
"""


class Comparison:
    """One comparison.

    Args:
        owner: The owner of the store.
        message: The digests of the machine.
        max_stores: Most stores of the owner.

    Raises:
        LabRefusedError: The ranges overlap, or are not in order.
    """

    def __init__(self, owner: str, message: Compare, *, max_stores: int) -> None:
        """Check the ranges."""
        self._message = message
        self._max_stores = max_stores
        self._place: dict[str, object] = {"owner": owner, "store_id": message.store_id}
        _check(message.ranges)

    def run(self, connection: Connection[Any]) -> Compared:
        """Compare in one transaction, which also notes that the machine was heard from."""
        message = self._message
        heard = {
            **self._place,
            "machine": message.machine.replace("\0", ""),
            "schema_version": message.schema_version,
            "nothing": NO_DIGEST,
        }
        found = connection.execute(statements.HEAR, heard).fetchone()
        if found is None:
            raise AssertionError("an upsert returns its row")
        revision, count, digest = found
        if not revision:
            check_number_of_stores(connection, self._place, self._max_stores)
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
        for run in _runs(self._message.ranges):
            held = self._held(connection, run[0].after, run[-1].upto)
            for asked, part in _by_range(run, held):
                if (asked.count, asked.digest) != (len(part), _sum(part)):
                    found.append((asked, tuple(part)))
                    total += len(part)
                if total >= _MAX_HELD:
                    return found, True
        return found, False

    def _held(self, connection: Connection[Any], after: str, upto: str | None) -> Iterator[Held]:
        """Yield what is held of the store between two ids, in order of the keys."""
        # True: the archived task of the first id itself is not in the range either.
        place: dict[str, object] = {"task_id": after, "archived": True}
        while True:
            asked = {**self._place, **place, "upto": upto, "limit": _CHUNK}
            rows = connection.execute(statements.HELD, asked).fetchall()
            for task_id, archived, fingerprint in rows:
                key = Key(task_id=task_id, archived=archived)
                yield Held(key=key, fingerprint=fingerprint)
            if len(rows) < _CHUNK:
                return
            place = {"task_id": rows[-1][0], "archived": rows[-1][1]}


def _by_range(run: Sequence[Range], held: Iterator[Held]) -> Iterator[tuple[Range, list[Held]]]:
    """Yield each of some adjoining ranges with what is held in it; of a long one the beginning."""
    following = next(held, None)
    for asked in run:
        end = None if asked.upto is None else asked.upto.encode()
        part: list[Held] = []
        while following is not None and (end is None or following.key.task_id.encode() <= end):
            part.append(following)
            if len(part) == _MAX_HELD:
                break
            following = next(held, None)
        yield asked, part


def _check(ranges: Sequence[Range]) -> None:
    """Raise ``LabRefusedError`` if ranges overlap or are not in the order of the ids' bytes."""
    last: bytes | None = b""
    for one in ranges:
        try:
            after = one.after.encode()
            upto = None if one.upto is None else one.upto.encode()
        except UnicodeEncodeError:
            raise LabRefusedError("A range ends at an id that is not text.") from None
        if last is None or after < last or (upto is not None and upto <= after):
            raise LabRefusedError("The ranges are not one after the other.")
        if b"\0" in after or (upto and b"\0" in upto):
            raise LabRefusedError("A range ends at an id with a NUL.")
        last = upto


def _runs(ranges: Sequence[Range]) -> Iterator[list[Range]]:
    """Yield the ranges in groups, of which each begins where the one before ends."""
    run: list[Range] = []
    for one in ranges:
        if run and run[-1].upto != one.after:
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _sum(held: Sequence[Held]) -> str:
    return f"{sum(int(one.fingerprint, 16) for one in held) % 2**128:032x}"
