"""Simulate a uniqc process with uniqc's own store: submit tasks and poll until they are finished.

    python tests/soak/play_uniqc.py CACHE_DIR three-tasks

No platform is contacted: its answers are in the stories below. Each line of output is a task that
was just saved, as JSON. The examples watch this process. After the first task it waits for a line
on stdin, by which they say that they watch; on a busy machine their server starts late.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uniqc_from_registry import install_uniqc, uniqc_modules

if TYPE_CHECKING:
    from collections.abc import Sequence

BACKENDS = {"vqe step 17": "originq:WK_C180", "ghz-5": "quark:Baihua", "bell": "originq:WK_C180"}
COUNTS = {"00": 507, "11": 493}
ERROR = "the chip is being calibrated"


@dataclass(frozen=True, slots=True)
class Step:
    """The answer of the platform about a task, and the seconds since the previous step.

    Some task is active until the last step. Each status lasts long enough to be seen.
    """

    seconds: float
    name: str
    status: str


STORIES = {
    "three-tasks": (
        Step(0.0, "vqe step 17", "pending"),
        Step(0.8, "ghz-5", "pending"),
        Step(0.8, "vqe step 17", "running"),
        Step(0.8, "bell", "pending"),
        Step(0.8, "ghz-5", "running"),
        Step(0.8, "bell", "running"),
        Step(0.8, "vqe step 17", "success"),
        Step(0.8, "ghz-5", "failed"),
        Step(0.8, "bell", "success"),
    ),
    "one-task": (
        Step(0.0, "bell", "pending"),
        Step(1.0, "bell", "running"),
        Step(2.0, "bell", "success"),
    ),
}


class Player:
    """A uniqc process that writes to one cache."""

    def __init__(self, site: Path, cache_dir: Path) -> None:
        self._theirs, _ = uniqc_modules(site)
        self._store = self._theirs.TaskStore(cache_dir)
        self._active: dict[str, Any] = {}

    def play(self, story: Sequence[Step]) -> None:
        for number, step in enumerate(story):
            if number == 1:
                sys.stdin.readline()
            time.sleep(step.seconds)
            task = self._active.get(step.name) or self._submit(step)
            self._poll(task, step.status)
            shown = ("task_id", "status", "result", "error_message")
            print(json.dumps({name: getattr(task, name) for name in shown}), flush=True)

    def _submit(self, step: Step) -> Any:
        task = self._theirs.TaskInfo(
            task_id=self._theirs.generate_uniqc_task_id(),
            backend=BACKENDS[step.name],
            metadata={"task_name": step.name},
        )
        self._store.save(task)
        self._active[step.name] = task
        return task

    def _poll(self, asked: Any, status: str) -> None:
        """Save all active tasks, changed or not, as uniqc does."""
        asked.status = status
        asked.result = COUNTS if status == "success" else None
        asked.error_message = ERROR if status == "failed" else None
        for task in self._active.values():
            shard = self._theirs.TaskShard(task.task_id, 0, f"job-{task.task_id}", task.backend)
            shard.status = task.status
            self._store.save_shard(shard)
            self._store.save(task)
        finished = self._theirs.TERMINAL_STATUSES
        self._active = {n: task for n, task in self._active.items() if task.status not in finished}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("cache_dir", type=Path)
    parser.add_argument("story", choices=STORIES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="uniqc-player-") as directory:
        site = Path(directory, "site")
        install_uniqc(site)
        os.environ["HOME"] = directory  # uniqc must not write to the user's own cache
        Player(site, options.cache_dir).play(STORIES[options.story])


if __name__ == "__main__":
    main()
