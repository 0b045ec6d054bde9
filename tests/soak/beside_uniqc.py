"""Read, wait, plan, clear and undo beside two releases of uniqc; then account for every task.

    PYTHONPATH=. python tests/soak/beside_uniqc.py [--seconds 180] [--round 20] [--without-server]

Each round begins without a store. Processes of uniqc 0.0.7 make one of schema version 1, save,
finish, delete and once remove the whole file; those of 0.1.1 upgrade it while the old ones go on,
then do the same, archive and restore. Both come from the package registry, each round with a HOME
of its own. Meanwhile three servers of this package read, wait, and plan, clear and undo. At the end
of a round

- the last version of each task that uniqc saved is in the store, in the archive or in a receipt,
  unless uniqc itself removed it afterwards
- each task found is one that uniqc saved, in a version that it saved
- no call of uniqc failed, and none took longer than a second
- no answer of a server was an error, but for unknown ids

``--without-server`` runs the same without this package, to see which errors are uniqc's own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from account_of_lives import account
from served_to_agents import Served
from uniqc_from_registry import NEWEST, install_uniqc

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD = "0.0.7"
PROCESSES = 2
"""The number of processes of each release."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--round", type=float, default=20, help="seconds of one round")
    parser.add_argument("--without-server", action="store_true")
    options = parser.parse_args()
    totals: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="uniqc-beside-") as name:
        sites = {release: Path(name, release) for release in (OLD, NEWEST)}
        for release, site in sites.items():
            install_uniqc(site, release)
        ends = time.monotonic() + options.seconds
        while time.monotonic() < ends:
            totals["rounds"] += 1
            directory = Path(name, f"round-{totals['rounds']}")
            totals += play(directory, sites, options)
    for what, count in sorted(totals.items()):
        print(f"{what}: {count}")
    wrong = [what for what in totals if what.startswith(("WRONG", "lost", "invented"))]
    sys.exit(1 if wrong else 0)


def play(directory: Path, sites: dict[str, Path], options: argparse.Namespace) -> Counter[str]:
    """Play one round, and return the counts."""
    home = directory / "home"
    cache_dir = home / ".uniqc" / "cache"
    cache_dir.mkdir(parents=True)
    served = None if options.without_server else Served(cache_dir)
    lives = Lives(directory, home, sites)
    try:
        lives.start(OLD, clear_all_after=0.15 * options.round)
        time.sleep(0.3 * options.round)
        lives.start(NEWEST, clear_all_after=0.3 * options.round)
        time.sleep(0.1 * options.round)
        lives.stop(OLD)
        time.sleep(0.6 * options.round)
        lives.stop(NEWEST)
    finally:
        for release in sites:
            (directory / f"stop-{release}").touch()
        counts = served.stop() if served else Counter[str]()
    counts["WRONG: a uniqc process failed"] += sum(map(bool, lives.codes()))
    return +(counts + account(directory, cache_dir))


class Lives:
    """The processes of uniqc in one round."""

    def __init__(self, directory: Path, home: Path, sites: dict[str, Path]) -> None:
        self._directory, self._home, self._sites = directory, home, sites
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, release: str, *, clear_all_after: float) -> None:
        """Start the processes of a release, one after another.

        If two create the file at once, one may fail to open it: uniqc's own race.
        """
        script = Path(__file__).with_name("uniqc_life.py")
        for number in range(PROCESSES):
            after = "0" if number else str(clear_all_after)
            arguments: list[str | Path] = [
                self._sites[release],
                release,
                str(number),
                self._directory,
                after,
            ]
            process = subprocess.Popen(
                [sys.executable, script, *arguments],
                env={**os.environ, "HOME": str(self._home)},
            )
            self._processes.append(process)
            ready = self._directory / f"ready-{release}-{number}"
            while not ready.exists() and process.poll() is None:
                time.sleep(0.01)

    def stop(self, release: str) -> None:
        """Let the processes of a release end."""
        (self._directory / f"stop-{release}").touch()

    def codes(self) -> Iterator[int]:
        """Yield the exit status of each process, once it has ended."""
        for process in self._processes:
            yield process.wait(timeout=60)


if __name__ == "__main__":
    main()
