"""The answer to a wait as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_mcp.responses.text import in_quotes, plural, source_of, task_line, text_of, word
from uniqc_mcp.waiting.models import ChangeView, WaitAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator


@text_of.register(WaitAnswer)
def _(answer: WaitAnswer) -> str:
    return "\n".join(_lines(answer))


def _lines(answer: WaitAnswer) -> Iterator[str]:
    yield f"{_said(answer)} {source_of(answer.store)}"
    for change in answer.changes:
        yield f"- {_change(change)}"
    if (more := answer.changes_total - len(answer.changes)) > 0:
        yield f"- and {more} more changed; list_tasks with status=any shows them"
    if answer.finished:
        yield "Finished before:"
        for change in answer.finished:
            yield f"- {_change(change)}"
    yield from _active_lines(answer)
    yield f"To go on waiting: cursor={in_quotes(answer.cursor)}."
    yield from answer.store.notes


def _active_lines(answer: WaitAnswer) -> Iterator[str]:
    if answer.active_total:
        yield f"Still active: {answer.active_total}"
    for task in answer.active:
        yield f"- {task_line(task)}"
        if task.error:
            yield f"  error: {in_quotes(task.error)}"
    if (more := answer.active_total - len(answer.active)) > 0:
        yield f"- and {more} more; list_tasks shows them"


def _said(answer: WaitAnswer) -> str:
    seconds = f"{answer.waited_seconds} {plural('second', answer.waited_seconds)}"
    match answer.state:
        case "finished":
            return f"None of the {answer.matching} is active, after {seconds}."
        case "changed":
            return f"{answer.changes_total} of the {answer.matching} changed, after {seconds}."
        case "timeout" if answer.changes_total:
            changed = f"{answer.changes_total} of the {answer.matching} changed in {seconds}"
            return f"{changed}, but not all are finished."
        case "timeout":
            return f"None of the {answer.matching} changed in {seconds}."


def _change(change: ChangeView) -> str:
    name = f" {in_quotes(change.name)}" if change.name else ""
    before = f"{word(change.before)} -> " if change.before else ""
    when = f", updated {change.updated_at}" if change.updated_at else ""
    return (
        f"{word(change.task_id)}{name} {before}{word(change.status)} on "
        f"{word(change.backend)}{when}"
    )
