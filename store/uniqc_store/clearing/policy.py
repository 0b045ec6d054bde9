"""What an operator lets be cleared, whatever is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from uniqc_store import validation
from uniqc_store.errors import InvalidValueError
from uniqc_store.tasks import TERMINAL_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearPolicy:
    """The limits of every clear.

    A task that is not finished, or one of whose platform jobs is not, is never cleared.

    Attributes:
        statuses: Finished statuses that may be cleared.
        min_age: How long ago a task must have been touched last.
        backends: Labels or platforms, as in ``TaskFilter``; empty for all.
        max_rows: Tasks per clear; None for no limit.

    Raises:
        InvalidValueError: A status that is not a finished one, a negative age, a limit below 1.
    """

    statuses: tuple[str, ...] = TERMINAL_STATUSES
    min_age: timedelta = timedelta(0)
    backends: tuple[str, ...] = ()
    max_rows: int | None = None

    def __post_init__(self) -> None:
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
