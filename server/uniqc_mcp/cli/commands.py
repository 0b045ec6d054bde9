"""The commands of ``uniqc-mcp``."""

from __future__ import annotations

import gc
import io
import json
import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from uniqc_mcp import __version__
from uniqc_mcp.cli.cleared import print_receipts, print_tasks, print_undone
from uniqc_mcp.cli.directories import CacheDirectory
from uniqc_mcp.cli.failures import store_errors
from uniqc_mcp.cli.options import (
    StrictOption,
    cache_dir_option,
    clear_options,
    clear_settings,
    json_option,
    max_wait_option,
)
from uniqc_mcp.cli.output import echo
from uniqc_mcp.settings import Settings
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_ANSWERS = ("compare", "get", "list", "plot", "stats")
"""Commands that print the answers of tools."""

_TERMINAL_HINT = """\
uniqc-mcp {version} is a server for MCP clients and now waits for one to talk on its stdin.
To connect a client, give it this command, for most of them so:

  {{"mcpServers": {{"uniqc": {{"command": "uniqc-mcp"}}}}}}

To see what it is for: uniqc-mcp demo. To check the task cache: uniqc-mcp doctor.
Ctrl-C ends it."""


class _ServeByDefault(click.Group):
    """A group that runs ``serve`` if no command is named.

    ``uniqc-mcp --cache-dir DIR`` is ``uniqc-mcp serve --cache-dir DIR``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert ``serve`` before arguments that begin with none of the group's own options."""
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if not args or (args[0].startswith("-") and args[0] not in own):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in alphabetical order."""
        return sorted([*super().list_commands(ctx), *_ANSWERS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, which for the tools' answers is imported only now."""
        if cmd_name not in _ANSWERS:
            return super().get_command(ctx, cmd_name)
        from uniqc_mcp.cli.answers.commands import COMMANDS  # noqa: PLC0415 - 0.25 s of every start

        return COMMANDS[cmd_name]


@click.group(
    cls=_ServeByDefault,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Options such as --cache-dir and --allow-clear: uniqc-mcp serve --help",
)
@click.version_option(__version__, "-V", "--version", prog_name="uniqc-mcp")
def cli() -> None:
    """Ask an assistant what your quantum tasks are doing.

    Without a command it serves, with the options of `serve`.
    """
    for stream in (sys.stdout, sys.stderr):
        # What the terminal can't encode is written as an escape, and not as a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@cli.command()
@cache_dir_option
@click.option(
    "--log-level",
    cls=StrictOption,
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    envvar="UNIQC_MCP_LOG_LEVEL",
    default="warning",
    show_default=True,
    show_envvar=True,
    help="How much to say on stderr.",
)
@max_wait_option
@clear_options
def serve(cache_dir: Path, log_level: str, max_wait: int, **clearing: Any) -> None:
    """Serve MCP over stdin and stdout until the client leaves.

    It only reads, unless --allow-clear lets it clear finished tasks.
    """
    settings = Settings(cache_dir=cache_dir, clearing=clear_settings(**clearing), max_wait=max_wait)
    logging.basicConfig(
        stream=sys.stderr,
        level=log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if sys.stdin.isatty():
        click.echo(_TERMINAL_HINT.format(version=__version__), err=True)

    with _no_garbage_collection():
        import anyio  # noqa: PLC0415 - 0.02 s of every other command

        from uniqc_mcp.protocol.stdio import serve_stdio  # noqa: PLC0415 - 0.6 s of every other command
        from uniqc_mcp.server import build_server, build_store  # noqa: PLC0415 - 0.6 s of every other command

        server = build_server(build_store(settings), settings)
    anyio.run(serve_stdio, server)


@contextmanager
def _no_garbage_collection() -> Generator[None]:
    """Collect no garbage meanwhile, and exempt what is there at the end from later collections.

    A start takes a tenth less time, as imports produce hardly any garbage:
    ``python -m benchmarks --only processes``.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@cli.command()
@click.option("--cache-dir", type=CacheDirectory(), help="A cache of your own, not a sample.")
def demo(cache_dir: Path | None) -> None:
    """Watch a real client ask a real server three questions."""
    from uniqc_mcp.cli.demo import run_demo  # noqa: PLC0415 - 0.6 s of every other command

    try:
        run_demo(cache_dir, echo)
    except* BrokenPipeError:
        # The reader has left, such as `| head`. Flushing at exit must not raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@cli.command()
@cache_dir_option
@click.option("--backend", default="", help="Only tasks on this label or platform.")
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


@cli.command()
@cache_dir_option
@clear_options
@json_option
def doctor(cache_dir: Path, *, as_json: bool, **clearing: Any) -> None:
    """Say which file would be served and what is wrong with it.

    Exits with 1 if a server would not work.
    """
    from uniqc_mcp.cli.doctor import examine  # noqa: PLC0415 - 0.005 s of every start

    diagnosis = examine(Settings(cache_dir=cache_dir, clearing=clear_settings(**clearing)))
    echo(json.dumps(diagnosis.to_dict(), indent=2) if as_json else diagnosis.text())
    sys.exit(0 if diagnosis.ok else 1)


@cli.command()
@cache_dir_option
@json_option
@click.argument("receipt", required=False)
def cleared(cache_dir: Path, receipt: str | None, *, as_json: bool) -> None:
    """List what was cleared and can be put back, newest first; with RECEIPT, the tasks in it."""
    with store_errors():
        store = TaskStore(cache_dir, read_only=True)
        if receipt is not None:
            print_tasks(store, receipt, as_json=as_json)
            return
        receipts = store.receipts()
    print_receipts(receipts, as_json=as_json)


@cli.command()
@cache_dir_option
@click.argument("receipt")
@click.option(
    "--task",
    "task_ids",
    multiple=True,
    metavar="ID",
    help="Only this task. May be given several times.",
)
def restore(cache_dir: Path, receipt: str, task_ids: tuple[str, ...]) -> None:
    """Put back what a clear removed: RECEIPT is from the clear, or from `uniqc-mcp cleared`.

    Exits with 1 if a task was not put back, for a reason that is told.
    """
    with store_errors():
        TaskStore(cache_dir, read_only=True).check_receipt(receipt)
        undone = TaskStore(cache_dir).undo_clear(receipt, task_ids=task_ids)
    print_undone(undone)
    sys.exit(1 if undone.reasons else 0)


def main() -> None:
    """Run the command ``uniqc-mcp``."""
    cli(prog_name="uniqc-mcp")
