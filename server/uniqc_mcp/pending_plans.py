"""Plans that wait for their commit: in memory, good once, and for ten minutes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from uniqc_mcp.responses.times import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from uniqc_store import ClearPlan

LIFETIME = timedelta(minutes=10)
MAX_PLANS = 8
"""Most plans at a time. One more evicts the oldest: each holds the identity of every row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPlan:
    """A plan, its id, and the time at which it expires."""

    plan_id: str
    plan: ClearPlan
    expires_at: datetime


class PendingPlans:
    """The plans of one server process. Safe to use from many threads.

    Args:
        clock: The current time.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        """Start without any plan."""
        self._clock = clock
        self._pending: dict[str, PendingPlan] = {}
        self._lock = Lock()

    def add(self, plan: ClearPlan) -> PendingPlan:
        """Hold a plan under an id that can't be guessed."""
        plan_id = f"plan_{secrets.token_urlsafe(12)}"
        pending = PendingPlan(plan_id=plan_id, plan=plan, expires_at=self._clock() + LIFETIME)
        with self._lock:
            self._pending[plan_id] = pending
            while len(self._pending) > MAX_PLANS:
                del self._pending[next(iter(self._pending))]
        return pending

    def get(self, plan_id: str) -> PendingPlan | None:
        """Return the plan with this id; None if there is none, or it has expired."""
        with self._lock:
            pending = self._pending.get(plan_id)
            if pending is not None and pending.expires_at <= self._clock():
                del self._pending[plan_id]
                pending = None
            return pending

    def pop(self, plan_id: str) -> PendingPlan | None:
        """Remove the plan with this id and return it; None if there is none, or it has expired."""
        pending = self.get(plan_id)
        with self._lock:
            return None if pending is None else self._pending.pop(plan_id, None)

    def seconds_left(self, pending: PendingPlan) -> float:
        """Return the seconds until a plan expires; negative if it has expired."""
        return (pending.expires_at - self._clock()).total_seconds()
