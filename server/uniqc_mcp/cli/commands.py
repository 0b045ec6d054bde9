"""The commands of ``uniqc-mcp``."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from uniqc_mcp import __version__
from uniqc_mcp.cli.deferred import FirstCall
from uniqc_mcp.cli.options import (
    StrictOption,
    cache_dir_option,
    clear_options,
    clear_settings,
    eager_option,
    max_wait_option,
)
from uniqc_mcp.cli.output import discard
from uniqc_mcp.opening.start import answer_opening
from uniqc_mcp.protocol.handover import FRESH, ClientLeft
from uniqc_mcp.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

_MODULES: Final = {
    "cleared": "store_commands",
    "compare": "answers.commands",
    "demo": "demo_commands",
    "doctor": "store_commands",
    "get": "answers.commands",
    "install": "install.commands",
    "lab": "lab.commands",
    "list": "answers.commands",
    "plot": "answers.commands",
    "restore": "store_commands",
    "sample": "demo_commands",
    "share": "share",
    "stats": "answers.commands",
    "uninstall": "install.commands",
    "watch": "store_commands",
}
"""The modules of the commands that do not serve. To import all takes 1 s of every start."""

_TERMINAL_HINT = """\
uniqc-mcp {version} is a server for MCP clients and now waits for one to talk on its stdin.
To connect a client: uniqc-mcp install CLIENT, or give it this command, for most of them so:

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

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; its error counts also where the reader of stderr leaves meanwhile."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            try:
                error.show()
            except BrokenPipeError:
                discard(sys.stderr)
            ctx.exit(error.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in alphabetical order."""
        own = super().list_commands(ctx)
        return sorted([*own, *_MODULES])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, whose module is imported only now unless it serves."""
        if cmd_name not in _MODULES:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"uniqc_mcp.cli.{_MODULES[cmd_name]}")
        found: click.Command = module.COMMANDS[cmd_name]
        return found


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
@eager_option
@clear_options
def serve(cache_dir: Path, log_level: str, max_wait: int, *, eager: bool, **clearing: Any) -> None:
    """Serve MCP over stdin and stdout until the client leaves.

    It only reads, unless --allow-clear lets it clear finished tasks.
    """
    settings = Settings(cache_dir=cache_dir, clearing=clear_settings(**clearing), max_wait=max_wait)
    if sys.stdin.isatty():
        click.echo(_TERMINAL_HINT.format(version=__version__), err=True)
    first_call = FirstCall(settings)
    try:
        handover = FRESH if eager else answer_opening(settings, first_call)
    except ClientLeft:
        return
    from uniqc_mcp.cli.serving import run_server  # noqa: PLC0415 - 1 s of a server that nobody asks

    run_server(settings, handover, first_call.store, log_level=log_level)


def main() -> None:
    """Run the command ``uniqc-mcp``."""
    cli(prog_name="uniqc-mcp")
