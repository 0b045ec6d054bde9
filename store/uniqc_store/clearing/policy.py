"""The operator's limits on every clear."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from uniqc_store import validation
from uniqc_store.errors import InvalidValueError
from uniqc_store.tasks import TERMINAL_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearPolicy:
    """The operator's limits on every clear.

    No policy allows clearing a task that is not finished, or that has a platform job which is
    not.

    Attributes:
        statuses: Finished statuses that may be cleared.
        min_age: Least time since the last update of a task.
        backends: Labels or platforms, as in ``TaskFilter``; empty for all.
        max_rows: Most tasks per clear; None for no limit.

    Raises:
        InvalidValueError: A status is not a finished one, or there is none; the age is negative;
            a backend is empty; or the limit is below 1.
    """

    statuses: tuple[str, ...] = TERMINAL_STATUSES
    min_age: timedelta = timedelta(0)
    backends: tuple[str, ...] = ()
    max_rows: int | None = None

    def __post_init__(self) -> None:
        """Check the limits."""
        for status in self.statuses:
            if status not in TERMINAL_STATUSES:
                raise InvalidValueError(
                    "statuses", f"{status!r} is not one of {', '.join(TERMINAL_STATUSES)}"
                )
        if not self.statuses:
            raise InvalidValueError("statuses", "must name at least one")
        if self.min_age < timedelta(0):
            raise InvalidValueError("min_age", "must not be negative")
        for backend in self.backends:
            validation.filled_text("backends", backend)
        if self.max_rows is not None and validation.integer("max_rows", self.max_rows) < 1:
            raise InvalidValueError("max_rows", "must be 1 or more")
