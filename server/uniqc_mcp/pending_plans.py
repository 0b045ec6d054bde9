"""Plans that wait for their commit: held here, good once, and not for long."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from uniqc_store import ClearPlan

LIFETIME = timedelta(minutes=10)
MOST_PLANS = 8
"""A plan holds every row's identity; a ninth pushes out the oldest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPlan:
    """A plan and until when it is good."""

    plan_id: str
    plan: ClearPlan
    expires_at: datetime


class Plans:
    """The plans of one server process. Safe to use from many threads."""

    def __init__(self) -> None:
        self._held: dict[str, HeldPlan] = {}
        self._lock = Lock()

    def hold(self, plan: ClearPlan, now: datetime) -> HeldPlan:
        """Keep a plan, under an id that can't be guessed."""
        plan_id = f"plan_{secrets.token_urlsafe(12)}"
        held = HeldPlan(plan_id=plan_id, plan=plan, expires_at=now + LIFETIME)
        with self._lock:
            self._held[plan_id] = held
            while len(self._held) > MOST_PLANS:
                del self._held[next(iter(self._held))]
        return held

    def look(self, plan_id: str, now: datetime) -> HeldPlan | None:
        """The plan of this id; None if there is none, or it is no longer good."""
        with self._lock:
            held = self._held.get(plan_id)
            if held is not None and held.expires_at <= now:
                del self._held[plan_id]
                held = None
            return held

    def take(self, plan_id: str, now: datetime) -> HeldPlan | None:
        """The plan of this id, for the only time."""
        held = self.look(plan_id, now)
        with self._lock:
            return None if held is None else self._held.pop(plan_id, None)
