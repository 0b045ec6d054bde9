"""What was cleared, and what an undo put back, as lines and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from uniqc_mcp.clearing.cleared_models import ClearedTaskView
from uniqc_mcp.clearing.listing import NOTHING, ClearedTools
from uniqc_mcp.cli.output import echo
from uniqc_mcp.responses.text import plural
from uniqc_mcp.safety.display import word
from uniqc_mcp.safety.sanitizer import Sanitizer

if TYPE_CHECKING:
    from uniqc_store import TaskStore, UndoResult

_PAGE: Final = 500


def print_receipts(store: TaskStore, *, as_json: bool) -> None:
    """Print a line for each receipt, or all as JSON, as list_cleared has them."""
    tools, sanitizer = ClearedTools(store), Sanitizer()
    views = [tools.view_of(receipt, sanitizer) for receipt in store.receipts()]
    if as_json:
        echo(json.dumps([view.model_dump(mode="json", exclude_none=True) for view in views]))
        return
    for view in views:
        echo(view.line)
    if not views:
        echo(NOTHING)


def print_tasks(store: TaskStore, receipt: str, *, as_json: bool) -> None:
    """Print a line, or an object of JSON Lines, for each task of a receipt."""
    cursor, sanitizer = "", Sanitizer()
    while True:
        page = store.cleared_tasks().page(receipt, limit=_PAGE, cursor=cursor)
        for record in page.records:
            view = ClearedTaskView.of(record, sanitizer)
            echo(view.model_dump_json() if as_json else view.line)
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
