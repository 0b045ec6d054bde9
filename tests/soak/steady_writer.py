"""A uniqc process that commits at a steady rate and logs each commit with its times.

    python tests/soak/steady_writer.py SITE NUMBER DIRECTORY RATE

It writes to ``DIRECTORY/cache`` until the file ``DIRECTORY/stop`` exists.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commit_history import Commit
from uniqc_from_registry import uniqc_modules

if TYPE_CHECKING:
    from collections.abc import Callable

PLATFORM = "soak"
MAX_TASKS = 300


def backend_of(writer: int) -> str:
    """Return the backend whose tasks this writer alone writes."""
    return f"{PLATFORM}:writer-{writer}"


def log_of(directory: Path, writer: int) -> Path:
    """Return the file that a writer leaves its commits in."""
    return directory / f"commits-{writer}.json"


class Writer:
    """A process that saves and deletes tasks through uniqc's own store: one commit each."""

    def __init__(self, site: Path, cache_dir: Path, number: int) -> None:
        self._theirs, _ = uniqc_modules(site)
        self._store = self._theirs.TaskStore(cache_dir)
        self._backend = backend_of(number)
        self._dice = random.Random(number)
        self._tasks: list[Any] = []
        self.commits: list[Commit] = []

    def run(self, rate: float, stop: Path) -> None:
        """Commit until the file ``stop`` exists."""
        due = time.monotonic()
        while not stop.exists():
            self._commit()
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))

    def _commit(self) -> None:
        chance = self._dice.random()
        running = [task for task in self._tasks if task.status == "running"]
        if len(self._tasks) > MAX_TASKS or (self._tasks and chance < 0.2):
            task = self._tasks.pop(self._dice.randrange(len(self._tasks)))
            self._log(task.task_id, None, lambda: self._store.delete(task.task_id))
        elif running and chance < 0.6:
            task = self._dice.choice(running)
            task.status = self._dice.choice(["success", "success", "failed"])
            task.result = {"00": self._dice.randrange(1000), "11": 5}
            self._log(task.task_id, task.status, lambda: self._store.save(task))
        else:
            task_id = self._theirs.generate_uniqc_task_id()
            task = self._theirs.TaskInfo(task_id=task_id, backend=self._backend, status="running")
            self._tasks.append(task)
            self._log(task_id, task.status, lambda: self._store.save(task))

    def _log(self, task_id: str, status: str | None, commit: Callable[[], object]) -> None:
        before = time.monotonic()
        commit()
        self.commits.append(Commit(before, time.monotonic(), task_id, status))


def main() -> None:
    site, number, directory, rate = sys.argv[1:]
    writer = Writer(Path(site), Path(directory, "cache"), int(number))
    writer.run(float(rate), Path(directory, "stop"))
    log_of(Path(directory), int(number)).write_text(json.dumps(writer.commits))


if __name__ == "__main__":
    main()
