"""Plans that wait for their commit, in the file of copies: good once, for ten minutes.

They are not in memory, because some clients start a server for each call: the plan is made in one
process and committed in another.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from uniqc_store.clearing import pending_statements as statements
from uniqc_store.clearing import plan_content
from uniqc_store.clearing.cleared_connections import ClearedConnections, free_pages
from uniqc_store.database.connection import transaction
from uniqc_store.database.files import CLEARED_FILENAME
from uniqc_store.errors import InvalidValueError, PlanAlteredError

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_store.clearing.plan import ClearPlan
    from uniqc_store.database.connection import Access

PLAN_LIFETIME = timedelta(minutes=10)
MAX_PENDING_PLANS = 8
"""Most plans at a time. One more evicts the oldest."""

MAX_PLANNED_ROWS = 250_000
"""Most rows of all plans together, which take about 25 MB. More evict the oldest plans."""

MAX_PLAN_BYTES = 64 * 2**20
"""Most bytes of one plan: ids of tasks may be of any length."""

_MAX_FREE_PAGES = 256
_CLOCK_SKEW = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPlan:
    """A plan that waits for its commit.

    Attributes:
        plan_id: The id that commits it. It is in no file.
        plan: The plan. One that comes from the file has no examples, times and exclusions.
        expires_at: The time from which it is good no more.
        asks_user: True if a user has to confirm it, also where the commit needs no consent.
        matching: The filter of the plan in words, for the answer to its commit.
    """

    plan_id: str
    plan: ClearPlan
    expires_at: datetime
    asks_user: bool
    matching: str = ""


class PendingPlans:
    """The pending plans of one store, shared by all processes. Safe to use from many threads.

    Every method raises :class:`StoreError` if the file of copies can't be used.

    Args:
        store: The store that the plans are of. It is neither opened nor written.
        clock: The current time.
    """

    def __init__(self, store: Access, clock: Callable[[], datetime]) -> None:
        """Name the file; it is opened and, with the first plan, created later."""
        self._path = store.path.with_name(CLEARED_FILENAME)
        self._file = ClearedConnections(self._path, store)
        self._clock = clock

    def add(self, plan: ClearPlan, *, asks_user: bool, matching: str = "") -> PendingPlan:
        """Keep a plan under an id that can't be guessed, and delete those that have expired.

        Args:
            plan: The plan.
            asks_user: True if a user has to confirm it.
            matching: The filter of the plan in words.

        Raises:
            InvalidValueError: The plan is too large.
        """
        now = self._clock()
        pending = PendingPlan(
            plan_id=f"plan_{secrets.token_urlsafe(16)}",
            plan=plan,
            expires_at=now + PLAN_LIFETIME,
            asks_user=asks_user,
            matching=matching,
        )
        content = plan_content.pack(
            plan, expires_at=pending.expires_at, asks_user=asks_user, matching=matching
        )
        if len(plan.rows) > MAX_PLANNED_ROWS or len(content) > MAX_PLAN_BYTES:
            raise InvalidValueError(
                "plan",
                f"{len(plan.rows)} tasks are too many to keep a plan of; narrow the filter",
            )
        added = self._at(now) | {
            "plan_key": plan_content.key_of(pending.plan_id),
            "made_at": _microseconds(now),
            "expires_at": _microseconds(pending.expires_at),
            "row_count": len(plan.rows),
            "content": content,
            "seal": plan_content.seal_of(pending.plan_id, content),
        }
        bounds = {"most_plans": MAX_PENDING_PLANS, "most_rows": MAX_PLANNED_ROWS}
        with self._file.opened_to_write() as connection:
            with transaction(connection):
                connection.execute(statements.CREATE_PLANS)
                connection.execute(statements.DELETE_EXPIRED, self._at(now))
                connection.execute(statements.ADD, added)
                connection.execute(statements.DELETE_BEYOND, bounds)
            (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
            if pages > _MAX_FREE_PAGES:
                free_pages(connection)
        return pending

    def get(self, plan_id: str) -> PendingPlan | None:
        """Return the plan with this id; None if there is none, or it has expired.

        Raises:
            PlanAlteredError: It is not as it was made.
        """
        if not self._file.read(statements.HAS_PLANS):
            return None
        found = self._file.read(statements.GET, self._asked(plan_id))
        return self._checked(plan_id, found[0]) if found else None

    def take(self, plan_id: str) -> PendingPlan | None:
        """Delete the plan with this id and return it; None if there is none, or it has expired.

        Of several processes that take a plan at once, one gets it.

        Raises:
            PlanAlteredError: It was not as it was made. It is deleted too.
        """
        if not self._file.read(statements.HAS_PLANS):
            return None
        asked = self._asked(plan_id)
        with self._file.opened_to_write() as connection, transaction(connection):
            found = connection.execute(statements.TAKE, asked).fetchall()
            connection.execute(statements.DELETE_EXPIRED, self._at(self._clock()))
        return self._checked(plan_id, found[0]) if found else None

    def seconds_left(self, pending: PendingPlan) -> float:
        """Return the seconds until a plan expires; negative if it has expired."""
        return (pending.expires_at - self._clock()).total_seconds()

    def _at(self, now: datetime) -> dict[str, object]:
        return {"now": _microseconds(now), "latest": _microseconds(now + _CLOCK_SKEW)}

    def _asked(self, plan_id: str) -> dict[str, object]:
        return self._at(self._clock()) | {"plan_key": plan_content.key_of(plan_id)}

    def _checked(self, plan_id: str, found: tuple[object, object]) -> PendingPlan | None:
        """Return the plan of a row; None if it has expired by its sealed content."""
        content, seal = found
        # A table that another program made may hold values of any type.
        if not (isinstance(content, bytes) and isinstance(seal, bytes)):
            raise PlanAlteredError(self._path)
        if not plan_content.is_sealed(plan_id, content, seal):
            raise PlanAlteredError(self._path)
        plan, expires_at, asks_user, matching = plan_content.unpack(content)
        pending = PendingPlan(
            plan_id=plan_id,
            plan=plan,
            expires_at=expires_at,
            asks_user=asks_user,
            matching=matching,
        )
        return pending if self.seconds_left(pending) > 0 else None


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND
