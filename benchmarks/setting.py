"""What every measurement is handed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.mix import Mix

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.environments import Environments
    from benchmarks.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One run.

    Attributes:
        sizes: Numbers of tasks, rising.
        repeats: The most times that a question to a store is asked; calls over stdio, which
            need more for their 99th percentile, are asked ten times as often.
        seconds_each: For each question and contender.
        calls: For how many calls memory is watched.
        idle_seconds: For how long idleness is watched.
        whole_uniqc: Whether uniqc's own command is measured, which needs all of its dependencies.
        stores: The files.
        environments: The programs.
        commands: The directory of commands of a fresh install of this working tree.
        tell: Told what is being measured.
    """

    sizes: tuple[int, ...]
    repeats: int
    seconds_each: float
    calls: int
    idle_seconds: float
    whole_uniqc: bool
    stores: Stores
    environments: Environments
    commands: Path
    tell: Callable[[str], None]

    @property
    def python(self) -> Path:
        """The interpreter that has this working tree and the SDK, and nothing else."""
        return self.commands / "python"

    @property
    def server(self) -> Path:
        """The command under measurement."""
        return self.commands / "uniqc-mcp"

    def caches(self) -> dict[int, Path]:
        """The cache directory of each size."""
        return {size: self.stores.of(Mix(size=size)) for size in self.sizes}
