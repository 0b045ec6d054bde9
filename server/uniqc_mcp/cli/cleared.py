"""What was cleared, and what an undo put back, as lines and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from uniqc_mcp.clearing.receipt_states import STATES
from uniqc_mcp.cli.output import echo
from uniqc_mcp.responses.text import plural, told_time
from uniqc_mcp.responses.times import recorded_time
from uniqc_mcp.safety.display import word
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.text import task_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store import Receipt, TaskStore, UndoResult

_PAGE: Final = 500


def print_receipts(receipts: Sequence[Receipt], *, as_json: bool) -> None:
    """Print a line for each receipt, or all as JSON."""
    if as_json:
        echo(json.dumps([asdict(receipt) for receipt in receipts], indent=2))
        return
    for each in receipts:
        echo(
            f"{each.receipt_id}  {recorded_time(each.cleared_at)}  {each.held} of "
            f"{each.planned} {plural('task', each.planned)}, {STATES[each.state]}"
        )
    if not receipts:
        echo("Nothing was cleared that could be put back.")


def print_tasks(store: TaskStore, receipt: str, *, as_json: bool) -> None:
    """Print a line, or an object of JSON Lines, for each task of a receipt."""
    cursor, sanitizer = "", Sanitizer()
    while True:
        page = store.cleared_tasks().page(receipt, limit=_PAGE, cursor=cursor)
        for record in page.records:
            texts = {
                name: sanitizer.one_line(name, getattr(record, name))
                for name in ("task_id", "name", "status", "backend")
            }
            submitted_at = recorded_time(record.submit_time)
            if as_json:
                echo(json.dumps({**texts, "submitted_at": submitted_at}))
            else:
                echo(f"{task_label(**texts)}, submitted {told_time(submitted_at)}")
        if not (cursor := page.next_cursor):
            return


def print_undone(undone: UndoResult) -> None:
    """Print what an undo put back, and the tasks that it did not, with the reason of each."""
    echo(f"Put back: {undone.restored} {plural('task', undone.restored)}.")
    for reason in undone.reasons:
        echo(f"Not put back, {reason.text}: {reason.count}.")
    sanitizer = Sanitizer()
    for leftover in undone.leftovers:
        task_id = word(sanitizer.one_line("task_id", leftover.task_id))
        echo(f"- {task_id}: {leftover.reason}")
    if undone.held:
        echo(f"Still held under the receipt: {undone.held}.")
