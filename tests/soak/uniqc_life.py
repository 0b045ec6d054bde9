"""A uniqc process of one release that acts as its users do and logs what it did.

    HOME=HOME python tests/soak/uniqc_life.py SITE RELEASE NUMBER DIRECTORY CLEAR_ALL_AFTER

It uses the cache in HOME until the file ``DIRECTORY/stop-RELEASE`` exists. After so many seconds it
removes the file of the store with uniqc's ``clear_all``, unless they are 0. All other calls hold a
shared lock and that one an exclusive lock: two calls of uniqc itself can lose what they write when
one removes the file. A reader or a clear of this package takes no part in that lock.
"""

from __future__ import annotations

import fcntl
import json
import random
import sqlite3
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from uniqc_from_registry import NEWEST, old_store_module, uniqc_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

MAX_TASKS = 150


class Deed(NamedTuple):
    """One call to uniqc that returned.

    Attributes:
        kind: ``save``, ``open``, ``clear cancelled`` or ``clear all``.
        began: The monotonic time before it.
        ended: The monotonic time after it.
        task_id: The task saved; empty for other kinds.
        status: Its status.
        update_time: The time that uniqc gave this version of the task.
    """

    kind: str
    began: float
    ended: float
    task_id: str = ""
    status: str = ""
    update_time: str = ""


class UniqcProcess:
    """One process, with its own connection to the store for each call, as uniqc has it."""

    def __init__(self, site: Path, release: str, number: int, directory: Path) -> None:
        if release == NEWEST:
            self.theirs, self.archives = uniqc_modules(site)
        else:
            self.theirs, self.archives = old_store_module(site), None
        self.release, self.number, self.directory = release, number, directory
        self.random = random.Random(f"{release} {number}")
        self.deeds: list[Deed] = []
        self.trouble: Counter[str] = Counter()
        self.twins, self.longest, self.made = 0, (0.0, ""), 0
        self.tasks: list[Any] = []
        self.archived: set[str] = set()
        self.store: Any = None
        self.archive: Any = None
        self.generation = ""

    def run(self, clear_all_after: float) -> None:
        """Act until the file ``stop-RELEASE`` exists."""
        due = time.monotonic() + clear_all_after if clear_all_after else None
        moves = [self.begin, self.begin, self.finish, self.finish, self.clear_cancelled]
        if self.archives is not None:
            moves += [self.archive_one, self.restore_one]
        with self.turn(exclusive=False):
            self.open()
        (self.directory / f"ready-{self.release}-{self.number}").touch()
        while not (self.directory / f"stop-{self.release}").exists():
            if due is not None and time.monotonic() > due:
                due = None
                with self.turn(exclusive=True):
                    self.clear_all()
                continue
            move = self.random.choice(moves)
            with self.turn(exclusive=False):
                self.attempt(move)
            time.sleep(self.random.random() * 0.02)

    @contextmanager
    def turn(self, *, exclusive: bool) -> Generator[None]:
        """Hold the lock, and open the store again if its file was removed."""
        with (self.directory / "turn").open("a+") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            turn.seek(0)
            generation = turn.read()
            if self.store is not None and generation != self.generation:
                self.open()
            self.generation = generation
            yield
            if exclusive:
                turn.write("x")
                self.generation = generation + "x"

    def attempt(self, move: Callable[[], None]) -> None:
        """Make a move, and count the error of uniqc if there is one."""
        try:
            move()
        except sqlite3.IntegrityError as error:
            # An undo puts back what was in the cache, also where the archive has the id by now.
            if move == self.restore_one:
                self.twins += 1
            else:
                self.trouble[f"{move.__name__}: {error}"] += 1
        except Exception as error:  # as its user would see it
            self.trouble[f"{move.__name__}: {type(error).__name__}: {error}"] += 1

    def done(self, kind: str, call: Callable[[], object], task: Any = None) -> object:
        """Make one call to uniqc, and log it."""
        began = time.monotonic()
        try:
            value = call()
        finally:
            self.longest = max(self.longest, (time.monotonic() - began, kind))
        of_task = (task.task_id, task.status, task.update_time) if task else ()
        self.deeds.append(Deed(kind, began, time.monotonic(), *of_task))
        return value

    def open(self) -> None:
        self.store = self.done("open", self.theirs.TaskStore)
        if self.store.cache_dir != self.theirs.DEFAULT_CACHE_DIR:
            self.trouble["uniqc could not open the file and took another directory"] += 1
        if self.archives is not None:
            self.archive = self.archives.ArchiveStore()

    def begin(self) -> None:
        if self.made == MAX_TASKS:
            return
        self.made += 1
        new = self.archives is not None
        task = self.theirs.TaskInfo(
            task_id=self.theirs.generate_uniqc_task_id() if new else f"J{self.number}-{self.made}",
            backend="originq:WK_C180" if new else "originq",
            status="running",
        )
        self.done("save", lambda: self.store.save(task), task)
        self.tasks.append(task)
        if new:
            shard = self.theirs.TaskShard(task.task_id, 0, f"job-{self.made}", task.backend)
            self.done("shard", lambda: self.store.save_shard(shard))

    def finish(self) -> None:
        # uniqc fails to save a task that is in the archive.
        if live := [task for task in self.tasks if task.task_id not in self.archived]:
            task = self.random.choice(live)
            task.status = self.random.choice(["success", "success", "failed", "cancelled"])
            task.result = {"00": self.random.randrange(1000), "11": 5}
            self.done("save", lambda: self.store.save(task), task)

    def archive_one(self) -> None:
        if live := [task for task in self.tasks if task.task_id not in self.archived]:
            task_id = self.random.choice(live).task_id
            if self.done("archive", lambda: self.archive.archive_task(task_id)):
                self.archived.add(task_id)

    def restore_one(self) -> None:
        if self.archived:
            task_id = self.random.choice(sorted(self.archived))
            if self.done("restore", lambda: self.archive.restore_task(task_id)):
                self.archived.discard(task_id)

    def clear_cancelled(self) -> None:
        if self.random.random() < 0.05:
            self.done("clear cancelled", lambda: self.store.clear_completed(("cancelled",)))

    def clear_all(self) -> None:
        self.done("clear all", self.store.clear_all)
        self.archived.clear()
        self.open()


def report_of(directory: Path, release: str, number: int) -> Path:
    """Return the file that a process leaves its report in."""
    return directory / f"life-{release}-{number}.json"


def main() -> None:
    site, release, number, directory, clear_all_after = sys.argv[1:]
    life = UniqcProcess(Path(site), release, int(number), Path(directory))
    life.run(float(clear_all_after))
    report = {
        "deeds": life.deeds,
        "trouble": life.trouble,
        "twins": life.twins,
        "longest": life.longest,
    }
    report_of(Path(directory), release, int(number)).write_text(json.dumps(report))


if __name__ == "__main__":
    main()
