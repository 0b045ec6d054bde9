"""Three servers that read, wait, and plan, clear and undo, until they are stopped."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from tool_client import ToolAnswer, ToolClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UNKNOWN = "No task has the id"
MAY_CLEAR = ("--allow-clear", "success,failed", "--confirm", "plan")


class Served:
    """The servers and their clients, each on a thread of its own."""

    def __init__(self, cache_dir: Path) -> None:
        self._stop = threading.Event()
        self._dice = random.Random(0)
        self._clients = [ToolClient(cache_dir), ToolClient(cache_dir)]
        self._clients.append(ToolClient(cache_dir, *MAY_CLEAR))
        self._pool = ThreadPoolExecutor(len(self._clients))
        loops = (self._read, self._wait, self._clear)
        self._running: list[Future[Counter[str]]] = [
            self._pool.submit(self._repeat, loop, client)
            for loop, client in zip(loops, self._clients, strict=True)
        ]

    def stop(self) -> Counter[str]:
        """End the servers, and return what they answered, as counts."""
        self._stop.set()
        counts: Counter[str] = Counter()
        for running in self._running:
            counts += running.result()
        for client in self._clients:
            client.close()
        self._pool.shutdown()
        return counts

    def _repeat(
        self, loop: Callable[[ToolClient, Counter[str]], None], client: ToolClient
    ) -> Counter[str]:
        counts: Counter[str] = Counter()
        while not self._stop.is_set():
            loop(client, counts)
            self._stop.wait(0.02)
        return counts

    def _read(self, client: ToolClient, counts: Counter[str]) -> None:
        call = _counted(client, counts)
        tasks = call("list_tasks", status="any").structure.get("tasks", [])
        call("count_tasks", group_by="status_backend")
        call("list_cleared")
        if tasks:
            call("get_task", task_id=self._dice.choice(tasks)["task_id"])

    def _wait(self, client: ToolClient, counts: Counter[str]) -> None:
        answer = _counted(client, counts)("wait_for_tasks", timeout_seconds=2)
        counts["changes told by waits"] += answer.structure.get("changes_total", 0)

    def _clear(self, client: ToolClient, counts: Counter[str]) -> None:
        call = _counted(client, counts)
        plan_id = call("clear_tasks", status=["success", "failed"]).structure.get("plan_id")
        if plan_id:
            cleared = call("clear_tasks", plan_id=plan_id)
            counts["tasks cleared"] += cleared.structure.get("cleared", 0)
        for receipt in call("list_cleared").structure.get("receipts", []):
            if self._dice.random() < 0.4:
                undone = call("undo_clear", receipt=receipt["receipt"])
                counts["tasks put back"] += undone.structure.get("restored", 0)


def _counted(client: ToolClient, counts: Counter[str]) -> Callable[..., ToolAnswer]:
    """Return a function that calls a tool and counts its answer, and errors by their words."""

    def call(tool: str, **arguments: object) -> ToolAnswer:
        answer = client.call(tool, **arguments)
        counts[f"calls of {tool}"] += 1
        if answer.error and not (tool == "get_task" and UNKNOWN in answer.error):
            words = re.sub(r"\d+", "N", answer.error)[:200]
            counts[f"WRONG: {tool}: {words}"] += 1
        return answer

    return call
