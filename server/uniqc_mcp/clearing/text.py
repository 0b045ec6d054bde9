"""The answers about clearing as text; apart, so that a server that only reads starts without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_mcp.clearing.models import ClearAnswer, UndoAnswer
from uniqc_mcp.responses.text import in_quotes, plural, source_of, text_of, told_time, word

if TYPE_CHECKING:
    from collections.abc import Iterator


@text_of.register(ClearAnswer)
def _(answer: ClearAnswer) -> str:
    return "\n".join([*_clear_lines(answer), f"({source_of(answer.store)})", *answer.store.notes])


def _clear_lines(answer: ClearAnswer) -> Iterator[str]:
    if answer.plan_id:
        yield (
            f"Plan: clear {answer.matched} {plural('task', answer.matched)}, {answer.bytes} bytes "
            f"of results and metadata, submitted {told_time(answer.oldest)} to "
            f"{told_time(answer.newest)}."
        )
    yield answer.message
    for group in answer.groups:
        yield f"- {group.count} {word(group.status)} on {word(group.backend)}"
    for example in answer.examples:
        name = f" {in_quotes(example.name)}" if example.name else ""
        words = f"{word(example.status)} on {word(example.backend)}"
        yield f"  such as {word(example.task_id)}{name} {words}"
    for reason in answer.excluded:
        yield f"- left out, {reason.reason}: {reason.count}"
    for reason in answer.skipped:
        yield f"- kept, {reason.reason}: {reason.count}"
    if answer.plan_id:
        yield f"plan_id: {answer.plan_id} (until {answer.expires_at})"


@text_of.register(UndoAnswer)
def _(answer: UndoAnswer) -> str:
    return "\n".join([answer.message, f"({source_of(answer.store)})", *answer.store.notes])
