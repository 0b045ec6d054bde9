"""The command line: serve, show, and find out what is wrong."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import click

from uniqc_mcp import __version__
from uniqc_mcp.settings import Settings
from uniqc_store import DEFAULT_CACHE_DIR

# Imported where they are used: the SDK takes half a second, which `doctor` need not wait for.

_BY_HAND = """\
uniqc-mcp {version} is a server for MCP clients and now waits for one to talk on its stdin.
To connect a client, give it this command, for most of them so:

  {{"mcpServers": {{"uniqc": {{"command": "uniqc-mcp"}}}}}}

To see what it is for: uniqc-mcp demo. To check the task cache: uniqc-mcp doctor.
Ctrl-C ends it."""


class _ServeByDefault(click.Group):
    """``uniqc-mcp --cache-dir DIR`` is ``uniqc-mcp serve --cache-dir DIR``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if not args or (args[0].startswith("-") and args[0] not in own):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


class _CacheDirectory(click.Path):
    """A directory that may not exist yet; ``~`` is the home directory in any setting."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("it is empty; give a directory.", param, ctx)
        try:
            directory = Path(value).expanduser()
        except RuntimeError:
            self.fail(f"{value} names a user whose home is not known.", param, ctx)
        try:
            is_file = directory.is_file()
        except OSError:  # every answer says what is wrong with it, and so does `doctor`
            is_file = False
        if is_file:
            self.fail(f"{directory} is a file; give the directory that holds it.", param, ctx)
        return super().convert(directory, param, ctx)


cache_dir_option = click.option(
    "--cache-dir",
    type=_CacheDirectory(),
    envvar="UNIQC_MCP_CACHE_DIR",
    default=DEFAULT_CACHE_DIR,
    show_default="~/.uniqc/cache",
    show_envvar=True,
    help="The directory that holds uniqc's tasks.sqlite.",
)


@click.group(cls=_ServeByDefault, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="uniqc-mcp")
def cli() -> None:
    """Ask an assistant what your quantum tasks are doing.

    Without a command it serves, with the options of `serve`.
    """


@cli.command()
@cache_dir_option
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    envvar="UNIQC_MCP_LOG_LEVEL",
    default="warning",
    show_default=True,
    show_envvar=True,
    help="How much to say on stderr.",
)
def serve(cache_dir: Path, log_level: str) -> None:
    """Serve MCP over stdin and stdout, read-only, until the client leaves."""
    logging.basicConfig(
        stream=sys.stderr,
        level=log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if sys.stdin.isatty():
        click.echo(_BY_HAND.format(version=__version__), err=True)

    import anyio  # noqa: PLC0415

    from uniqc_mcp.app import build_server, build_store  # noqa: PLC0415
    from uniqc_mcp.stdio import serve_stdio  # noqa: PLC0415

    anyio.run(serve_stdio, build_server(build_store(Settings(cache_dir=cache_dir))))


@cli.command()
@click.option("--cache-dir", type=_CacheDirectory(), help="A cache of your own, not a sample.")
def demo(cache_dir: Path | None) -> None:
    """Watch a real client ask a real server three questions."""
    from uniqc_mcp.demo import run_demo  # noqa: PLC0415

    run_demo(cache_dir, click.echo)


@cli.command()
@cache_dir_option
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def doctor(cache_dir: Path, *, as_json: bool) -> None:
    """Say which file would be served and what is wrong with it. Exits with 1 if a server fails."""
    from uniqc_mcp.doctor import examine  # noqa: PLC0415

    diagnosis = examine(Settings(cache_dir=cache_dir))
    click.echo(json.dumps(diagnosis.to_dict(), indent=2) if as_json else diagnosis.text())
    sys.exit(0 if diagnosis.ok else 1)


def main() -> None:
    """The command ``uniqc-mcp``."""
    cli(prog_name="uniqc-mcp")
