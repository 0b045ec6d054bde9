"""Ask many servers on one store while uniqc commits; then check each number that they gave.

    PYTHONPATH=. python tests/soak/many_servers.py [--servers 10] [--tasks 100000]
        [--seconds 120] [--rate 100] [--writers 2] [--pause 0.05]

Each server is a process of its own over stdio, with a client that lists, counts, gets and waits in
a loop, with a pause between two calls. The writers are processes of uniqc 0.1.1 from the package
registry; each save or delete is one commit. A number is wrong unless it was true at some commit
between the beginning and the end of its call. The exit code is 0 if

- no call was an error, and no number was wrong
- the WAL stayed below a bound
- no commit of uniqc took longer than a second, and no call more than a second longer than the wait
  that it asked for; where there are more servers than processors, they wait for these
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from asked_while_writing import WAIT_SECONDS, Asker, Kept, fault_of
from commit_history import Commit, CommitHistory
from steady_writer import backend_of, log_of
from tool_client import ToolClient
from uniqc_from_registry import install_uniqc

from benchmarks.mix import Mix
from benchmarks.stores import build
from uniqc_store import DB_FILENAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_SECONDS = 1.0
MAX_WAL_BYTES = 64 << 20
"""Without its restart by SQLite, the WAL would exceed this in less than a minute."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--servers", type=int, default=10)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--rate", type=float, default=100, help="commits a second, of all writers")
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--pause", type=float, default=0.05, help="mean seconds between two calls")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="uniqc-servers-") as name:
        sys.exit(1 if any(run(Path(name), options)) else 0)


def run(directory: Path, options: argparse.Namespace) -> list[int]:
    """Ask and commit for a time, print what became of it, and return what was wrong."""
    cache_dir = directory / "cache"
    cache_dir.mkdir()
    install_uniqc(directory / "site")
    build(cache_dir, Mix(size=options.tasks).tasks(), results_in_shards=False)
    writers = start_writers(directory, options.writers, options.rate)
    try:
        kept, wal = ask(cache_dir, options)
    finally:
        (directory / "stop").touch()
        codes = [writer.wait(timeout=60) for writer in writers]
    commits_of = {
        backend_of(number): read_commits(directory, number) for number in range(options.writers)
    }
    histories = {backend: CommitHistory(commits) for backend, commits in commits_of.items()}
    return [
        *codes,
        tell_commits([commit for commits in commits_of.values() for commit in commits]),
        tell_answers(kept, histories, options.tasks),
        tell_wal(wal),
    ]


def start_writers(directory: Path, writers: int, rate: float) -> list[subprocess.Popen[bytes]]:
    """Start the processes of uniqc, with a HOME of their own."""
    script = Path(__file__).with_name("steady_writer.py")
    home = directory / "home"
    home.mkdir()
    return [
        subprocess.Popen(
            [
                sys.executable,
                script,
                directory / "site",
                str(number),
                directory,
                str(rate / writers),
            ],
            env={**os.environ, "HOME": str(home)},
        )
        for number in range(writers)
    ]


def read_commits(directory: Path, writer: int) -> list[Commit]:
    """Return the commits that a writer logged."""
    return [Commit(*logged) for logged in json.loads(log_of(directory, writer).read_text())]


class LargestWal(NamedTuple):
    """The largest size of the WAL, in bytes, and the seconds from the first call to it."""

    size: int
    seconds: float


def ask(cache_dir: Path, options: argparse.Namespace) -> tuple[list[Kept], LargestWal]:
    """Ask every server for a time; return the answers and the largest size of the WAL."""
    wal = cache_dir / f"{DB_FILENAME}-wal"
    stop, largest = threading.Event(), LargestWal(0, 0.0)
    with ThreadPoolExecutor(max(1, options.servers)) as pool:
        clients = list(pool.map(ToolClient, [cache_dir] * options.servers))
        askers = [
            Asker(
                client=client,
                writers=options.writers,
                dice=random.Random(number),
                pause=options.pause,
            )
            for number, client in enumerate(clients)
        ]
        running = [pool.submit(asker.run, stop) for asker in askers]
        began = time.monotonic()
        while (since := time.monotonic() - began) < options.seconds:
            if any(one.done() for one in running):
                break
            largest = max(largest, LargestWal(wal.stat().st_size if wal.exists() else 0, since))
            time.sleep(0.05)
        stop.set()
        for one in running:
            one.result()
        for client in clients:
            client.close()
    return [kept for asker in askers for kept in asker.kept], largest


def tell_commits(commits: Sequence[Commit]) -> int:
    """Print what became of the commits, and return how many took too long."""
    taken = [commit.after - commit.before for commit in commits]
    seconds = max(commit.after for commit in commits) - min(commit.before for commit in commits)
    late = sum(one > MAX_SECONDS for one in taken)
    print(
        f"{len(commits)} commits, {len(commits) / seconds:.0f} a second, "
        f"median {statistics.median(taken) * 1000:.1f} ms, longest {max(taken):.2f} s; "
        f"{late} above a second"
    )
    return late


def tell_answers(kept: Sequence[Kept], histories: Mapping[str, CommitHistory], base: int) -> int:
    """Print what became of the calls, and return the number of errors, faults and late answers."""
    wrong = 0
    faults = Counter(fault for one in kept if (fault := fault_of(one, histories, base)))
    for fault, count in faults.most_common():
        print(f"wrong, {count} times: {fault}")
        wrong += count
    for tool in sorted({one.answer.tool for one in kept}):
        taken = sorted(one.answer.seconds for one in kept if one.answer.tool == tool)
        most = MAX_SECONDS + (WAIT_SECONDS if tool == "wait_for_tasks" else 0)
        late = sum(seconds > most for seconds in taken)
        wrong += late
        print(
            f"{tool}: {len(taken)} calls, median {statistics.median(taken) * 1000:.0f} ms, "
            f"99 % {taken[int(0.99 * len(taken))] * 1000:.0f} ms, longest {taken[-1]:.2f} s; "
            f"{late} above {most:.0f} s"
        )
    print(f"{len(kept)} calls, {sum(faults.values())} wrong")
    return wrong


def tell_wal(largest: LargestWal) -> bool:
    """Print the largest size of the WAL, and return True if that is too large."""
    print(
        f"the WAL had at most {largest.size / 2**20:.1f} MiB, "
        f"{largest.seconds:.0f} s after the first call"
    )
    return largest.size > MAX_WAL_BYTES


if __name__ == "__main__":
    main()
