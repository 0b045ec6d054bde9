"""Measure how long ``share`` takes from a commit of another process to the server.

    python tests/soak/share_lag.py [--seconds 60] [--per-second 10] [--tasks 2000]

Tasks are saved, and finished by a later save, at this rate. The server is one in memory behind a
socket of this machine. The bars: a median of 0.5 s, and a 99th percentile of 2 s.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.lab.share.fake_server import TOKEN, FakeServer
from tests.lab.share.http_server import listening

from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    from uniqc_mcp.lab.exchange import Push, Pushed

MEDIAN, P99 = 0.5, 2.0


class NotingServer(FakeServer):
    """A server that notes when each state of a task arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: dict[tuple[str, str], float] = {}

    def push(self, message: Push) -> Pushed:
        now = time.monotonic()
        for task in message.tasks:
            self.arrived.setdefault((task.key.task_id, task.status), now)
        return super().push(message)

    def time_of(self, key: tuple[str, str]) -> float:
        """Return when a state of a task, or a later one, arrived; 0 if none did yet."""
        task_id, _ = key
        found = [self.arrived.get(each, 0.0) for each in (key, (task_id, "success"))]
        return min(filter(None, found), default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--per-second", type=float, default=10)
    parser.add_argument("--tasks", type=int, default=2_000)
    options = parser.parse_args()
    server = NotingServer()
    with tempfile.TemporaryDirectory(prefix="uniqc-share-lag-") as work:
        cache = Path(work) / "cache"
        store = TaskStore(cache)
        for number in range(options.tasks):
            store.save(TaskInfo(task_id=f"old-{number}", backend="dummy", status="success"))
        with listening(server) as address:
            command = [sys.executable, "-m", "uniqc_mcp", "share", "--to", address]
            environment = {
                **os.environ,
                "UNIQC_MCP_SHARE_TOKEN": TOKEN,
                "XDG_STATE_HOME": f"{work}/state",
            }
            command += ["--cache-dir", str(cache)]
            with subprocess.Popen(command, env=environment) as process:
                server.wait_for(lambda: len(server.arrived) == options.tasks, seconds=300)
                saved = write(store, options.seconds, options.per_second)
                server.wait_for(lambda: all(server.time_of(key) for key in saved), seconds=60)
                process.terminate()
    report([server.time_of(key) - at for key, at in saved.items()])


def write(store: TaskStore, seconds: float, per_second: float) -> dict[tuple[str, str], float]:
    """Save tasks, each a second time when it is finished; return when each was committed."""
    saved: dict[tuple[str, str], float] = {}
    running: list[TaskInfo] = []
    pause, chance = Event(), random.Random(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if running and chance.random() < 0.5:
            task = running.pop(chance.randrange(len(running)))
            task.status, task.result = "success", {"00": 500, "11": 500}
        else:
            task = TaskInfo(task_id=f"new-{len(saved)}", backend="dummy", status="running")
            running.append(task)
        store.save(task)
        saved[task.task_id, task.status] = time.monotonic()
        pause.wait(chance.expovariate(per_second))
    return saved


def report(lags: list[float]) -> None:
    lags.sort()
    median, p99 = lags[len(lags) // 2], lags[int(len(lags) * 0.99)]
    print(f"{len(lags)} commits: median {median:.2f} s, p99 {p99:.2f} s, longest {lags[-1]:.2f} s")
    if median > MEDIAN or p99 > P99:
        sys.exit(f"the bars are {MEDIAN} s and {P99} s")


if __name__ == "__main__":
    main()
