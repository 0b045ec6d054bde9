"""The operator's limits on clearing, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from uniqc_mcp.responses.base import OptionalInt, OptionalTexts, Wire

if TYPE_CHECKING:
    from uniqc_mcp.settings import ClearSettings


class PolicyView(Wire):
    """The limits of every clear.

    Attributes:
        statuses: Finished statuses that may be cleared.
        backends: Labels or platforms that may be cleared; empty for all.
        min_age_seconds: Least time since the last touch of a task.
        max_tasks: Most tasks at a time; None without a limit.
        asks_user: Whether the client's user has to agree.
        undo_seconds: How long a clear can be undone.
    """

    statuses: list[str]
    backends: OptionalTexts
    min_age_seconds: int
    max_tasks: OptionalInt = None
    asks_user: bool
    undo_seconds: int

    @classmethod
    def of(cls, settings: ClearSettings) -> Self:
        """Return the view of the settings."""
        policy = settings.policy
        return cls(
            statuses=list(policy.statuses),
            backends=list(policy.backends),
            min_age_seconds=int(policy.min_age.total_seconds()),
            max_tasks=policy.max_rows,
            asks_user=settings.confirm == "human",
            undo_seconds=int(settings.keep.total_seconds()),
        )

    def in_words(self) -> str:
        """Return the limits in one line."""
        backends = ", ".join(self.backends) or "all"
        most = "no limit" if self.max_tasks is None else str(self.max_tasks)
        return (
            f"Policy: statuses {', '.join(self.statuses)}; backends {backends}; untouched for "
            f"{self.min_age_seconds} s; tasks at a time {most}; "
            f"{'a person confirms' if self.asks_user else 'the plan suffices'}; undo for "
            f"{self.undo_seconds} s."
        )
