"""The machine whose clients are configured: its platform, folders and environment."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Platform = Literal["linux", "macos", "windows"]

_PLATFORMS: Final[dict[str, Platform]] = {"darwin": "macos", "win32": "windows"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A platform, the folders of a user and of a project, and environment variables."""

    platform: Platform
    home: Path
    project: Path
    environ: Mapping[str, str]

    @classmethod
    def here(cls) -> Machine:
        """Return the machine and the user of this process; the project is its folder."""
        return cls(
            platform=_PLATFORMS.get(sys.platform, "linux"),
            home=Path.home(),
            project=Path.cwd(),
            environ=os.environ,
        )

    def which(self, program: str) -> str | None:
        """Return the path of a program, or None if it is not on PATH."""
        return shutil.which(program, path=self.environ.get("PATH", os.defpath))

    def resolve(self, path: str) -> Path:
        """Return the path of a file, which begins with one of these, or with ``/``.

        ``~``, ``$CONFIG`` (the folder of the XDG standard), ``$APPDATA``, ``$LOCALAPPDATA``, and
        ``.``, which is the project.
        """
        first, _, rest = path.partition("/")
        config = self.environ.get("XDG_CONFIG_HOME") or self.home / ".config"
        appdata = self.environ.get("APPDATA") or self.home / "AppData" / "Roaming"
        local = self.environ.get("LOCALAPPDATA") or self.home / "AppData" / "Local"
        folders: dict[str, str | Path] = {
            "": "/",
            "~": self.home,
            "$CONFIG": config,
            "$APPDATA": appdata,
            "$LOCALAPPDATA": local,
            ".": self.project,
        }
        return Path(folders[first]) / rest


@dataclass(frozen=True, slots=True)
class Place:
    """The path of a file on each platform.

    Attributes:
        linux: Its path, in the words of :meth:`Machine.resolve`.
        macos: Its path there; the same as on Linux where it is empty.
        windows: Its path on Windows; the same as on Linux where it is empty.
        variable: An environment variable that moves its folder, and the path below that.
    """

    linux: str
    macos: str = ""
    windows: str = ""
    variable: tuple[str, str] | None = None

    def below(self, path: str) -> Place:
        """Return the place of a file below this folder."""
        moved = self.variable and (self.variable[0], f"{self.variable[1]}/{path}".lstrip("/"))
        return Place(
            f"{self.linux}/{path}",
            self.macos and f"{self.macos}/{path}",
            self.windows and f"{self.windows}/{path}",
            moved,
        )

    def on(self, machine: Machine) -> Path:
        """Return the path of the file on a machine."""
        root, below = self._parts(machine)
        return root / below

    def root(self, machine: Machine) -> Path:
        """Return the folder that the path begins with, which no client made."""
        return self._parts(machine)[0]

    def _parts(self, machine: Machine) -> tuple[Path, str]:
        if self.variable is not None:
            name, below = self.variable
            if folder := machine.environ.get(name):
                return Path(folder), below
        paths = {"linux": self.linux, "macos": self.macos, "windows": self.windows}
        first, _, rest = (paths[machine.platform] or self.linux).partition("/")
        return machine.resolve(first or "/"), rest
