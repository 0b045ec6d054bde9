"""The operator's limits on clearing, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from uniqc_mcp.responses.base import OptionalTexts, Wire
from uniqc_mcp.responses.times import exact_duration
from uniqc_store import MAX_PLANNED_ROWS

if TYPE_CHECKING:
    from uniqc_mcp.settings import ClearSettings


class PolicyView(Wire):
    """The limits of every clear.

    Attributes:
        statuses: Finished statuses that may be cleared.
        backends: Labels or platforms that may be cleared; empty for all.
        min_age: Least time since the last touch of a task, such as ``7 d``.
        max_tasks: Most tasks of a plan.
        asks_user: Whether the client's user has to agree.
        undo_for: Time for which a clear can be undone.
    """

    statuses: list[str]
    backends: OptionalTexts
    min_age: str
    max_tasks: int
    asks_user: bool
    undo_for: str

    @classmethod
    def of(cls, settings: ClearSettings) -> Self:
        """Return the view of the settings."""
        policy = settings.policy
        return cls(
            statuses=list(policy.statuses),
            backends=list(policy.backends),
            min_age=exact_duration(int(policy.min_age.total_seconds())),
            max_tasks=min(policy.max_rows or MAX_PLANNED_ROWS, MAX_PLANNED_ROWS),
            asks_user=settings.confirm == "human",
            undo_for=exact_duration(int(settings.keep.total_seconds())),
        )

    def in_words(self) -> str:
        """Return the limits in one line."""
        backends = ", ".join(self.backends) or "all"
        return (
            f"Policy: statuses {', '.join(self.statuses)}; backends {backends}; untouched for "
            f"{self.min_age}; at most {self.max_tasks} tasks at a time; "
            f"{'a person confirms' if self.asks_user else 'the plan suffices'}; undo for "
            f"{self.undo_for}."
        )
