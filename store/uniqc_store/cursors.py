"""Cursors into the pages of a filter: opaque text that says where the next page begins."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from uniqc_store.errors import InvalidValueError

if TYPE_CHECKING:
    from uniqc_store.filters import TaskFilter

_FINGERPRINT_BYTES = 4
_CHECKSUM_BYTES = 4
_CURSOR = struct.Struct(">qq?")
"""Head of a cursor: rowid, tasks up to here, whether the time is text. The time follows."""

_TOUCH_CURSOR = struct.Struct(">qqq???")
"""Head of a touch cursor: moment, rowid, tasks up to here, and three facts of its part.

The time of the part's edge follows.
"""

_LAST = 2**63 - 1
"""More than any moment; a rowid may be as large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The last task of a page by submit time; the next page begins after it.

    Attributes:
        time: The stored bytes of its submit time.
        is_text: Whether they are stored as text. A BLOB sorts after every text.
        rowid: Its rowid.
        seen: Number of tasks on the pages up to here.
    """

    time: bytes
    is_text: bool
    rowid: int
    seen: int

    def encode(self, task_filter: TaskFilter, order: str = "newest") -> str:
        """Return opaque text, valid with the filter and order of the page and no other."""
        head = _CURSOR.pack(self.rowid, self.seen, self.is_text)
        return encode_cursor(head + self.time, task_filter, order)

    @classmethod
    def decode(cls, text: str, task_filter: TaskFilter, order: str = "newest") -> Self:
        """Return the cursor that :meth:`encode` made text of.

        Raises:
            InvalidValueError: It is not a cursor, or it belongs to another filter or order.
        """
        packed = decode_cursor(text, _CURSOR.size, task_filter, order)
        rowid, seen, is_text = _CURSOR.unpack_from(packed)
        return cls(time=packed[_CURSOR.size :], is_text=is_text, rowid=rowid, seen=seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The recent tasks of a large file, or the rest of them.

    Recent are the tasks submitted at an edge or later, and the active ones.

    Attributes:
        edge: The stored bytes of a submit time.
        is_text: Whether they are stored as text.
        with_active: Whether the active tasks are among the recent ones. Where there are very many
            they are not.
        rest: Whether this is the rest.
    """

    edge: bytes
    is_text: bool
    with_active: bool
    rest: bool = False

    @property
    def other(self) -> Part:
        """The rest of the tasks."""
        return replace(self, rest=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchCursor:
    """The last task of a page by update time; the next page begins after it.

    Attributes:
        moment: Its update time; see ``time_conditions.TOUCHED``.
        rowid: Its rowid.
        seen: Number of tasks on the pages up to here.
        part: The tasks that are in order; None for all of them.
    """

    moment: int = _LAST
    rowid: int = _LAST
    seen: int
    part: Part | None

    @property
    def is_first(self) -> bool:
        """True if it is the place before the first task."""
        return self.moment == _LAST

    def encode(self, task_filter: TaskFilter, order: str = "updated") -> str:
        """Return opaque text, valid with the filter and order of the page and no other."""
        part = self.part or Part(edge=b"", is_text=False, with_active=False)
        facts = part.is_text, part.with_active, part.rest
        head = _TOUCH_CURSOR.pack(self.moment, self.rowid, self.seen, *facts)
        return encode_cursor(head + part.edge, task_filter, order)

    @classmethod
    def decode(cls, text: str, task_filter: TaskFilter, order: str = "updated") -> Self:
        """Return the cursor that :meth:`encode` made text of.

        Raises:
            InvalidValueError: It is not a cursor, or it belongs to another filter or order.
        """
        packed = decode_cursor(text, _TOUCH_CURSOR.size, task_filter, order)
        moment, rowid, seen, *facts = _TOUCH_CURSOR.unpack_from(packed)
        edge, (is_text, with_active, rest) = packed[_TOUCH_CURSOR.size :], facts
        part = Part(edge=edge, is_text=is_text, with_active=with_active, rest=rest)
        return cls(moment=moment, rowid=rowid, seen=seen, part=part if edge else None)


def encode_cursor(place: bytes, task_filter: TaskFilter, order: str) -> str:
    """Return a place as opaque text, valid with this filter and order and no other."""
    packed = task_filter.fingerprint(order) + place
    return base64.urlsafe_b64encode(packed + _checksum(packed)).decode().rstrip("=")


def decode_cursor(text: str, head_bytes: int, task_filter: TaskFilter, order: str) -> bytes:
    """Return the place that :func:`encode_cursor` made text of.

    Args:
        text: The cursor.
        head_bytes: The fewest bytes of a place.
        task_filter: The filter of the page.
        order: The order of the page.

    Raises:
        InvalidValueError: It is not a cursor, or it belongs to another filter or order.
    """
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        packed = b""
    packed, checksum = packed[:-_CHECKSUM_BYTES], packed[-_CHECKSUM_BYTES:]
    if len(packed) < _FINGERPRINT_BYTES + head_bytes or checksum != _checksum(packed):
        raise InvalidValueError(
            "cursor", "is not one that a page returned; leave it out for the first page"
        )
    if packed[:_FINGERPRINT_BYTES] != task_filter.fingerprint(order):
        raise InvalidValueError(
            "cursor",
            "belongs to other filters or another order; repeat those of its page",
        )
    return packed[_FINGERPRINT_BYTES:]


def _checksum(packed: bytes) -> bytes:
    """Return what tells a cursor from one that was cut or mistyped on its way.

    The place that is left of one that was cut is a place too, and the page after it another.
    """
    return zlib.crc32(packed).to_bytes(_CHECKSUM_BYTES)
