"""The waits that the client of one connection cancelled, and what follows for later ones.

Many clients cut every call after some seconds. Their model then never sees the answer of a wait
that lasts longer, and a change that such a wait had noticed would be lost.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

_SECONDS_EARLIER: Final = 1.0
_SHORTEST_WAIT: Final = 1.0
_MAX_REMEMBERED: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimit:
    """The time after which the client cancels a call, as far as it has shown.

    Attributes:
        cancelled_after: The shortest time after which it cancelled a wait, in seconds.
    """

    cancelled_after: float

    @property
    def seconds(self) -> float:
        """The longest wait whose answer still arrives in time."""
        return max(_SHORTEST_WAIT, self.cancelled_after - _SECONDS_EARLIER)

    @property
    def note(self) -> str:
        """The note on an answer that came sooner than it was asked for."""
        return (
            f"The client cancelled a wait after {self.cancelled_after:.0f} s, so waits of this "
            f"connection last {self.seconds:.0f} s at most; wait again with the cursor."
        )


class CancelledWaits:
    """The cancelled waits of one connection: their limit, and where each of them began."""

    def __init__(self) -> None:
        """Begin without any."""
        self._cursors: OrderedDict[Hashable, str] = OrderedDict()
        self.limit: CallLimit | None = None

    def learn(self, seconds: float) -> None:
        """Take note that a wait was cancelled after so many seconds.

        One that had hardly begun shows no limit: a person cancelled it, or it was sent while the
        server was still loading.
        """
        if seconds < _SHORTEST_WAIT:
            return
        if self.limit is None or seconds < self.limit.cancelled_after:
            self.limit = CallLimit(cancelled_after=seconds)

    def remember(self, asked: Hashable, cursor: str) -> None:
        """Remember the cursor at which a cancelled wait began, by what was asked."""
        self._cursors[asked] = cursor
        self._cursors.move_to_end(asked)
        while len(self._cursors) > _MAX_REMEMBERED:
            self._cursors.popitem(last=False)

    def cursor_of(self, asked: Hashable) -> str:
        """Return the cursor of the cancelled wait for the same tasks; empty if there is none."""
        return self._cursors.get(asked, "")

    def forget(self, asked: Hashable) -> None:
        """Forget the cancelled wait for these tasks, as a later one was answered."""
        self._cursors.pop(asked, None)
