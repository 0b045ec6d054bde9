"""Receipts, cleared tasks and the outcome of an undo, as lines and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import click

from uniqc_mcp.clearing.cleared_models import ClearedTaskView
from uniqc_mcp.clearing.listing import NOTHING, view_of
from uniqc_mcp.cli.output import echo
from uniqc_mcp.errors import explain_store_error
from uniqc_mcp.responses.text import plural
from uniqc_mcp.safety.display import quoted, word
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_store import UnknownReceiptError

if TYPE_CHECKING:
    from uniqc_store import TaskStore, UndoResult

_PAGE: Final = 500
_MAX_NAMED: Final = 5
_WHICH_ARE_LEFT: Final = "`uniqc-mcp cleared` lists the receipts that are left."


def receipt_of(store: TaskStore, given: str) -> str:
    """Return the id of the one receipt that begins with a text.

    Raises:
        click.ClickException: None begins with it, or several do, which the message names.
    """
    found = [each for each in store.receipts() if given and each.receipt_id.startswith(given)]
    if len(found) == 1:
        return found[0].receipt_id
    if found:
        sanitizer = Sanitizer()
        views = [view_of(each, sanitizer) for each in found[:_MAX_NAMED]]
        named = "".join(f"\n  {view.line}" for view in views)
        more = "" if len(found) <= _MAX_NAMED else f"\n  and {len(found) - _MAX_NAMED} more"
        raise click.ClickException(
            f"{len(found)} receipts begin with {quoted(given)}; give more of one:{named}{more}"
        )
    unknown = explain_store_error(UnknownReceiptError(given))
    raise click.ClickException(f"{unknown} {_WHICH_ARE_LEFT}")


def latest_receipt(store: TaskStore) -> str:
    """Return the id of the newest receipt.

    Raises:
        click.ClickException: There is none.
    """
    for each in store.receipts():
        return each.receipt_id
    raise click.ClickException(NOTHING)


def print_receipts(store: TaskStore, *, as_json: bool) -> None:
    """Print a line for each receipt, or all as JSON, as list_cleared has them."""
    sanitizer = Sanitizer()
    views = [view_of(receipt, sanitizer) for receipt in store.receipts()]
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
