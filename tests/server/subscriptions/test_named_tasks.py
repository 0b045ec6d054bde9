"""The tasks that changed, named in the notification of a list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp_types import ResourceUpdatedNotification
from tests.server.watching import uniqc, until

from uniqc_mcp.subscriptions.subscriber import MAX_NAMED, TASK_IDS_META_KEY

if TYPE_CHECKING:
    from tests.server.conftest import Cache, Mode

# The SDK deprecates resources/subscribe, but older revisions have nothing else.
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:resources/:mcp.MCPDeprecationWarning"),
]

ACTIVE = "uniqc://tasks/active"


async def named(cache: Cache, mode: Mode, uri: str, statement: str) -> list[str] | None:
    """Return the tasks that the first notification of a URI names after a change."""
    received: list[ResourceUpdatedNotification] = []

    async def on_message(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            received.append(message)

    async with Client(cache.server, mode=mode, message_handler=on_message) as client:
        if mode == "legacy":
            await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated] - see above
            cache.change(statement)
            await until(lambda: bool(received))
        else:
            async with client.listen(resource_subscriptions=[uri]):
                cache.change(statement)
                await until(lambda: bool(received))
    meta: dict[str, Any] = {**(received[0].params.meta or {})}
    assert received[0].params.uri == uri
    return meta.get(TASK_IDS_META_KEY)


async def test_the_notification_of_a_list_names_the_tasks(cache: Cache, mode: Mode) -> None:
    uniqc(cache, a="running", b="running", c="success")
    change = "UPDATE tasks SET status = 'failed', update_time = '2027' WHERE task_id < 'c'"
    assert await named(cache, mode, ACTIVE, change) == ["a", "b"]


async def test_more_tasks_than_a_notification_names_are_not_named_in_part(
    cache: Cache, mode: Mode
) -> None:
    uniqc(cache, **{f"t{number:03}": "running" for number in range(MAX_NAMED + 1)})
    change = "UPDATE tasks SET status = 'failed', update_time = '2027'"
    assert await named(cache, mode, ACTIVE, change) is None


async def test_the_notification_of_one_task_needs_no_names(cache: Cache, mode: Mode) -> None:
    uniqc(cache, a="running", b="running")
    change = "UPDATE tasks SET status = 'failed', update_time = '2027'"
    assert await named(cache, mode, "uniqc://task/a", change) is None


async def test_active_tasks_are_read_page_by_page_at_their_own_address(cache: Cache) -> None:
    cache.write(*[{"status": "running"}] * 250)
    async with cache.client() as client:
        uri, seen = ACTIVE, list[str]()
        while uri:
            page = json.loads(await cache.read_by(client, uri))
            seen += [task["task_id"] for task in page["tasks"]]
            assert page["total"] == 250
            uri = page.get("more", "").removeprefix("read ")
    assert sorted(seen) == [f"task-{number:06}" for number in range(1, 251)]
