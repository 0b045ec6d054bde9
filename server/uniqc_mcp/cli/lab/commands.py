"""The commands ``lab serve``, ``lab init`` and ``lab token``."""

from __future__ import annotations

from typing import Any, Final

import click

from uniqc_mcp.cli.lab.failures import lab_errors
from uniqc_mcp.cli.lab.options import database_option
from uniqc_mcp.cli.lab.tokens import token
from uniqc_mcp.cli.options import StrictOption, max_wait_option
from uniqc_mcp.cli.output import echo


@click.group()
def lab() -> None:
    """Serve the tasks of a whole laboratory, as its members share them."""


lab.add_command(token)


@lab.command()
@database_option
@click.option(
    "--role",
    default="",
    help="Let this role of the database serve: it reads and writes, but removes no task. It is "
    "made if it is missing.",
)
def init(database: str, role: str) -> None:
    """Make the tables in an empty database, or bring them up to date.

    The address is that of the role which is to own the tables. The server connects as another.
    """
    with lab_errors():
        from uniqc_mcp.lab.database.tables import VERSION  # noqa: PLC0415 - of the extra [lab]
        from uniqc_mcp.lab.operations import connected, prepare  # noqa: PLC0415 - as above

        with connected(database) as connection:
            before, made_role = prepare(connection, role)
    if before == VERSION:
        echo(f"The tables are up to date, at version {VERSION}.")
    else:
        echo(f"The tables are at version {VERSION}; they were at {before or 'none'}.")
    if made_role:
        echo(
            f"The role {role} was made. It has no password: set one with \\password {role} in psql."
        )


@lab.command()
@database_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8765, show_default=True, help="The port."
)
@click.option(
    "--public-url",
    cls=StrictOption,
    default="",
    envvar="UNIQC_MCP_LAB_PUBLIC_URL",
    show_envvar=True,
    metavar="URL",
    help="The address by which clients reach it, such as https://lab.example.org. Requests that "
    "name another host are refused.",
)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="A reverse proxy on another machine, or the network of several. The log names the client "
    "that it passes on.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes. With several, clients of older revisions can't subscribe.",
)
@click.option(
    "--oidc-issuer",
    default="",
    metavar="URL",
    help="Take the tokens of this OIDC provider at /mcp, in place of the server's own.",
)
@click.option("--oidc-audience", default="", help="The audience that these tokens are for.")
@click.option(
    "--oidc-owner-claim",
    default="sub",
    show_default=True,
    help="The claim that names the person. Another than sub must be unique and never reused.",
)
@max_wait_option
@click.option(
    "--max-stores",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    help="Most cache directories that one member may share.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    help="How much to say on stderr: at info, a line of JSON for each request.",
)
def serve(*, oidc_issuer: str, oidc_audience: str, oidc_owner_claim: str, **decisions: Any) -> None:
    """Serve MCP at /mcp, and take at /share what members' machines send.

    Every request needs a token: one of `lab token add`, or one of an OIDC provider.
    """
    if bool(oidc_issuer) != bool(oidc_audience):
        raise click.UsageError("--oidc-issuer and --oidc-audience go together.")
    with lab_errors():
        from uniqc_mcp.lab.access.oidc import OidcSettings  # noqa: PLC0415 - of the extra [lab]
        from uniqc_mcp.lab.serving.settings import (  # noqa: PLC0415 - as above
            LabSettings,
            SettingsError,
        )
        from uniqc_mcp.lab.serving.workers import run  # noqa: PLC0415 - as above

        oidc = None
        if oidc_issuer:
            oidc = OidcSettings(
                issuer=oidc_issuer, audience=oidc_audience, owner_claim=oidc_owner_claim
            )
        try:
            run(LabSettings(oidc=oidc, **decisions))
        except SettingsError as error:
            raise click.UsageError(str(error)) from error


COMMANDS: Final = {"lab": lab}
