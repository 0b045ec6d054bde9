"""What was found out about one state of the file.

Counting a million tasks takes a while, and most of the time nobody has written since they were
counted last. So a store remembers what it found out, for as long as the signature of the file is
the same, and no longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from uniqc_store.database.files import Signature

Found = TypeVar("Found")

MAX_ENTRIES = 64
"""Facts that are kept at a time."""

MAX_ENTRY_BYTES = 64 * 1024
"""Bytes of one that is remembered, as far as its size is not bounded anyway."""


_UNKNOWN = object()


class StateCache:
    """What is known of one state of the file."""

    def __init__(self) -> None:
        self._facts: dict[Hashable, object] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._facts

    def get_or_compute(
        self,
        key: Hashable,
        compute: Callable[[], Found],
        *,
        size: Callable[[Found], int] | None = None,
    ) -> Found:
        """What is known under a key, found out now if it isn't yet.

        Two threads may both find it out; they find the same. What is larger than
        ``MAX_ENTRY_BYTES``, by the function that tells its bytes, is not remembered.
        """
        known = self._facts.get(key, _UNKNOWN)
        if known is not _UNKNOWN:
            return cast("Found", known)
        found = compute()
        if size is not None and size(found) > MAX_ENTRY_BYTES:
            return found
        if len(self._facts) >= MAX_ENTRIES:
            self._facts.clear()
        self._facts[key] = found
        return found


class SnapshotCache:
    """The facts of the file as it is now."""

    def __init__(self) -> None:
        self._kept: tuple[Signature, StateCache] | None = None

    def of(self, signature: Signature | None) -> StateCache:
        """The facts of this state; none yet, if it is another one than before.

        Args:
            signature: Of a state that is certain to have another one as soon as somebody
                writes; None if that isn't certain, and what is found out is forgotten.
        """
        if signature is None:
            return StateCache()
        kept = self._kept
        if kept is not None and kept[0] == signature:
            return kept[1]
        cache = StateCache()
        self._kept = signature, cache
        return cache
