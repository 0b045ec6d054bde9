"""The answer about a task with whole parts of it: its result and its circuits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.errors import InvalidArgumentError
from uniqc_mcp.tasks.models import TaskView
from uniqc_mcp.tasks.shorten import shortened_task
from uniqc_mcp.tasks.task_detail import DETAIL_ENVELOPE, PAGE_ONLY, TaskDetail
from uniqc_mcp.tasks.whole_parts import IncludedPage
from uniqc_mcp.token_budget import ANSWER, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.tasks.task_detail import TaskAnswer
    from uniqc_mcp.tasks.whole_parts import Include, Part, Whole

_DETAIL_TOKENS: Final = 4_000
"""Tokens of the task's own fields in one channel, beside a whole part of it."""

PLOTTED_OUTCOMES: Final = 32
"""Outcomes that have a bar in a plot, and that an answer with one tells in words too."""

_EMPTY: Final[dict[str, Any]] = {
    **dict.fromkeys(("error", "archived_at", "cleared_at", "receipt"), ""),
    **{name: [] for name in ("notes", "shards", "circuits", "redacted", "damaged")},
    "metadata": {},
}
"""The empty values of the fields that a later page leaves out; None for all others."""


def text_parts(include: Sequence[Include], cursor: str) -> tuple[list[Part], bool]:
    """Return the parts that are text, in pages, and whether the plot is asked for.

    A later page has no plot.

    Raises:
        InvalidArgumentError: There is a cursor, but no part that has pages.
    """
    parts: list[Part] = [part for part in include if part != "plot"]
    if cursor and not parts:
        raise InvalidArgumentError("cursor goes with include: give that of the page before.")
    return parts, "plot" in include and not cursor


def including(answer: TaskAnswer, whole: Whole, *, cursor: str) -> TaskAnswer:
    """Return an answer with as much of some parts as there is room for.

    Args:
        answer: The answer without them.
        whole: The parts.
        cursor: ``next_cursor`` of the page before. A later page has the parts alone, unless the
            record has changed and it begins again.
    """
    if cursor and whole.is_continued_by(cursor):
        notes = [*answer.store.notes, PAGE_ONLY]
        store = answer.store.model_copy(update={"notes": notes})
        shorter = answer.model_copy(update={"task": _without_record(answer.task), "store": store})
    else:
        shorter = shortened_task(answer, tokens=_DETAIL_TOKENS, uri="get_task without include")
    taken = DETAIL_ENVELOPE + 2 * max_tokens_of(shorter.task.model_dump_json(exclude_none=True))
    page = IncludedPage.read(whole, cursor=cursor, tokens=(ANSWER - taken) // 2)
    return shorter.model_copy(
        update={
            "task": shorter.task.model_copy(
                update={"redacted": [*dict.fromkeys([*answer.task.redacted, *page.redacted])]}
            ),
            "included": page.parts,
            "next_cursor": page.next_cursor,
            "store": shorter.store.model_copy(
                update={"notes": [*shorter.store.notes, *page.notes]}
            ),
        }
    )


def _without_record(task: TaskDetail) -> TaskDetail:
    kept = TaskView.model_fields.keys() - {"error", "note"}
    empty = {name: _EMPTY.get(name) for name in TaskDetail.model_fields.keys() - kept}
    return task.model_copy(update=empty)
