"""An editor's panel of the active tasks, which a subscription keeps up to date.

The panel does not poll: the server notifies it of changes, and only then does it read. A
notification names the tasks that changed, and the panel reads these alone.
With the directory of a cache it runs until Ctrl-C:

    python examples/editor_watch.py --cache-dir ~/.uniqc/cache

Without arguments it watches a simulated uniqc process submit and finish three tasks, and checks
that it showed what happened, which takes some ten seconds. With --legacy it uses the
protocol before 2026-07-28.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.session import IncomingMessage
from mcp_types import (
    EmptyResult,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    TextResourceContents,
)

from common.answers import run

PLAYER = Path(__file__).parents[1] / "tests" / "soak" / "play_uniqc.py"
TIMEOUT_SECONDS = 120
"""The limit for the simulated process, which takes six seconds once it is watched."""

STORE, ACTIVE = "uniqc://store", "uniqc://tasks/active"
TASK_IDS = "uniqc-mcp/taskIds"
"""The key in the metadata of a notification that names the tasks that changed."""

ENDED = ("success", "failed", "cancelled", "gone")
MAX_ROWS = 5


class Changed:
    """The tasks that notifications named since they were last taken."""

    def __init__(self) -> None:
        """Begin with none."""
        self._task_ids: set[str] | None = set()

    async def receive(self, message: IncomingMessage) -> None:
        """Add the tasks that a notification names; it names none where there are too many."""
        if isinstance(message, ResourceUpdatedNotification):
            named: list[str] | None = {**(message.params.meta or {})}.get(TASK_IDS)
            if self._task_ids is None or named is None:
                self._task_ids = None
            else:
                self._task_ids.update(named)

    def forget(self) -> None:
        """Have all read next: what was taken could not be read."""
        self._task_ids = None

    def take(self) -> set[str] | None:
        """Return the tasks, and begin with none; None if any may have changed."""
        taken, self._task_ids = self._task_ids, set()
        return taken


class Panel:
    """The panel: the active tasks, and the latest changes."""

    def __init__(self, *, until_idle: bool, on_task: Callable[[], None] | None = None) -> None:
        """Begin with an empty panel, which ends when no task is active or only on Ctrl-C.

        A function is called once the first task is shown.
        """
        self._on_task = on_task
        self.shown: dict[str, list[str]] = defaultdict(list)
        """The statuses of each task that were shown, by its id."""
        self._until_idle = until_idle
        self._active: dict[str, dict[str, Any]] = {}
        self._lines: list[str] = []

    async def follow(self, client: Client, events: AsyncIterable[object], changed: Changed) -> None:
        """Show the panel, and refresh it at every event."""
        await self.refresh(client, None)
        async for _ in events:
            try:
                await self.refresh(client, changed.take())
            except MCPError as error:  # such as a damaged file, which may be repaired later
                print(f"uniqc  {error}")
                changed.forget()
            if self._until_idle and self.shown and not self._active:
                return

    async def refresh(self, client: Client, changed: set[str] | None) -> None:
        """Read the tasks that changed, or all active ones, and print what is new."""
        if changed is None:
            tasks = [task async for task in active_tasks(client)]
            gone = self._active.keys() - {task["task_id"] for task in tasks}
        else:
            tasks, gone = [], changed
        tasks += [await current(client, task_id, self._active.get(task_id)) for task_id in gone]
        for task in tasks:
            self._active[task["task_id"]] = task
            if is_over(task):
                del self._active[task["task_id"]]
        changes = [line for task in tasks for line in self._changes(task)]
        store = await read(client, STORE)
        newest = sorted(self._active.values(), key=submitted, reverse=True)
        lines = [f"uniqc  {len(newest)} active, {store['total']} in all"]
        lines += [
            f"  {task['status']:<8}  {label(task):<12}  {task['backend']}"
            for task in newest[:MAX_ROWS]
        ]
        if not store["store"]["exists"]:
            lines += store["store"]["notes"]
        if lines != self._lines:
            print(*lines, *changes, sep="\n", flush=True)
        self._lines = lines
        if self._on_task and self.shown:
            self._on_task()
            self._on_task = None

    def _changes(self, task: dict[str, Any]) -> Iterator[str]:
        statuses = self.shown[task["task_id"]]
        if task["status"] in statuses[-1:]:
            return
        statuses.append(task["status"])
        if len(statuses) > 1:
            reason = f": {task['error']}" if "error" in task else ""
            yield f"    {label(task)}: {statuses[-2]} -> {statuses[-1]}{reason}"


async def read(client: Client, uri: str) -> dict[str, Any]:
    """Return the JSON of a resource."""
    (contents,) = (await client.read_resource(uri)).contents
    if not isinstance(contents, TextResourceContents):
        raise SystemExit(f"{uri} is not text")
    answer: dict[str, Any] = json.loads(contents.text)
    return answer


async def active_tasks(client: Client) -> AsyncIterator[dict[str, Any]]:
    """Yield all active tasks, page by page."""
    uri = ACTIVE
    while uri:
        page = await read(client, uri)
        for task in page.get("tasks", []):
            yield task
        uri = page.get("more", "").removeprefix("read ")


async def current(client: Client, task_id: str, before: dict[str, Any] | None) -> dict[str, Any]:
    """Return a task as it is now; gone if it is no more."""
    try:
        task: dict[str, Any] = (await read(client, f"uniqc://task/{quote(task_id, safe='')}"))[
            "task"
        ]
    except MCPError:
        return {"task_id": task_id, "backend": "", **(before or {}), "status": "gone"}
    return {**task, "task_id": task_id}


def is_over(task: dict[str, Any]) -> bool:
    """Return whether a task is finished, gone, archived or cleared."""
    return task["status"] in ENDED or "archived_at" in task or "cleared_at" in task


def submitted(task: dict[str, Any]) -> str:
    """Return the time by which tasks are sorted."""
    return str(task.get("submitted_at", ""))


def label(task: dict[str, Any]) -> str:
    """Return the name of a task, or its id if it has none."""
    return str(task.get("name", task["task_id"]))


async def watch(cache_dir: Path, panel: Panel, *, legacy: bool) -> None:
    """Show the tasks of a cache in a panel until it ends."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "uniqc_mcp", "--cache-dir", str(cache_dir)]
    )
    if legacy:
        await watch_legacy(server, panel)
        return
    changed = Changed()
    async with (
        Client(server, message_handler=changed.receive) as client,
        client.listen(resource_subscriptions=[ACTIVE, STORE]) as events,
    ):
        await panel.follow(client, events, changed)


async def watch_legacy(server: StdioServerParameters, panel: Panel) -> None:
    """Watch by ``resources/subscribe``, whose notifications go to a message handler."""
    received, events = anyio.create_memory_object_stream[str](1)

    changed = Changed()

    async def receive(message: IncomingMessage) -> None:
        await changed.receive(message)
        if isinstance(message, ResourceUpdatedNotification):
            with suppress(anyio.WouldBlock):  # an event is queued already, and takes this too
                received.send_nowait(message.params.uri)

    async with received, events, Client(server, mode="legacy", message_handler=receive) as client:
        for uri in (ACTIVE, STORE):
            # Client.subscribe_resource does the same, but warns that this revision is deprecated.
            request = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
            await client.session.send_request(request, EmptyResult)
        await panel.follow(client, events, changed)


async def watch_player(
    cache_dir: Path, *, legacy: bool, on_task: Callable[[], None]
) -> dict[str, list[str]]:
    """Watch the simulated process until no task is active, and return what was shown."""
    panel = Panel(until_idle=True, on_task=on_task)
    with anyio.fail_after(TIMEOUT_SECONDS):
        await watch(cache_dir, panel, legacy=legacy)
    return panel.shown


def differences(shown: dict[str, list[str]], played: list[dict[str, str]]) -> Iterator[str]:
    """Yield what was shown and did not happen, and ends of tasks that were not shown.

    Two changes in quick succession may be shown as one.
    """
    happened: dict[str, list[str]] = defaultdict(list)
    for step in played:
        happened[step["task_id"]].append(step["status"])
    for task_id in happened.keys() | shown.keys():
        remaining = iter(happened[task_id])
        in_order = all(status in remaining for status in shown[task_id])
        if not in_order or shown[task_id][-1:] != happened[task_id][-1:]:
            yield f"{task_id} was {happened[task_id]}, but shown as {shown[task_id]}"


def main() -> None:
    """Watch the given cache, or a simulated uniqc process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cache-dir", type=Path)
    parser.add_argument("--legacy", action="store_true")
    options = parser.parse_args()
    if options.cache_dir:
        panel = Panel(until_idle=False)
        with suppress(KeyboardInterrupt):
            run(lambda: watch(options.cache_dir, panel, legacy=options.legacy))
        return
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, str(PLAYER), directory, "three-tasks"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as player:

            def go_on() -> None:
                print(file=player.stdin, flush=True)

            shown = run(lambda: watch_player(Path(directory), legacy=options.legacy, on_task=go_on))
            played = [json.loads(line) for line in player.communicate()[0].splitlines()]
    wrong = list(differences(shown, played))
    changes = sum(map(len, shown.values()))
    print(*wrong, f"{changes} changes shown, {len(played)} happened", sep="\n")
    sys.exit(bool(wrong or player.returncode))


if __name__ == "__main__":
    main()
