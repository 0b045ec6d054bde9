"""Calls of this tree's server beside those of another tree, such as the one before a change.

``python -m benchmarks.beside TREE STORE`` prints, for each question, the processor time of a call
by this tree divided by that of the other one, and the same for memory. The interpreter needs the
SDK that both trees ask for. The servers answer the same calls in turn, on a copy of the store each.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.measure.starts import cpu_ms, resident_mib
from benchmarks.stdio_client import RawServer, call_line
from uniqc_store import DB_FILENAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE: Final = Path(__file__).parents[1]
_PAGE: Final[dict[str, Any]] = {"status": ["any"], "limit": 50}
QUESTIONS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "list_tasks, active": ("list_tasks", {}),
    "list_tasks, a page of 50": ("list_tasks", _PAGE),
    "list_tasks, by name": ("list_tasks", {**_PAGE, "name_contains": "no such name"}),
    "count_tasks, by status": ("count_tasks", {}),
    "count_tasks, by both": ("count_tasks", {"group_by": "status_backend"}),
}
_WARM_UP: Final = 100
_LONG_AGO: Final = 1_000_000_000
_SEED: Final = 1


class _Tree:
    """A server of one tree over its own copy of a store."""

    def __init__(self, root: Path, cache_dir: Path, stack: ExitStack) -> None:
        paths = os.pathsep.join([str(root / "store"), str(root / "server")])
        command = [sys.executable, "-m", "uniqc_mcp", "--cache-dir", str(cache_dir)]
        self.server = stack.enter_context(
            RawServer(command, env={**os.environ, "PYTHONPATH": paths})
        )
        self._file = cache_dir / DB_FILENAME
        self.server.initialize()
        for _ in range(_WARM_UP):
            self.ask(call_line(*QUESTIONS["list_tasks, a page of 50"]))
        self.resident = resident_mib(self.server.pid)

    def ask(self, line: bytes) -> float:
        """Return the processor time of a call in ms."""
        before = cpu_ms(self.server.pid)
        result = self.server.result(line)
        if result["isError"]:
            raise SystemExit(f"no answer but {result}")
        return cpu_ms(self.server.pid) - before

    def change(self, moment: int) -> None:
        """Let the file look as if somebody had written to it, long ago."""
        os.utime(self._file, (_LONG_AGO + moment, _LONG_AGO + moment))


def compare(other: Path, store: Path, *, repeats: int = 40) -> dict[str, float]:
    """Return the ratios of this tree to another one, by question."""
    order = random.Random(_SEED)
    with ExitStack() as stack:
        ours, theirs = (
            _Tree(root, _copied(store, stack), stack) for root in (HERE, other.absolute())
        )
        ratios = {"resident memory after 100 calls": ours.resident / theirs.resident}
        moment = 0
        for what, call in QUESTIONS.items():
            line = call_line(*call)
            for state in ("again", "changed file"):
                times: dict[_Tree, list[float]] = {ours: [], theirs: []}
                for _ in range(repeats):
                    moment += 1
                    for tree in order.sample([ours, theirs], 2):
                        if state != "again":
                            tree.change(moment)
                        times[tree].append(tree.ask(line))
                medians = [statistics.median(times[tree]) for tree in (ours, theirs)]
                ratios[f"{what}: {state}"] = medians[0] / medians[1]
    return ratios


def _copied(store: Path, stack: ExitStack) -> Path:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    shutil.copyfile(store / DB_FILENAME, directory / DB_FILENAME)
    return directory


def main(arguments: Sequence[str]) -> None:
    """Print the ratios."""
    if len(arguments) != 2:  # noqa: PLR2004 - as in the usage
        sys.exit("usage: python -m benchmarks.beside TREE STORE")
    for what, ratio in compare(*map(Path, arguments)).items():
        print(f"{ratio:5.2f}  {what}")


if __name__ == "__main__":
    main(sys.argv[1:])
