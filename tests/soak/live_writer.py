"""Clear and undo while uniqc writes, for a number of rounds; then account for every record.

    python tests/soak/live_writer.py [--rounds 200] [--writers 2] [--max-wait 1]

The store of uniqc 0.1.1 comes from the package registry and has a HOME of its own. Its processes
save, update, archive and restore tasks, and clear cancelled ones, which the policy here excludes.
Another process plans, commits and undoes clears. At the end, each record that a writer saved and
uniqc did not clear must be in the store, in the archive or in a receipt, in its last version, and
no call of uniqc may have failed. The longest call is printed. ``--max-wait`` makes it fail, too: a
second holds on a machine that does nothing else, but not on a busy one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uniqc_from_registry import install_uniqc, uniqc_modules

from uniqc_store import CLEARED_FILENAME, ClearPolicy, StoreError, TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TASKS = 200
"""The number of tasks that a writer creates. Then it saves, archives and restores these."""


class Writer:
    """A uniqc process that acts as users do. Its ledger has the last save of each task."""

    def __init__(self, site: Path, number: int) -> None:
        self.theirs, archive = uniqc_modules(site)
        self.store, self.archive = self.theirs.TaskStore(), archive.ArchiveStore()
        self.number, self.made = number, 0
        self.random = random.Random(number)
        self.ledger: dict[str, tuple[str, str]] = {}
        self.tasks: list[Any] = []
        self.archived: set[str] = set()
        self.longest = 0.0
        self.trouble: Counter[str] = Counter()
        self.twins = 0

    def run(self, stop: Path) -> None:
        moves = (
            self.begin,
            self.begin,
            self.finish,
            self.finish,
            self.archive_one,
            self.restore_one,
        )
        while not stop.exists():
            move = self.random.choice(moves)
            try:
                move()
                if self.random.random() < 0.02:
                    self.timed(self.store.clear_completed, ("cancelled",))
            except sqlite3.IntegrityError:
                # An undo puts back what was in the cache, also where the archive has the id by
                # now. uniqc 0.1.1 does not restore an archived task whose id is in the cache.
                if move != self.restore_one:
                    raise
                self.twins += 1
            except sqlite3.Error as error:
                self.trouble[f"{move.__name__}: {error}"] += 1
            time.sleep(self.random.random() * 0.01)

    def timed(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Make one call to uniqc, which is one transaction."""
        began = time.monotonic()
        try:
            return call(*arguments)
        finally:
            self.longest = max(self.longest, time.monotonic() - began)

    def begin(self) -> None:
        if self.made == MAX_TASKS:
            return  # a larger store would make rounds slower without testing more
        self.made += 1
        task = self.theirs.TaskInfo(
            task_id=f"uqt_{self.number}_{self.made:06}", backend="originq:WK_C180", status="running"
        )
        self.save(task)
        shard = self.theirs.TaskShard(task.task_id, 0, f"job-{self.made}", task.backend)
        shard.status = "success"
        self.timed(self.store.save_shard, shard)
        self.tasks.append(task)

    def finish(self) -> None:
        # uniqc fails to save a task that is in the archive.
        if live := [task for task in self.tasks if task.task_id not in self.archived]:
            task = self.random.choice(live)
            task.status = self.random.choice(["success", "success", "failed", "cancelled"])
            task.result = {"00": self.random.randrange(1000), "11": 5}
            self.save(task)

    def archive_one(self) -> None:
        if live := [task for task in self.tasks if task.task_id not in self.archived]:
            task = self.random.choice(live)
            if self.timed(self.archive.archive_task, task.task_id):
                self.archived.add(task.task_id)

    def restore_one(self) -> None:
        if self.archived:
            task_id = self.random.choice(sorted(self.archived))
            if self.timed(self.archive.restore_task, task_id):
                self.archived.discard(task_id)

    def save(self, task: Any) -> None:
        self.timed(self.store.save, task)
        self.ledger[task.task_id] = (task.status, task.update_time)


def write(site: Path, number: int, directory: Path) -> None:
    writer = Writer(site, number)
    (directory / f"ready-{number}").touch()
    writer.run(directory / "stop")
    report = {
        "ledger": writer.ledger,
        "longest": writer.longest,
        "trouble": writer.trouble,
        "twins": writer.twins,
    }
    (directory / f"writer-{number}.json").write_text(json.dumps(report))


def clear(cache_dir: Path, rounds: int) -> Counter[str]:
    """Plan, commit and undo for a number of rounds, and return the counts."""
    store = TaskStore(cache_dir)
    policy = ClearPolicy(statuses=("success", "failed"))
    dice = random.Random(0)
    counts: Counter[str] = Counter()
    while counts["rounds"] < rounds:
        counts["rounds"] += 1
        try:
            done = store.clear(store.plan_clear(TaskFilter(), policy=policy))
            counts["cleared"] += done.cleared
            counts["skipped"] += sum(reason.count for reason in done.skipped)
            # Tasks that a writer saved again stay in the receipt, so old receipts restore little.
            for age, receipt in enumerate(store.receipts()):
                if receipt.held and dice.random() < 0.7 / (age + 1):
                    counts["restored"] += store.undo_clear(receipt.receipt_id).restored
        except StoreError as error:
            counts[f"trouble: {error}"] += 1
    return counts


def update_times(cache_dir: Path) -> dict[str, set[str]]:
    """Return the update times of each task in the store, the archive and the receipts."""
    found: dict[str, set[str]] = {}
    tables = {
        "tasks.sqlite": ("tasks", "archived_tasks"),
        CLEARED_FILENAME: ("cleared_tasks",),
    }
    for file, names in tables.items():
        with closing(sqlite3.connect(cache_dir / file)) as connection:
            for name in names:
                columns = connection.execute(f"SELECT name FROM pragma_table_info('{name}')")
                if ("update_time",) not in columns:
                    continue  # the table of copies gets its columns with the first copy
                for task_id, touched in connection.execute(
                    f"SELECT task_id, update_time FROM {name}"
                ):
                    found.setdefault(task_id, set()).add(touched)
    return found


def account(directory: Path, cache_dir: Path, writers: int, max_wait: float) -> int:
    """Return the number of lost records, of errors in uniqc, and of waits that were too long.

    A wait longer than ``max_wait`` seconds is too long.
    """
    found, wrong, saved = update_times(cache_dir), 0, 0
    for number in range(writers):
        report = json.loads((directory / f"writer-{number}.json").read_text())
        print(
            f"writer {number}: longest wait {report['longest']:.2f} s, {report['trouble']}, "
            f"archived twins not restored: {report['twins']}"
        )
        wrong += len(report["trouble"])
        if report["longest"] > max_wait:
            print(f"writer {number} waited longer than {max_wait:g} s")
            wrong += 1
        saved += len(report["ledger"])
        for task_id, (status, touched) in report["ledger"].items():
            if status != "cancelled" and touched not in found.get(task_id, set()):
                print(f"lost: {task_id} {status} {touched}, found {found.get(task_id)}")
                wrong += 1
    print(f"{saved} records accounted for, {wrong} wrong")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--max-wait", type=float, default=float("inf"), metavar="SECONDS")
    parser.add_argument("--as-writer", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_writer:
        site, number, directory = options.as_writer
        write(Path(site), int(number), Path(directory))
        return
    with tempfile.TemporaryDirectory(prefix="uniqc-soak-") as name:
        directory = Path(name)
        site, home = directory / "site", directory / "home"
        install_uniqc(site)
        cache_dir = home / ".uniqc" / "cache"
        environment = {**os.environ, "HOME": str(home)}
        home.mkdir()
        processes: list[subprocess.Popen[bytes]] = []
        try:
            for number in range(options.writers):
                command = [sys.executable, __file__, "--as-writer", str(site), str(number), name]
                processes.append(subprocess.Popen(command, env=environment))
                # One at a time: if two uniqc processes create the file at once, one may fail to
                # open it, and then silently uses the system's temporary directory.
                while not (directory / f"ready-{number}").exists() and processes[-1].poll() is None:
                    time.sleep(0.01)
            began = time.monotonic()
            counts = clear(cache_dir, options.rounds)
            print(f"{dict(counts)} in {time.monotonic() - began:.0f} s")
        finally:
            (directory / "stop").touch()
            codes = [process.wait(timeout=60) for process in processes]
        wrong = account(directory, cache_dir, options.writers, options.max_wait)
        trouble = [name for name in counts if name.startswith("trouble")]
        sys.exit(1 if wrong or trouble or any(codes) else 0)


if __name__ == "__main__":
    main()
