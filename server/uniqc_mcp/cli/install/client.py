"""A client: where it keeps its servers, and in which form."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from uniqc_mcp.cli.install import shapes
from uniqc_mcp.cli.install.machine import Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from uniqc_mcp.cli.install.editing.documents import Syntax
    from uniqc_mcp.cli.install.machine import Machine
    from uniqc_mcp.cli.install.own_commands import OwnCommand
    from uniqc_mcp.cli.install.shapes import Shape

Scope = Literal["user", "project", "local"]


@dataclass(frozen=True, slots=True)
class Form:
    """The keys below which servers stand in a file, and the shape of one."""

    keys: tuple[str, ...]
    shape: Shape


def servers(shape: Shape = shapes.PLAIN, key: str = "mcpServers") -> tuple[Form, ...]:
    """Return the one form of a client that has all servers below one key."""
    return (Form((key,), shape),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The file of a scope.

    Attributes:
        places: Its path; of several, the first that exists, or the first of all.
        above: The keys in which the servers' own key stands; ``{project}`` is the project's path.
        is_state: True if the client keeps its own state there, so that only its command may write.
        todo: What a user has to do afterwards.
    """

    places: tuple[Place, ...]
    above: tuple[str, ...] = ()
    is_state: bool = False
    todo: str

    def file(self, machine: Machine) -> Path:
        """Return the path of the file on a machine."""
        paths = [place.on(machine) for place in self.places]
        return next((path for path in paths if _exists(path)), paths[0])

    def keys_above(self, machine: Machine) -> tuple[str, ...]:
        """Return the keys above the servers' own, for the project on a machine."""
        return tuple(key.replace("{project}", str(machine.project)) for key in self.above)


def at(*paths: str, todo: str) -> Target:
    """Return a target whose path is the same on each platform; or several such paths."""
    return Target(places=tuple(Place(path) for path in paths), todo=todo)


def below(folder: Place, path: str, todo: str) -> Target:
    """Return a target in a folder that differs by platform."""
    return Target(places=(folder.below(path),), todo=todo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client, and how it is configured.

    Attributes:
        name: Its name on the command line.
        title: Its name in a sentence.
        syntax: The syntax that it reads.
        forms: Where servers stand in a file. A later form is used where the file has it.
        targets: The file of each scope; the first is the default.
        asks: True if it can ask a person (elicitation), None if that is not known.
        own: Its own command for the same thing, where that does all that is needed.
        programs: Commands whose presence shows that it is installed.
        applications: Paths whose presence shows it, in the words of :meth:`Machine.resolve`.
        folder: The file or folder in which it leaves files of its own.
    """

    name: str
    title: str
    syntax: Syntax = "jsonc"
    forms: tuple[Form, ...] = servers()
    targets: Mapping[Scope, Target]
    asks: bool | None = None
    own: OwnCommand | None = None
    programs: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    folder: Place


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where a folder can't be entered
