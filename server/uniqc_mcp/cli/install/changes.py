"""Adding our entry to a client and removing it: first what would be done, then doing it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from uniqc_mcp.cli.install import own_commands
from uniqc_mcp.cli.install.editing import files
from uniqc_mcp.cli.install.editing.documents import (
    has_comments,
    is_same,
    parsed,
    with_entry,
    without_entry,
)
from uniqc_mcp.cli.install.entries import NAME, entry_at, find_entry
from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.foreign import foreign_part

if TYPE_CHECKING:
    from uniqc_mcp.cli.install.client import Client, Scope
    from uniqc_mcp.cli.install.entries import FoundEntry
    from uniqc_mcp.cli.install.machine import Machine
    from uniqc_mcp.cli.install.own_commands import OwnCommand
    from uniqc_mcp.cli.install.shapes import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of a client's configuration, by its own commands or to its file.

    Attributes:
        client: The client.
        scope: The scope whose file changes.
        found: The file and the entry as they are now.
        launch: What the client will start; None if the entry goes.
        commands: The client's own commands; empty if the file is written.
        after: The new content of the file, None if it is removed; unused with commands.
    """

    client: Client
    scope: Scope
    found: FoundEntry
    launch: Launch | None
    commands: tuple[list[str], ...] = ()
    after: bytes | None = None


def planned_addition(
    client: Client, scope: Scope, machine: Machine, launch: Launch, *, replaces: bool
) -> Change | None:
    """Return what adds our entry to a client; None if the very entry is there.

    Raises:
        InstallError: Another entry of that name is there, or the file can't be edited.
    """
    found = find_entry(client, scope, machine)
    if found.launch == launch and not found.is_off:
        return None
    if found.entry is not None and not replaces:
        state = "a disabled entry" if found.is_off else "another entry"
        words = f": {' '.join(found.launch.words())}" if found.launch else ""
        raise InstallError(
            f"{found.file} has {state} named {NAME}{words}\nAdd --replace to replace it."
        )
    entry = found.shape.entry(launch)
    same = Change(client=client, scope=scope, found=found, launch=launch)
    if (own := _own(client, scope, machine, found)) is not None:
        removal = [] if found.entry is None else [own.to_remove(scope)]
        return replace(same, commands=(*removal, own.to_add(launch, entry, scope)))
    after = with_entry(found.content, client.syntax, found.keys, entry, found.file)
    return replace(same, after=after)


def planned_removal(
    client: Client, scope: Scope, machine: Machine, *, forces: bool
) -> Change | None:
    """Return what removes our entry from a client; None if there is none.

    Raises:
        InstallError: The entry is another's and ``forces`` is false, or the file can't be edited.
    """
    found = find_entry(client, scope, machine)
    if found.entry is None or found.content is None:
        return None
    if not forces and (part := foreign_part(found)):
        raise InstallError(
            f"{found.file} has an entry named {NAME} that install does not write: it has {part}.\n"
            "Add --force to remove it."
        )
    same = Change(client=client, scope=scope, found=found, launch=None)
    if (own := _own(client, scope, machine, found)) is not None:
        return replace(same, commands=(own.to_remove(scope),))
    return replace(same, after=_content_without(found, client))


def apply(change: Change, machine: Machine) -> None:
    """Do what was planned.

    Raises:
        InstallError: It failed. The file is then as it was, unless it holds the client's state.
    """
    found = change.found
    if not change.commands:
        _write(found, change.after)
        if change.after is None:
            place = change.client.targets[change.scope].places[0]
            files.remove_empty_folders(found.file, place.root(machine))
        return
    keeps_state = change.client.targets[change.scope].is_state
    if found.content is not None and not keeps_state:
        files.back_up(found.file, found.content)
    try:
        for command in change.commands:
            own_commands.run(command, machine)
        _check(change, machine)
    except InstallError:
        now = files.read(found.file)
        if not keeps_state and found.content is not None and now != found.content:
            files.write(found.file, now, found.content)
        raise


def _own(client: Client, scope: Scope, machine: Machine, found: FoundEntry) -> OwnCommand | None:
    """Return a client's own command if it is there and would lose no comments of a file.

    Raises:
        InstallError: It is missing, and nothing else may write the file.
    """
    own = client.own
    if own is not None and scope in own.scopes and machine.which(own.program):
        # Those of Amp, Auggie and GitHub Copilot CLI lose comments between servers.
        return None if has_comments(found.content, client.syntax) else own
    target = client.targets[scope]
    if own is not None and target.is_state:
        raise InstallError(
            f"{client.title} keeps its own state in {target.file(machine)}, so only its command "
            f"{own.program} may write there, and that is not on PATH. Put it there; --scope "
            "project works without it."
        )
    return None


def _content_without(found: FoundEntry, client: Client) -> bytes | None:
    """Return the content of a file without our entry, None if it held nothing else.

    Where nothing but the entry was changed since, it is the one before, to the byte.
    """
    content, entry = found.content or b"", found.entry or {}
    # The backup first: an empty file and none at all are the same with our entry.
    for before in (_backed_up(found), None):
        try:
            # A backup from a replacement has the entry that was replaced.
            if _lacks_entry(before, found, client) and content == with_entry(
                before, client.syntax, found.keys, entry, found.file
            ):
                return before
        except InstallError:  # the backup is of a file that did not parse, or of something else
            continue
    return without_entry(content, client.syntax, found.keys, found.file)


def _lacks_entry(content: bytes | None, found: FoundEntry, client: Client) -> bool:
    return entry_at(parsed(content, client.syntax, found.file), found.keys, found.file) is None


def _backed_up(found: FoundEntry) -> bytes | None:
    return files.read(files.backup_of(found.file))


def _write(found: FoundEntry, after: bytes | None) -> None:
    if after is None:
        if found.content is not None and foreign_part(found):
            files.back_up(found.file, found.content)
        files.remove(found.file)
        return
    restores = found.entry is not None and after == _backed_up(found)
    files.write(found.file, found.content, after)
    if restores:
        files.remove(files.backup_of(found.file))


def _check(change: Change, machine: Machine) -> None:
    """Raise an error unless a client's own command did what it should, and no more.

    Some clients replace a file that they can't parse by one without what was in it.
    """
    found, client = change.found, change.client
    now = find_entry(client, change.scope, machine)
    program = change.commands[0][0]
    if now.launch != change.launch:
        raise InstallError(
            f"{program} ended without an error, but {now.file} does not have the entry as it "
            "should be."
        )
    before = parsed(found.content, client.syntax, found.file)
    after = parsed(now.content, client.syntax, now.file)
    above = found.keys[:-1] if client.targets[change.scope].is_state else ()
    for key in above:
        before = cast("dict[str, Any]", before.get(key) or {})
        after = cast("dict[str, Any]", after.get(key) or {})
    if not _keeps(before, after, found.keys[len(above) :]):
        raise InstallError(f"{program} changed more in {now.file} than our entry.")


def _keeps(before: dict[str, Any], after: Any, keys: tuple[str, ...]) -> bool:
    """Return True if all values are as before, except the one at a path of keys."""
    if not isinstance(after, dict):
        return False
    found = cast("dict[str, Any]", after)
    for key, value in before.items():
        if keys and key == keys[0]:
            if len(keys) > 1 and isinstance(value, dict):
                inner = cast("dict[str, Any]", value)
                if not _keeps(inner, found.get(key, {}), keys[1:]):
                    return False
        elif key not in found or not is_same(found[key], value):
            return False
    return True
