"""Kill ``share`` while a release of uniqc writes; see ``tests/faults/kill_share.py``.

    python tests/soak/share_beside_uniqc.py [--kills 200] [--seed 0] [--uniqc 0.1.1]

The store of uniqc comes from the package registry and has a HOME of its own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from live_writer import Writer
from tests.faults.kill_share import SERVER_MOVES, run
from uniqc_from_registry import NEWEST, install_uniqc, old_store_module

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.faults.kill_share import Move
    from tests.lab.share.history import History


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--uniqc", metavar="RELEASE", default=NEWEST)
    options = parser.parse_args()
    run(options.kills, options.seed, lambda home: moves_of(home, options.uniqc))


def moves_of(home: Path, release: str) -> Sequence[Move]:
    """Return what a release of uniqc does, through its own store."""
    site = home / "site"
    install_uniqc(site, release)
    if release.startswith("0.0."):
        theirs = old_store_module(site)
        store = theirs.TaskStore()

        def save(_: History, number: int) -> None:
            status = ("running", "success", "failed")[number % 3]
            task = theirs.TaskInfo(task_id=f"{number % 300}", backend="dummy", status=status)
            store.save(task)

        def delete(_: History, number: int) -> None:
            store.delete(f"{number % 300}")

        def clear(_: History, number: int) -> None:
            if number % 10 == 0:
                store.clear_completed()

        return (*[save] * 8, delete, clear, *SERVER_MOVES)
    writer = Writer(site, 1)
    own = (writer.begin, writer.begin, writer.finish, writer.finish)
    return (
        *(_without_number(move) for move in (*own, writer.archive_one, writer.restore_one)),
        *SERVER_MOVES,
    )


def _without_number(move: Callable[[], None]) -> Move:
    return lambda _history, _number: move()


if __name__ == "__main__":
    main()
