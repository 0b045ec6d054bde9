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

MOST_FACTS = 64
"""Facts that are kept at a time."""

LARGEST_FACT = 64 * 1024
"""Bytes of one that is remembered, as far as its size is not bounded anyway."""


_UNKNOWN = object()


class Facts:
    """What is known of one state of the file."""

    def __init__(self) -> None:
        self._facts: dict[Hashable, object] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._facts

    def recall(
        self,
        key: Hashable,
        find_out: Callable[[], Found],
        *,
        size: Callable[[Found], int] | None = None,
    ) -> Found:
        """What is known under a key, found out now if it isn't yet.

        Two threads may both find it out; they find the same. What is larger than
        ``LARGEST_FACT``, by the function that tells its bytes, is not remembered.
        """
        known = self._facts.get(key, _UNKNOWN)
        if known is not _UNKNOWN:
            return cast("Found", known)
        found = find_out()
        if size is not None and size(found) > LARGEST_FACT:
            return found
        if len(self._facts) >= MOST_FACTS:
            self._facts.clear()
        self._facts[key] = found
        return found


class Memory:
    """The facts of the file as it is now."""

    def __init__(self) -> None:
        self._kept: tuple[Signature, Facts] | None = None

    def of(self, signature: Signature | None) -> Facts:
        """The facts of this state; none yet, if it is another one than before.

        Args:
            signature: Of a state that is certain to have another one as soon as somebody
                writes; None if that isn't certain, and what is found out is forgotten.
        """
        if signature is None:
            return Facts()
        kept = self._kept
        if kept is not None and kept[0] == signature:
            return kept[1]
        facts = Facts()
        self._kept = signature, facts
        return facts
