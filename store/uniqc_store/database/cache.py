"""Values computed from one state of the file, kept until somebody writes to it.

Counting a million tasks takes a while, and most of the time nobody has written since the last
count. A read of an unchanged file answers from here and opens no connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from uniqc_store.database.signature import Signature

Value = TypeVar("Value")

MAX_ENTRIES = 64
"""Values kept for one state of the file."""

MAX_ENTRY_BYTES = 64 * 1024
"""The largest size of a value that is kept, where the caller gives its size: 64 KiB.

Together with ``MAX_ENTRIES`` it bounds the cache of one store to 4 MiB of such values. A value
whose size the caller does not give has to be small by itself, such as a count.
"""

_ABSENT = object()


class StateCache:
    """The values computed from one state of the file, by key.

    Safe to use from several threads without a lock. Two of them may compute the same value; as
    both see the same state, it does not matter which one is kept.
    """

    def __init__(self) -> None:
        """Create an empty cache."""
        self._values: dict[Hashable, object] = {}

    def __contains__(self, key: Hashable) -> bool:
        """Return True if the value of this key is kept."""
        return key in self._values

    def get_or_compute(
        self,
        key: Hashable,
        compute: Callable[[], Value],
        *,
        size: Callable[[Value], int] | None = None,
    ) -> Value:
        """Return the value that is kept for a key, or compute it and keep it.

        A full cache is emptied before a value is added. That costs one computation of each of
        its values, and needs no record of which were used last.

        Args:
            key: What the value is of, arguments included. It has to determine the type too.
            compute: Reads the value from the file.
            size: Gives the bytes of a value that may be large. One of more than
                ``MAX_ENTRY_BYTES`` is returned and not kept. None for a value that is small by
                itself.
        """
        kept = self._values.get(key, _ABSENT)
        if kept is not _ABSENT:
            return cast("Value", kept)
        value = compute()
        if size is not None and size(value) > MAX_ENTRY_BYTES:
            return value
        if len(self._values) >= MAX_ENTRIES:
            self._values.clear()
        self._values[key] = value
        return value


class SnapshotCache:
    """The cache of the newest state of the file that was read, and no older one.

    A store and its nonblocking view share one. Safe to use from several threads: the pair of
    signature and cache is replaced as a whole.

    Attributes:
        file_was_read: True once a file was read. If there is none later, it vanished.
    """

    def __init__(self) -> None:
        """Create a cache that knows no state yet."""
        self._newest: tuple[Signature, StateCache] | None = None
        self.file_was_read = False

    def of(self, signature: Signature | None) -> StateCache:
        """Return the cache of one state of the file, an empty one for a new state.

        Args:
            signature: The signature of the state, if it is settled: any later write has to give
                the file another one. None if it is not; the values are then not kept after this
                read.
        """
        self.file_was_read = True
        if signature is None:
            return StateCache()
        newest = self._newest
        if newest is not None and newest[0] == signature:
            return newest[1]
        cache = StateCache()
        self._newest = signature, cache
        return cache
