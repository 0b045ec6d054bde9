"""The options of the command line."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.mix import LARGEST_FILE, Mix

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

FULL_SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (2_000, 20_000)
LAB_SIZES = (1_000_000, 10_000_000)
PARTIAL = "partial-run"
_LABORATORIES = {"lab", "http"}
"""The subjects whose stores are no files, so that they can be larger."""
SMALLEST_SIZE = 2_000
"""The minimum number of tasks: with fewer, some filters find no second page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one run.

    Attributes:
        sizes: The numbers of tasks, rising.
        lab_sizes: Those of the stores that are measured as ``lab``.
        subjects: The names of the subjects to measure.
        repeats: As in ``Setting``.
        seconds_each: As in ``Setting``.
        calls: As in ``Setting``.
        idle_seconds: As in ``Setting``.
        whole_uniqc: As in ``Setting``.
        uniqc: The interpreter of an environment that has uniqc; None to make one.
        cache: The directory of the stores and environments.
        output: The directory of the report.
        only_stores: True to make the stores and measure nothing.
    """

    sizes: tuple[int, ...]
    lab_sizes: tuple[int, ...]
    subjects: tuple[str, ...]
    repeats: int
    seconds_each: float
    calls: int
    idle_seconds: float
    whole_uniqc: bool
    uniqc: Path | None
    cache: Path
    output: Path
    only_stores: bool

    @property
    def mixes(self) -> tuple[Mix, ...]:
        """The files of the run."""
        if not _LABORATORIES.issuperset(self.subjects):
            return tuple(mix for size in self.sizes for mix in Mix.of_each_kind(size))
        beside = self.lab_sizes if "lab" in self.subjects else ()
        return tuple(Mix(size=size) for size in beside if size <= LARGEST_FILE)

    @property
    def laboratories(self) -> tuple[int, ...]:
        """The sizes of the laboratories' stores of the run."""
        sizes = {*self.lab_sizes} if "lab" in self.subjects else set[int]()
        if "http" in self.subjects:
            sizes.add(self.sizes[-1])
        return tuple(sorted(sizes))

    @property
    def partial_output(self) -> Path:
        """The directory of the report of a run that was not a full one, or that failed."""
        return self.cache / PARTIAL

    @classmethod
    def parse(cls, arguments: Sequence[str] | None, subjects: Collection[str]) -> Self:
        """Return the options of a command line; None stands for that of the process."""
        parser = _parser(subjects)
        given = parser.parse_args(arguments)
        quick: bool = given.quick
        whole = not quick and given.only is None and given.sizes is None
        only_files = not _LABORATORIES.issuperset(given.only or subjects)
        if only_files and given.sizes and given.sizes[-1] > LARGEST_FILE:
            parser.error(f"more than {LARGEST_FILE} tasks need --only lab, http or both")
        return cls(
            sizes=given.sizes or (QUICK_SIZES if quick else FULL_SIZES),
            lab_sizes=given.sizes or (QUICK_SIZES if quick else LAB_SIZES),
            subjects=given.only or tuple(subjects),
            repeats=given.repeats or (5 if quick else 30),
            seconds_each=0.2 if quick else 0.5,
            calls=given.calls or (2_000 if quick else 100_000),
            idle_seconds=2 if quick else 20,
            whole_uniqc=given.uniqc is not None or not quick,
            uniqc=given.uniqc,
            cache=given.stores,
            output=given.output or (Path(__file__).parent if whole else given.stores / PARTIAL),
            only_stores=given.only_stores,
        )


def default_cache() -> Path:
    """Return the default directory, below the user's cache directory."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "uniqc-mcp-benchmarks"


def _parser(subjects: Collection[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure uniqc-mcp beside its references."
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="small stores and few repeats: two minutes")
    add(
        "--sizes",
        type=_sizes,
        help="numbers of tasks (default: 10000,100000,1000000; of lab 1000000,10000000)",
    )
    add(
        "--only",
        type=lambda text: _subjects(text, subjects),
        help=f"subjects, separated by commas: {', '.join(subjects)}",
    )
    add("--repeats", type=_positive, help="the most times that a question is asked")
    add("--calls", type=_positive, help="calls over which memory is watched")
    add(
        "--stores",
        type=lambda text: Path(text).expanduser().absolute(),
        default=default_cache(),
        help="where stores and environments are kept (default: in the user's cache directory)",
    )
    add("--only-stores", action="store_true", help="make the stores, and measure nothing")
    add(
        "--uniqc",
        type=lambda text: Path(text).expanduser().absolute(),
        metavar="PYTHON",
        help="of an environment that has unified-quantum 0.1.1, so that none is made (560 MB)",
    )
    add(
        "--output",
        type=Path,
        help="where the report goes (default: benchmarks/ for a full run, else beside the stores)",
    )
    return parser


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(sorted({_positive(part) for part in text.split(",")}))
    if sizes[0] < SMALLEST_SIZE:
        raise argparse.ArgumentTypeError(f"{sizes[0]} is below {SMALLEST_SIZE}")
    return sizes


def _positive(text: str) -> int:
    try:
        number = int(text.replace("_", ""))
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _subjects(text: str, subjects: Collection[str]) -> tuple[str, ...]:
    chosen = tuple(part.strip() for part in text.split(","))
    for subject in chosen:
        if subject not in subjects:
            raise argparse.ArgumentTypeError(f"{subject!r} is none of {', '.join(subjects)}")
    return chosen
