"""``install`` and ``uninstall``."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

import click

from uniqc_mcp.cli.install.changes import apply, planned_addition, planned_removal
from uniqc_mcp.cli.install.clients import CLIENTS
from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.evidence import evidence_of
from uniqc_mcp.cli.install.listing import listed, listed_lines
from uniqc_mcp.cli.install.machine import Machine
from uniqc_mcp.cli.install.report import (
    snippet,
    told_answer,
    told_change,
    told_plan,
    told_rest,
)
from uniqc_mcp.cli.install.server_options import server_options
from uniqc_mcp.cli.install.this_command import this_launch
from uniqc_mcp.cli.options import json_option
from uniqc_mcp.cli.output import echo

if TYPE_CHECKING:
    from collections.abc import Generator

    from uniqc_mcp.cli.install.client import Client, Scope
    from uniqc_mcp.cli.install.shapes import Launch
    from uniqc_mcp.settings import ClearSettings


_SCOPES: Final = ("user", "project", "local")


class _InstallCommand(click.Command):
    """A command that says where the options of the server go."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; an unknown option may be one of the server's."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.UsageError(
                f"{error.format_message()} Options of the server go behind `--`.", ctx
            ) from error


_scope_option = click.option(
    "--scope",
    type=click.Choice(_SCOPES),
    help="For you, for the project in this folder, or for you in this folder. Default: user.",
)
_dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, only.")


@click.command(cls=_InstallCommand, epilog=f"Clients: {', '.join(CLIENTS)}.")
@click.argument("name", metavar="[CLIENT]", required=False, type=click.Choice([*CLIENTS]))
@click.argument("options", metavar="[-- SERVER OPTIONS]", nargs=-1, type=click.UNPROCESSED)
@_scope_option
@click.option("--replace", is_flag=True, help="Replace an entry that differs.")
@click.option("--print", "prints", is_flag=True, help="Print the entry, for editing by hand.")
@_dry_run_option
@click.option("--no-check", is_flag=True, help="Don't start the server afterwards.")
@click.option("--list", "lists", is_flag=True, help="List the clients on this machine.")
@json_option
@click.pass_context
def install(
    context: click.Context,
    /,
    name: str | None,
    options: tuple[str, ...],
    *,
    scope: str | None,
    prints: bool,
    lists: bool,
    as_json: bool,
    **how: bool,
) -> None:
    """Tell CLIENT of this server, with SERVER OPTIONS if there are any.

    A file is edited and not rewritten, with a backup beside it. Then the server is started as the
    client will start it.
    """
    machine = _machine()
    if lists and name is None:
        _list(machine, as_json=as_json)
        return
    if name is None:
        raise click.UsageError("Name a client. --list shows which are here.", context)
    if lists or as_json:
        raise click.UsageError("--list is of all clients, and --json of --list.", context)
    client = CLIENTS[name]
    chosen = _scope(client, scope)
    server = server_options(options, context, machine.environ)
    if server.note:
        click.echo(server.note, err=True)
    with _told_errors():
        launch = this_launch(server.words, machine, sys.argv[0])
        if prints:
            echo(snippet(client, chosen, machine, launch).rstrip())
            click.echo(f"It belongs into {client.targets[chosen].file(machine)}", err=True)
        else:
            _add(client, chosen, machine, launch, server.clearing, **how)


@click.command()
@click.argument("name", metavar="CLIENT", type=click.Choice([*CLIENTS]))
@_scope_option
@click.option("--force", is_flag=True, help="Remove an entry that install does not write.")
@_dry_run_option
def uninstall(name: str, scope: str | None, *, force: bool, dry_run: bool) -> None:
    """Remove the entry of this server from CLIENT.

    A file in which nothing else was changed since is as it was before, to the byte. An entry of
    the same name that starts something else stays, unless --force is given.
    """
    client, machine = CLIENTS[name], _machine()
    chosen = _scope(client, scope)
    with _told_errors():
        change = planned_removal(client, chosen, machine, forces=force)
        if change is None:
            file = client.targets[chosen].file(machine)
            echo(f"{client.title}: there is no entry in {file} (scope {chosen}).")
        elif dry_run:
            for line in told_plan(change):
                echo(line)
        else:
            apply(change, machine)
            echo(told_change(change))


def _add(
    client: Client,
    scope: Scope,
    machine: Machine,
    launch: Launch,
    clearing: ClearSettings | None,
    *,
    replace: bool,
    dry_run: bool,
    no_check: bool,
) -> None:
    """Add the entry, start the server, and tell what is left to do."""
    change = planned_addition(client, scope, machine, launch, replaces=replace)
    if change is None:
        file = client.targets[scope].file(machine)
        echo(f"{client.title}: {file} (scope {scope}) has this entry already.")
    elif dry_run:
        for line in told_plan(change):
            echo(line)
    else:
        apply(change, machine)
        echo(told_change(change))
    if dry_run:
        return
    if not no_check:
        echo(told_answer(client, scope, machine))
    for line in told_rest(client, scope, machine, clearing):
        echo(line)
    if evidence_of(client, machine) is None:
        echo(f"{client.title} itself was not seen on this machine.")


def _machine() -> Machine:
    """Return this machine.

    Raises:
        click.ClickException: There is no current directory, or no home.
    """
    try:
        return Machine.here()
    except OSError as error:
        raise click.ClickException(
            f"The current directory can't be read: {error.strerror}. Change to another."
        ) from error
    except RuntimeError as error:
        raise click.ClickException("It is not known where your home is. Set HOME.") from error


def _scope(client: Client, scope: str | None) -> Scope:
    """Return a scope that a client has; the first one unless another is asked for."""
    if scope is None:
        return next(iter(client.targets))
    if scope not in client.targets:
        raise click.UsageError(f"{client.title} has the scopes {', '.join(client.targets)}.")
    return cast("Scope", scope)


def _list(machine: Machine, *, as_json: bool) -> None:
    if as_json:
        echo(json.dumps(listed(machine), indent=2))
        return
    for line in listed_lines(machine):
        echo(line)


@contextmanager
def _told_errors() -> Generator[None]:
    """Turn an error into one sentence on stderr and exit status 1."""
    try:
        yield
    except InstallError as error:
        raise click.ClickException(str(error)) from error


COMMANDS: Final = {"install": install, "uninstall": uninstall}
