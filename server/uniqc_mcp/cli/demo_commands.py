"""The commands that show what the server is for: ``demo`` and ``sample``."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import sys
from typing import TYPE_CHECKING, Final

import click

from uniqc_mcp.cli.directories import CacheDirectory
from uniqc_mcp.cli.options import cache_dir_option
from uniqc_mcp.cli.output import discard, echo
from uniqc_mcp.cli.program import program_name, program_words
from uniqc_mcp.cli.sample import SampleRefusedError, make_sample
from uniqc_mcp.safety.display import tilde
from uniqc_store import DB_FILENAME

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@cache_dir_option
@click.option("--sample", "is_sample", is_flag=True, help="Ask about a sample, not your cache.")
@click.option("--keep", type=CacheDirectory(), metavar="DIR", help="Keep the sample in DIR.")
@click.pass_context
def demo(context: click.Context, cache_dir: Path, *, is_sample: bool, keep: Path | None) -> None:
    """Watch a real client ask a real server three questions.

    They are about your own cache, which is only read, or about a sample where you have none.
    """
    given = context.get_parameter_source("cache_dir") is click.core.ParameterSource.COMMANDLINE
    if given and (is_sample or keep is not None):
        raise click.UsageError("--cache-dir names a cache of yours: leave out --sample and --keep.")
    if not given and keep is None and not _has_cache(cache_dir):
        echo(f"uniqc has kept no tasks in {tilde(cache_dir)} yet.")
        is_sample = True
    if keep is not None:
        _make(keep)
    _run_demo(keep or (None if is_sample else cache_dir))
    if keep is not None:
        echo(_how_to_use(keep))


@click.command()
@click.argument("directory", type=CacheDirectory(), metavar="DIR")
def sample(directory: Path) -> None:
    """Write a sample cache into DIR, to try clients, scripts and extensions on.

    DIR is made where it is not there. One that has a cache is refused.
    """
    _make(directory)
    echo(_how_to_use(directory))


def _has_cache(cache_dir: Path) -> bool:
    try:
        return os.path.lexists(cache_dir / DB_FILENAME)
    except OSError:  # the answers say what is wrong with it
        return True


def _make(directory: Path) -> None:
    try:
        make_sample(directory)
    except SampleRefusedError as error:
        raise click.ClickException(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise click.ClickException(
            f"{tilde(directory)} can't be written ({reason}); give another directory."
        ) from error


def _how_to_use(directory: Path) -> str:
    """Return the ways to point a server at a directory, with its whole path."""
    path = str(directory.absolute())
    command, *args = program_words()
    server = {"command": command, "args": [*args, "--cache-dir", path]}
    option = f"--cache-dir {shlex.quote(path)}"
    return (
        f"The sample is in {path}. Its tasks are dated back from now.\n"
        f"For a client: {program_name()} install CLIENT -- {option}\n"
        f"By hand: {json.dumps({'mcpServers': {'uniqc': server}})}\n"
        "For every command, install too: set UNIQC_MCP_CACHE_DIR, or give --cache-dir, such as\n"
        f"  {program_name()} list {option}"
    )


def _run_demo(cache_dir: Path | None) -> None:
    from uniqc_mcp.cli.demo import run_demo  # noqa: PLC0415 - 0.6 s of every other command

    try:
        run_demo(cache_dir, echo)
    except* BrokenPipeError:
        discard(sys.stdout)  # the reader has left, such as `| head`


COMMANDS: Final = {"demo": demo, "sample": sample}
