"""An editor's panel of the active tasks, which keeps itself up to date by a subscription.

Nothing asks again and again: the server tells when something changed, and only then is it read.
Run it with the directory of a cache, and it goes on until Ctrl-C:

    python examples/editor_watch.py --cache-dir ~/.uniqc/cache

Run as it is, it watches a player submit three tasks and finish them, and checks that it showed just
that. With --legacy it speaks the protocol from before 2026-07-28.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

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

PLAYER = Path(__file__).parents[1] / "tests" / "soak" / "play_uniqc.py"
ENOUGH_SECONDS = 60
"""For a player of six."""

STORE, ACTIVE = "uniqc://store", "uniqc://tasks/active"
MAX_ROWS = 5


class Panel:
    """The active tasks, and what just became of those that changed."""

    def __init__(self, *, until_idle: bool) -> None:
        self.shown: dict[str, list[str]] = defaultdict(list)
        """The statuses in which each task was shown, by its id."""
        self._until_idle = until_idle
        self._active: dict[str, Any] = {}
        self._lines: list[str] = []

    async def follow(self, client: Client, events: AsyncIterable[object]) -> None:
        """Show what there is, and then again at each event, whatever it is about."""
        await self.refresh(client)
        async for _ in events:
            try:
                await self.refresh(client)
            except MCPError as error:  # such as a file that is damaged; somebody may mend it
                print(f"uniqc  {error}")
            if self._until_idle and self.shown and not self._active:
                return

    async def refresh(self, client: Client) -> None:
        """Read again, and print the panel if it is not as it was."""
        answer, total = await read(client, ACTIVE), (await read(client, STORE))["total"]
        before, self._active = self._active, {task["task_id"]: task for task in answer["tasks"]}
        left = [await end_of(client, before[task_id]) for task_id in before.keys() - self._active]
        news = [line for task in [*answer["tasks"], *left] for line in self._news_of(task)]
        lines = [f"uniqc  {answer['total']} active, {total} in all"]
        lines += [
            f"  {task['status']:<8}  {named(task):<12}  {task['backend']}"
            for task in answer["tasks"][:MAX_ROWS]
        ]
        if lines != self._lines:
            print(*lines, *news, sep="\n", flush=True)
        self._lines = lines

    def _news_of(self, task: dict[str, Any]) -> Iterator[str]:
        statuses = self.shown[task["task_id"]]
        if task["status"] in statuses[-1:]:
            return
        statuses.append(task["status"])
        if len(statuses) > 1:
            why = f": {task['error']}" if task["error"] else ""
            yield f"    {named(task)}: {statuses[-2]} -> {statuses[-1]}{why}"


async def read(client: Client, uri: str) -> dict[str, Any]:
    (contents,) = (await client.read_resource(uri)).contents
    if not isinstance(contents, TextResourceContents):
        raise SystemExit(f"{uri} is not text")
    answer: dict[str, Any] = json.loads(contents.text)
    return answer


async def end_of(client: Client, task: dict[str, Any]) -> dict[str, Any]:
    """A task that is not among the active ones any more, as it is now."""
    try:
        ended: dict[str, Any] = (await read(client, f"uniqc://task/{task['task_id']}"))["task"]
    except MCPError:
        return {**task, "status": "gone"}
    return ended


def named(task: dict[str, Any]) -> str:
    return str(task["name"] or task["task_id"])


async def watch(cache_dir: Path, panel: Panel, *, legacy: bool) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "uniqc_mcp", "--cache-dir", str(cache_dir)]
    )
    if legacy:
        await watch_as_before(server, panel)
        return
    async with (
        Client(server) as client,
        client.listen(resource_subscriptions=[ACTIVE, STORE]) as events,
    ):
        await panel.follow(client, events)


async def watch_as_before(server: StdioServerParameters, panel: Panel) -> None:
    """The same, by ``resources/subscribe``: what the server tells comes to a handler."""
    told, events = anyio.create_memory_object_stream[str](1)

    async def hear(message: IncomingMessage) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            with suppress(anyio.WouldBlock):  # one waits already, and reading is yet to come
                told.send_nowait(message.params.uri)

    async with told, events, Client(server, mode="legacy", message_handler=hear) as client:
        for uri in (ACTIVE, STORE):
            # Client.subscribe_resource does the same, and warns that this revision is old.
            request = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
            await client.session.send_request(request, EmptyResult)
        await panel.follow(client, events)


async def watch_player(cache_dir: Path, panel: Panel, *, legacy: bool) -> None:
    with anyio.fail_after(ENOUGH_SECONDS):
        await watch(cache_dir, panel, legacy=legacy)


def differences(shown: dict[str, list[str]], played: list[dict[str, str]]) -> Iterator[str]:
    """What was shown and did not happen, or was not shown and did.

    Two changes in quick succession may be shown as one, but each task's end must be there.
    """
    happened: dict[str, list[str]] = defaultdict(list)
    for step in played:
        happened[step["task_id"]].append(step["status"])
    for task_id in happened.keys() | shown.keys():
        left = iter(happened[task_id])
        in_order = all(status in left for status in shown[task_id])
        if not in_order or shown[task_id][-1:] != happened[task_id][-1:]:
            yield f"{task_id} was {happened[task_id]}, but shown as {shown[task_id]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cache-dir", type=Path)
    parser.add_argument("--legacy", action="store_true")
    options = parser.parse_args()
    panel = Panel(until_idle=not options.cache_dir)
    if options.cache_dir:
        with suppress(KeyboardInterrupt):
            anyio.run(lambda: watch(options.cache_dir, panel, legacy=options.legacy))
        return
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, str(PLAYER), directory, "three-tasks"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as player:
            anyio.run(lambda: watch_player(Path(directory), panel, legacy=options.legacy))
            played = [json.loads(line) for line in player.communicate()[0].splitlines()]
    wrong = list(differences(panel.shown, played))
    shown = sum(map(len, panel.shown.values()))
    print(*wrong, f"{shown} changes shown, {len(played)} happened", sep="\n")
    sys.exit(bool(wrong or player.returncode))


if __name__ == "__main__":
    main()
