"""Options that the commands of a laboratory share."""

from __future__ import annotations

import click

from uniqc_mcp.cli.options import StrictOption

database_option = click.option(
    "--database",
    cls=StrictOption,
    required=True,
    envvar="UNIQC_MCP_LAB_DATABASE",
    show_envvar=True,
    metavar="ADDRESS",
    help="PostgreSQL's address. Others see a command line: give one with a password in the "
    "variable, or leave the password to ~/.pgpass.",
)
