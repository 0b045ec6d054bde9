"""Evidence that a client is on a machine, which what ``install`` writes is not."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from uniqc_mcp.cli.install.clients import CLIENTS
from uniqc_mcp.cli.install.editing.documents import parsed, without_empty
from uniqc_mcp.cli.install.editing.files import backup_of, read
from uniqc_mcp.cli.install.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uniqc_mcp.cli.install.client import Client, Target
    from uniqc_mcp.cli.install.machine import Machine
    from uniqc_mcp.cli.install.shapes import Entry

_Files: TypeAlias = "Mapping[Path, list[tuple[Client, Target]]]"
"""The files that ``install`` may write, with the clients and scopes that they are for."""


def evidence_of(client: Client, machine: Machine) -> Path | None:
    """Return the path of what shows that a client is installed; None if nothing does.

    That is its program on PATH, its application, or a file that it left in its folder. A file
    that holds servers only may be ours or that of another installer, and shows nothing.
    """
    for program in client.programs:
        if found := machine.which(program):
            return Path(found)
    for application in client.applications:
        if _exists(path := machine.resolve(application)):
            return path
    return _left_in(client.folder.on(machine), _files(machine), machine)


def _files(machine: Machine) -> _Files:
    # Those of all clients: VS Code's folder holds the file of Cline.
    files: defaultdict[Path, list[tuple[Client, Target]]] = defaultdict(list)
    for client in CLIENTS.values():
        for target in client.targets.values():
            for place in target.places:
                files[place.on(machine)].append((client, target))
    return files


def _left_in(path: Path, files: _Files, machine: Machine) -> Path | None:
    """Return a path at or below a path that ``install`` did not make; None if there is none."""
    if path in files:
        return path if _has_settings(path, files[path], machine) else None
    if path in map(backup_of, files):
        return None
    if not any(path in file.parents for file in files):
        return path if _exists(path) else None
    try:
        children = sorted(path.iterdir())
    except OSError:  # it is not there, or is another user's: nothing was seen
        return None
    found = (_left_in(child, files, machine) for child in children)
    return next(filter(None, found), None)


def _has_settings(file: Path, uses: Sequence[tuple[Client, Target]], machine: Machine) -> bool:
    """Return True if a file holds anything beside servers."""
    try:
        document = parsed(read(file), uses[0][0].syntax, file)
    except InstallError:
        return False
    for client, target in uses:
        above = target.keys_above(machine)
        for form in client.forms:
            _drop(document, (*above, *form.keys))
    return bool(without_empty(document))


def _drop(document: Entry, keys: tuple[str, ...]) -> None:
    """Delete the value at a path of keys, if there is one."""
    for key in keys[:-1]:
        inner = document.get(key)
        if not isinstance(inner, dict):
            return
        document = cast("Entry", inner)
    document.pop(keys[-1], None)


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where a folder can't be entered
