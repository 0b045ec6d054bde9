"""The reasons why tasks were not planned, or not cleared, in an answer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Self

from uniqc_mcp.responses.base import Absent, Wire
from uniqc_mcp.safety.display import word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import Reason

_MAX_STATUSES = 8
"""Statuses told apart for each reason. A file may hold any number of them."""


class ReasonView(Wire):
    """The number of tasks that are not cleared for one reason, by status where that is known."""

    reason: str
    count: int
    statuses: dict[str, int] | Absent = None

    @classmethod
    def of(cls, text: str, reasons: Sequence[Reason], sanitizer: Sanitizer) -> Self:
        """Return the view of one reason: the most frequent statuses, and "others" for the rest."""
        counts: Counter[str] = Counter()
        for number, reason in enumerate(reason for reason in reasons if reason.status):
            shown = sanitizer.one_line("status", reason.status)
            counts[shown if number < _MAX_STATUSES else "others"] += reason.count
        total = sum(reason.count for reason in reasons)
        return cls(reason=text, count=total, statuses=dict(counts) or None)

    @property
    def in_words(self) -> str:
        """The reason, the number, and the statuses in one line."""
        told = ", ".join(
            f"{count} {word(status)}" for status, count in (self.statuses or {}).items()
        )
        return f"{self.reason}: {self.count}{f' ({told})' if told else ''}"


def reasons_in(reasons: Iterable[Reason], sanitizer: Sanitizer) -> list[ReasonView]:
    """Return a view of each reason, the same ones together."""
    by_text: dict[str, list[Reason]] = {}
    for reason in reasons:
        by_text.setdefault(reason.text, []).append(reason)
    return [ReasonView.of(text, same, sanitizer) for text, same in by_text.items()]
