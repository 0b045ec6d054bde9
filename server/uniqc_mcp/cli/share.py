"""The command ``share``, which sends the tasks of this machine to a laboratory's server."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from uniqc_mcp.cli.options import StrictOption, cache_dir_option
from uniqc_mcp.cli.output import echo
from uniqc_mcp.cli.signals import run_until_signalled
from uniqc_mcp.lab.share.access import TOKEN_VARIABLE, read_token, server_address
from uniqc_mcp.lab.share.errors import ShareError
from uniqc_mcp.responses.times import requested_duration, utc_now, wire_time

if TYPE_CHECKING:
    from collections.abc import Generator
    from threading import Event

    from uniqc_mcp.lab.share.sharer import Outcome

_SHORTEST: Final = timedelta(seconds=10)


def _address(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        return server_address(value.strip())
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _every(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        duration = requested_duration(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no duration such as 10m or 1h.") from None
    if duration < _SHORTEST:
        raise click.BadParameter("at least 10s.")
    return duration.total_seconds()


_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--to",
    "address",
    cls=StrictOption,
    required=True,
    callback=_address,
    envvar="UNIQC_MCP_SHARE_TO",
    show_envvar=True,
    metavar="URL",
    help="The laboratory's server, such as https://lab.example/.",
)
@cache_dir_option
@click.option(
    "--visible-to",
    "audience",
    cls=StrictOption,
    type=click.Choice(["me", "lab"]),
    default="me",
    show_default=True,
    envvar="UNIQC_MCP_SHARE_VISIBLE_TO",
    show_envvar=True,
    help="Who may see these tasks: you alone, or everybody in the laboratory.",
)
@click.option("--once", is_flag=True, help="End after one pass; with 1 if not all was sent.")
@click.option(
    "--every",
    callback=_every,
    default="10m",
    show_default=True,
    metavar="DURATION",
    help="Compare the whole file so often. Changes are sent at once in between.",
)
@click.option(
    "--token-file",
    type=_FILE,
    help=f"A file with your token that only you can read. Else {TOKEN_VARIABLE} has it.",
)
@click.option(
    "--ca-file",
    type=_FILE,
    help="Certificates to trust in place of the system's, of a laboratory's own authority.",
)
def share(
    address: str,
    cache_dir: Path,
    audience: Literal["me", "lab"],
    *,
    once: bool,
    every: float,
    token_file: Path | None,
    ca_file: Path | None,
) -> None:
    """Send what uniqc keeps in one cache directory to a laboratory's server, and keep it current.

    The file is only read. Credentials are redacted before anything is sent. Ctrl-C or SIGTERM ends
    it, with 0.
    """
    from uniqc_mcp.lab.share.start import Wanted, prepared  # noqa: PLC0415 - 0.2 s of `--help`

    def work(stop: Event) -> None:
        with prepared(wanted, stop=stop, tell=_ignore if once else _tell) as sharing:
            if once:
                outcomes.append(sharing.once())
            else:
                sharing.run()

    outcomes: list[Outcome] = []
    with _share_errors():
        wanted = Wanted(
            address=address,
            token=read_token(token_file),
            cache_dir=cache_dir,
            audience=audience,
            every=every,
            ca_file=ca_file,
        )
        run_until_signalled(work)
    for outcome in outcomes:
        echo(outcome.in_words())
        sys.exit(0 if outcome.complete else 1)
    if once:
        raise click.ClickException("It was ended before everything was sent.")


@contextmanager
def _share_errors() -> Generator[None]:
    try:
        yield
    except ShareError as error:
        raise click.ClickException(str(error)) from error


def _ignore(_: str) -> None:
    """Say nothing: one pass ends with its outcome, or with its error."""


def _tell(words: str) -> None:
    click.echo(f"{wire_time(utc_now())} {words}", err=True)


COMMANDS: Final = {"share": share}
