"""An agent that waits for a task instead of polling, and then reads its result.

    python examples/wait_for_result.py TASK_ID --cache-dir ~/.uniqc/cache

Each call of wait_for_tasks returns as soon as the task changes, with a cursor, so that the next
call misses no change. Without arguments it waits for a task that a simulated uniqc process submits
and finishes, and checks what it received, which takes some ten seconds. With --legacy it
uses the protocol before 2026-07-28.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters

from common.answers import call, run

PLAYER = Path(__file__).parents[1] / "tests" / "soak" / "play_uniqc.py"


class Agent:
    """An agent that waits for one task.

    Attributes:
        statuses: The statuses that it received, in their order.
        progress_reports: The number of progress notifications.
    """

    def __init__(self, client: Client, on_progress: Callable[[], None] | None = None) -> None:
        """Wait by means of a client, and call a function at its first report of progress."""
        self._client = client
        self._on_progress = on_progress
        self.statuses: list[str] = []
        self.progress_reports = 0

    async def result_of(self, task_id: str) -> dict[str, Any]:
        """Return the task once it is finished."""
        state, cursor = "", ""
        while state != "finished":
            arguments = {"task_ids": [task_id], "timeout_seconds": 50, "cursor": cursor}
            answer = await self._call("wait_for_tasks", arguments)
            state, cursor = answer["state"], answer["cursor"]
            print(f"  {state} after {answer['waited_seconds']} s")
            for change in answer.get("changes", []):
                print(f"    {change['before'] or 'new'} -> {change['status']}")
                self.statuses.append(change["status"])
        task: dict[str, Any] = (await self._call("get_task", {"task_id": task_id}))["task"]
        return task

    async def _call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        print(f"{tool} {json.dumps(arguments)}")
        return await call(self._client, tool, arguments, progress=self._progress)

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:
        print(f"  {progress:.0f} of {total or 0:.0f} s: {message}")
        self.progress_reports += 1
        if self._on_progress and self.progress_reports == 1:
            self._on_progress()


async def wait(
    cache_dir: Path, task_id: str, *, legacy: bool, on_progress: Callable[[], None] | None = None
) -> tuple[Agent, dict[str, Any]]:
    """Wait for a task and print its result; return the agent and the task."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "uniqc_mcp", "--cache-dir", str(cache_dir)]
    )
    async with Client(server, mode="legacy" if legacy else "auto") as client:
        agent = Agent(client, on_progress)
        task = await agent.result_of(task_id)
    name = task.get("name", task_id)
    print(f"{name}: {task['status']} {task.get('error', '')}".rstrip())
    for bits, count in counts_of(task).items():
        print(f"  {bits}: {count}")
    return agent, task


def counts_of(task: dict[str, Any]) -> dict[str, int]:
    """Return the counts of the most frequent outcomes; none if the task failed."""
    outcomes = task.get("result", {}).get("outcomes", [])
    return {outcome["bits"]: outcome["count"] for outcome in outcomes if "count" in outcome}


def differences(agent: Agent, task: dict[str, Any], played: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what differs between what the agent received and what happened."""
    happened = iter([step["status"] for step in played])
    if not all(status in happened for status in agent.statuses):
        yield f"it received {agent.statuses}"
    if [task["status"]] != agent.statuses[-1:] or task["status"] != played[-1]["status"]:
        yield f"the task is {task['status']}"
    if counts_of(task) != played[-1]["result"]:
        yield f"it read {counts_of(task)}"
    if not agent.progress_reports:
        yield "no call reported progress"


def main() -> None:
    """Wait for the given task, or for one that a simulated uniqc process finishes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("task_id", nargs="?", metavar="TASK_ID")
    parser.add_argument("--cache-dir", type=Path, default=Path.home() / ".uniqc" / "cache")
    parser.add_argument("--legacy", action="store_true")
    options = parser.parse_args()
    if options.task_id:
        run(lambda: wait(options.cache_dir, options.task_id, legacy=options.legacy))
        return
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, str(PLAYER), directory, "one-task"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as player:
            if player.stdout is None or not (submitted := player.stdout.readline()):
                raise SystemExit("nothing was submitted")
            task_id = json.loads(submitted)["task_id"]

            def go_on() -> None:
                print(file=player.stdin, flush=True)

            agent, task = run(
                lambda: wait(Path(directory), task_id, legacy=options.legacy, on_progress=go_on)
            )
            played = [json.loads(line) for line in (submitted, *player.stdout)]
    wrong = list(differences(agent, task, played))
    print(*wrong or [f"{len(agent.statuses)} changes received, as they happened"], sep="\n")
    sys.exit(bool(wrong or player.returncode))


if __name__ == "__main__":
    main()
