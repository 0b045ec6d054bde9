"""Models of a group of tasks, and of a count by groups."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import Field

from uniqc_mcp.responses.base import (
    OMIT_EMPTY,
    Absent,
    Answer,
    OptionalText,
    StoreField,
    Wire,
)
from uniqc_mcp.responses.json_schema import Named
from uniqc_mcp.responses.text import counted, is_or_are, plural
from uniqc_mcp.safety.display import word
from uniqc_mcp.tasks.models import ENVELOPE_TOKENS
from uniqc_mcp.tasks.policy_model import PolicyView
from uniqc_mcp.token_budget import ANSWER, how_many_fit, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import Group

MAX_GROUPS: Final = 100

_GROUP_TOKENS: Final = 45
"""Tokens of a group without its labels."""


class GroupView(Wire):
    """The number of tasks of one status and backend; a label not grouped by is left out."""

    status: OptionalText
    backend: OptionalText
    count: int

    @classmethod
    def of(cls, group: Group, sanitizer: Sanitizer) -> Self:
        """Return the view of a group."""
        return cls(
            status=sanitizer.one_line("status", group.status),
            backend=sanitizer.one_line("backend", group.backend),
            count=group.count,
        )

    @property
    def size(self) -> int:
        """The most tokens it takes in an answer, as text and as structured content together."""
        return _GROUP_TOKENS + 2 * (max_tokens_of(self.status) + max_tokens_of(self.backend))


GroupViews = Annotated[list[GroupView], Named(), OMIT_EMPTY]


def largest_groups(
    groups: Sequence[Group], sanitizer: Sanitizer, *, tokens: int = ANSWER - ENVELOPE_TOKENS
) -> tuple[list[GroupView], list[str]]:
    """Return the groups to show, and a note if there are others.

    Args:
        groups: All groups, the largest first.
        sanitizer: The sanitizer of the answer.
        tokens: The most tokens that the groups may take.
    """
    views = [GroupView.of(group, sanitizer) for group in groups[:MAX_GROUPS]]
    shown = views[: how_many_fit((view.size for view in views), tokens)]
    hidden = groups[len(shown) :]
    shown = _by_backend(shown)
    tasks = sum(group.count for group in hidden)
    if not hidden:
        return shown, []
    groups_are = f"{len(hidden)} smaller {plural('group', len(hidden))} {is_or_are(len(hidden))}"
    tasks_are = f"{tasks} {plural('task', tasks)} {is_or_are(tasks)}"
    them = "it" if len(hidden) == 1 else "them"
    return shown, [f"{groups_are} not shown; {tasks_are} in {them}."]


def _by_backend(groups: Sequence[GroupView]) -> list[GroupView]:
    """Return the groups of one backend together, the backend with the most tasks first."""
    tasks: Counter[str] = Counter()
    for group in groups:
        tasks[group.backend] += group.count
    # Where all are of one backend, or each of another, the largest stay first.
    return sorted(
        groups, key=lambda group: (-tasks[group.backend], group.backend, -group.count, group.status)
    )


class TaskCounts(Answer):
    """The number of tasks, as a whole and by groups."""

    matching: str
    total: int
    groups: GroupViews
    digest: OptionalText = ""
    store: StoreField

    def text(self) -> str:
        """Return a line of the total, one for each group, and the digest if there is one."""
        lines = [f"{counted(self.total, self.matching)}. {self.store.source}"]
        for group in self.groups:
            labels = " on ".join(word(label) for label in (group.status, group.backend) if label)
            lines.append(f"- {labels or '(empty)'}: {group.count}")
        if self.digest:
            lines.append(f"Digest of these tasks and their platform jobs: {self.digest}")
        return "\n".join([*lines, *self.store.notes])


class StoreSummary(TaskCounts):
    """The number of tasks in the store by status, and the operator's limits on clearing."""

    policy: Annotated[PolicyView | Absent, Field(description="Absent: nothing.")] = None
