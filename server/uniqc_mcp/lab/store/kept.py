"""Values computed from one state of a scope's tasks, kept until that state is another."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from uniqc_mcp.lab.store.state import revisions_in, state_in

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from uniqc_mcp.lab.database.shared_lookups import SharedLookups
    from uniqc_mcp.lab.database.trips import Rows
    from uniqc_mcp.lab.store.scope import Scope

Value = TypeVar("Value")

MAX_VALUES: Final = 256
"""Values of all scopes that are kept: pages of 20 tasks take some 10 MB together."""

MAX_VALUE_BYTES: Final = 64 * 1024
"""The largest value that is kept, where the caller gives its size."""

_ABSENT: Final = object()


class KeptState:
    """The values computed from one state, by key. Two threads may compute the same value.

    Args:
        rows: Those of ``stores_of``.

    Attributes:
        current_at: A time, of ``time.monotonic``, after which the database said that this is the
            present state; an answer from it is no older than that.
        is_past: Whether the database has said since that it is not.
        checks: The questions to the database whether it is; None before the first.
    """

    def __init__(self, rows: Rows) -> None:
        self.revisions = revisions_in(rows)
        self.state = state_in(rows)
        self.current_at = 0.0
        self.is_past = False
        self.checks: SharedLookups[str, bool] | None = None
        self._values: dict[Hashable, Any] = {}

    @property
    def number(self) -> int:
        """The number of values, with the state itself as one."""
        return 1 + len(self._values)

    def get_or_compute(
        self,
        key: Hashable,
        compute: Callable[[], Value],
        *,
        size: Callable[[Value], int] | None = None,
    ) -> Value:
        """Return the value for a key, computed once; ``size`` gives the bytes of a large one."""
        found = self._values.get(key, _ABSENT)
        if found is not _ABSENT:
            return cast("Value", found)
        value = compute()
        if size is None or size(value) <= MAX_VALUE_BYTES:
            if len(self._values) >= MAX_VALUES:
                self._values.clear()
            self._values[key] = value
        return value


class KeptStates:
    """The state of each scope that was read last. Those not read for longest are forgotten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._states: OrderedDict[Scope, KeptState] = OrderedDict()

    def newest(self, scope: Scope) -> KeptState | None:
        """Return the state of a scope that was read last; None if none is known."""
        with self._lock:
            if scope in self._states:
                self._states.move_to_end(scope)
            return self._states.get(scope)

    def of(self, scope: Scope, rows: Rows, *, asked_at: float) -> KeptState:
        """Return the state in rows of ``stores_of``, without values if it is a new one.

        Args:
            scope: The scope.
            rows: The rows.
            asked_at: The time before they were asked for.
        """
        kept = self.newest(scope)
        if kept is None or kept.is_past or kept.revisions != revisions_in(rows):
            kept = KeptState(rows)
        kept.current_at = max(kept.current_at, asked_at)
        with self._lock:
            self._states[scope] = kept
            while len(self._states) > 1 and self.number > MAX_VALUES:
                self._states.popitem(last=False)
        return kept

    def forget(self, scope: Scope, kept: KeptState) -> None:
        """Forget a state that is past, unless another one took its place."""
        with self._lock:
            if self._states.get(scope) is kept:
                del self._states[scope]

    @property
    def number(self) -> int:
        """The number of values of all states."""
        return sum(kept.number for kept in self._states.values())
