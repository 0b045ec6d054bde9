"""What is made once and kept below a directory, until its recipe changes."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class DiskFullError(Exception):
    """There is too little space on the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Directories of one kind and recipe.

    Attributes:
        root: The directory of the kind. Those of another recipe in it are removed.
        recipe: The version of what is in the directories.
    """

    root: Path
    recipe: str

    def has(self, name: str) -> bool:
        """Return whether a directory is there."""
        return self._path(name).exists()

    def made(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return a directory; if it is missing, a function fills it first."""
        finished = self._path(name)
        if not finished.exists():
            self._remove_older()
            # An interrupted build leaves a directory that is never taken for a finished one.
            unfinished = finished.with_name(f"{name}.{uuid.uuid4().hex}.unfinished")
            unfinished.mkdir(parents=True)
            try:
                make(unfinished)
                unfinished.rename(finished)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        return finished

    def _path(self, name: str) -> Path:
        return self.root / f"recipe-{self.recipe}" / name

    def _remove_older(self) -> None:
        for other in self.root.glob("recipe-*"):
            if other.name != f"recipe-{self.recipe}":
                shutil.rmtree(other)


def check_disk(directory: Path, needed: int) -> None:
    """Make a directory, and raise DiskFullError unless it has space for a number of bytes."""
    directory.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise DiskFullError(
            f"The stores need {needed / 1e9:.1f} GB and there are {free / 1e9:.1f} GB free. "
            "Give a directory on a larger disk (--stores) or fewer tasks (--sizes)."
        )
