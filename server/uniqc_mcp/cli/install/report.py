"""Sentences that tell a user of an installation."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from uniqc_mcp.cli.install.configured import entries_of
from uniqc_mcp.cli.install.editing.documents import with_entry
from uniqc_mcp.cli.install.editing.files import backup_of
from uniqc_mcp.cli.install.entries import NAME, find_entry
from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.foreign import own_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.cli.install.changes import Change
    from uniqc_mcp.cli.install.client import Client, Scope
    from uniqc_mcp.cli.install.entries import FoundEntry
    from uniqc_mcp.cli.install.machine import Machine
    from uniqc_mcp.cli.install.shapes import Launch
    from uniqc_mcp.settings import ClearSettings


def told_plan(change: Change) -> Iterator[str]:
    """Yield the commands that would run, or the entry that would stand in the file.

    No line around it is shown: it may hold the key of another server.
    """
    if change.commands:
        yield "Would run:"
        for command in change.commands:
            yield f"  {shlex.join(command)}"
        return
    if change.after is None:
        yield f"Would remove {change.found.file}, which holds nothing else."
        return
    found = change.found
    if change.launch is None:
        yield f"Would remove {'.'.join(found.keys)}{_which(found)} from {found.file}"
        return
    if found.launch is not None:
        yield f"Would replace the entry that starts {' '.join(found.launch.words())}"
    yield f"Would write into {found.file}:"
    entry = found.shape.entry(change.launch)
    yield with_entry(None, change.client.syntax, found.keys, entry, found.file).decode().rstrip()


def told_change(change: Change) -> str:
    """Return a sentence on what was done."""
    client, file = change.client, change.found.file
    did = "Added the entry to"
    if change.launch is None:
        did = f"Removed the entry{_which(change.found)} from"
    how = f", by `{change.commands[-1][0]}`" if change.commands else ""
    kept = backup_of(file)
    backup = f" The file as it was: {kept}" if kept.exists() else ""
    if change.launch is None and change.after is None and not change.commands:
        return f"{client.title}: removed {file}, which held nothing else.{backup}"
    return f"{client.title}: {did} {file} (scope {change.scope}){how}.{backup}"


def _which(found: FoundEntry) -> str:
    """Return what an entry starts and has of its own, so that its owner sees what goes."""
    if found.launch is None:
        return ""
    settings = own_settings(found)
    own = f" and has {', '.join(settings)}" if settings else ""
    return f" that starts `{shlex.join(found.launch.words())}`{own}"


def told_consent(client: Client, clearing: ClearSettings | None) -> str:
    """Return if a client can ask its user to consent to a clear; empty if it need not."""
    if clearing is None or clearing.confirm == "plan":
        return ""
    otherwise = "every clear is refused there. With --confirm plan, your limits suffice."
    if client.asks is None:
        return f"It is not known if {client.title} can ask a person. If it can't, {otherwise}"
    if client.asks:
        return f"{client.title} can ask you before tasks are cleared."
    return f"{client.title} can't ask a person, so {otherwise}"


def snippet(client: Client, scope: Scope, machine: Machine, launch: Launch) -> str:
    """Return an entry as the content of a file that holds nothing else."""
    form = client.forms[0]
    keys, shape = (*form.keys, NAME), form.shape
    try:
        found = find_entry(client, scope, machine)
    except InstallError:  # a file that can't be read is no reason not to show the entry
        pass
    else:
        above = len(client.targets[scope].above)
        keys, shape = found.keys[above:], found.shape
    file = client.targets[scope].file(machine)
    return with_entry(None, client.syntax, keys, shape.entry(launch), file).decode()


def told_answer(client: Client, scope: Scope, machine: Machine) -> str:
    """Start the server by the entry that the client has now, and return what it answered.

    Raises:
        InstallError: It does not answer. The entry stays, for there may be little to correct.
    """
    found = find_entry(client, scope, machine)
    if found.launch is None:
        raise InstallError(f"{found.file} has no entry that {client.title} could start.")
    # 0.6 s of the commands that start nothing
    from uniqc_mcp.cli.install.check import ask_for_tools  # noqa: PLC0415 - as above

    try:
        answered = ask_for_tools(found.launch, machine.project)
    except InstallError as error:
        raise InstallError(
            f"The entry is there, but the server does not start by it.\n{error}"
        ) from error
    return (
        f"Started {found.launch.command} as {client.title} will: it has {answered.tools} tools "
        f"({answered.seconds:.1f} s)."
    )


def told_rest(
    client: Client, scope: Scope, machine: Machine, clearing: ClearSettings | None
) -> Iterator[str]:
    """Yield what is left to do, and what else a user should know."""
    if consent := told_consent(client, clearing):
        yield consent
    for entry in entries_of(client, machine):
        if entry.scope != scope:
            yield f"{client.title} has an entry of scope {entry.scope} too, in {entry.file}"
    yield f"To do: {client.targets[scope].todo}"
