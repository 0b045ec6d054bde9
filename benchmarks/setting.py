"""The setting that every measurement is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.mix import Mix

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.environments import Environments
    from benchmarks.laboratories import Laboratories
    from benchmarks.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The setting of one run.

    Attributes:
        sizes: The numbers of tasks, rising.
        lab_sizes: The numbers of tasks of laboratories' stores, rising.
        repeats: The maximum number of times that a store is asked a question. Calls over stdio
            are made ten times as often, as their 99th percentile needs more values.
        seconds_each: The time for each question and contender.
        calls: The number of calls over which memory is measured.
        idle_seconds: The time over which an idle server is measured.
        whole_uniqc: True if uniqc's own command is measured, which needs all its dependencies.
        stores: The files.
        laboratories: The laboratories' stores.
        environments: The programs.
        commands: The directory of the commands of a fresh install of this working tree.
        tell: Called with what is being measured.
    """

    sizes: tuple[int, ...]
    lab_sizes: tuple[int, ...]
    repeats: int
    seconds_each: float
    calls: int
    idle_seconds: float
    whole_uniqc: bool
    stores: Stores
    laboratories: Laboratories
    environments: Environments
    commands: Path
    tell: Callable[[str], None]

    @property
    def python(self) -> Path:
        """The interpreter of an environment with this working tree and the SDK only."""
        return self.commands / "python"

    @property
    def server(self) -> Path:
        """The command of the measured server."""
        return self.commands / "uniqc-mcp"

    def caches(self) -> dict[int, Path]:
        """Return the cache directory of each size."""
        return {size: self.stores.of(Mix(size=size)) for size in self.sizes}
