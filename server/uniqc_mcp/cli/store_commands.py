"""The commands about the store: ``watch``, ``doctor``, ``cleared`` and ``restore``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from uniqc_mcp.cli.cleared import (
    latest_receipt,
    print_receipts,
    print_tasks,
    print_undone,
    receipt_of,
)
from uniqc_mcp.cli.failures import store_errors
from uniqc_mcp.cli.given_options import KeepsArguments, given_arguments, given_variables
from uniqc_mcp.cli.options import (
    cache_dir_option,
    clear_options,
    clear_settings,
    json_option,
    not_empty,
)
from uniqc_mcp.cli.output import echo
from uniqc_mcp.settings import Settings
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@cache_dir_option
@click.option("--backend", callback=not_empty, help="Only tasks on this label or platform.")
@click.option("--until-idle", is_flag=True, help="End, with 0, once no task is active.")
@click.option(
    "--exit-status",
    is_flag=True,
    help="With --until-idle: end with 1 if a task that ended meanwhile did not succeed.",
)
@click.option(
    "--timeout",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="End after so long, with 124.",
)
@click.option("--json", "as_json", is_flag=True, help="For scripts: one event a line.")
def watch(
    cache_dir: Path,
    *,
    backend: str,
    until_idle: bool,
    exit_status: bool,
    timeout: int | None,
    as_json: bool,
) -> None:
    """Show the active tasks and what becomes of them, as it happens.

    On a terminal it is a table, elsewhere a line for each event. Statuses change only while a
    uniqc process polls the platform: `uniqc result TASK_ID` does.

    Ctrl-C ends it, with 0; with 130 where --until-idle was not reached.
    """
    if exit_status and not until_idle:
        raise click.UsageError("--exit-status is of a watch that ends: add --until-idle.")
    from uniqc_mcp.cli.watch.loop import watch as run_watch  # noqa: PLC0415 - 0.03 s of every start

    with store_errors():
        store = TaskStore(cache_dir, read_only=True)
        status = run_watch(
            store,
            as_json=as_json,
            backend=backend,
            until_idle=until_idle,
            exit_status=exit_status,
            timeout=timeout,
        )
    sys.exit(status)


@click.command(cls=KeepsArguments)
@cache_dir_option
@clear_options
@json_option
@click.pass_context
def doctor(context: click.Context, /, cache_dir: Path, *, as_json: bool, **clearing: Any) -> None:
    """Say which file would be served and what is wrong with it, with all that a bug report needs.

    Exits with 1 if a server would not work.
    """
    from uniqc_mcp.cli.doctor import examine  # noqa: PLC0415 - 0.005 s of every start
    from uniqc_mcp.cli.installation import examine_installation  # noqa: PLC0415 - 0.02 s of every start

    diagnosis = examine(Settings(cache_dir=cache_dir, clearing=clear_settings(**clearing)))
    installation = examine_installation(
        given_arguments(context, without="--json"), given_variables(context)
    )
    if as_json:
        told = {"installation": installation.to_dict(), **diagnosis.to_dict()}
        echo(json.dumps(told, indent=2))
    else:
        echo(f"{installation.text()}\n{diagnosis.text()}")
    sys.exit(0 if diagnosis.ok else 1)


@click.command()
@cache_dir_option
@json_option
@click.argument("receipt", required=False)
def cleared(cache_dir: Path, receipt: str | None, *, as_json: bool) -> None:
    """List what was cleared and can be put back, newest first; with RECEIPT, the tasks in it.

    The first characters of a receipt suffice.
    """
    with store_errors():
        store = TaskStore(cache_dir, read_only=True)
        if receipt is not None:
            print_tasks(store, receipt_of(store, receipt), as_json=as_json)
            return
        print_receipts(store, as_json=as_json)


@click.command()
@cache_dir_option
@click.argument("receipt", required=False)
@click.option("--last", is_flag=True, help="The latest clear, in place of RECEIPT.")
@click.option(
    "--task",
    "task_ids",
    multiple=True,
    metavar="ID",
    help="Only this task. May be given several times.",
)
def restore(cache_dir: Path, receipt: str | None, task_ids: tuple[str, ...], *, last: bool) -> None:
    """Put back what a clear removed.

    RECEIPT is from the clear, or from `uniqc-mcp cleared`; its first characters suffice.

    Exits with 1 if a task was not put back, for a reason that is told.
    """
    if (receipt is None) != last:
        raise click.UsageError("Give a RECEIPT, which `uniqc-mcp cleared` lists, or --last.")
    with store_errors():
        readable = TaskStore(cache_dir, read_only=True)
        chosen = latest_receipt(readable) if receipt is None else receipt_of(readable, receipt)
        undone = TaskStore(cache_dir).undo_clear(chosen, task_ids=task_ids)
    print_undone(undone)
    sys.exit(1 if undone.reasons else 0)


COMMANDS: Final = {str(each.name): each for each in (cleared, doctor, restore, watch)}
