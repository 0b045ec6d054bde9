"""Clients in both protocol modes get updates of the URIs that they subscribed to."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, ResourceUpdatedNotification
from tests.server.watching import (
    A_WHILE,
    PATIENCE,
    running,
    save,
    uniqc,
    until,
    until_nobody_watches,
    until_noticed,
    watchers,
)

from uniqc_mcp.subscriptions import subscriber, watched_uris
from uniqc_mcp.subscriptions.subscriber import MAX_URIS
from uniqc_mcp.subscriptions.watched_uris import WatchedUris
from uniqc_store import TaskWatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from collections.abc import Set as AbstractSet

    from tests.server.conftest import Cache, Mode

# The SDK deprecates resources/subscribe, but older revisions have nothing else.
pytestmark = pytest.mark.filterwarnings("ignore:resources/:mcp.MCPDeprecationWarning")

STORE = "uniqc://store"
ACTIVE = "uniqc://tasks/active"


def add_job(cache: Cache, task_id: str, platform_task_id: str) -> None:
    """Insert a platform job of a task. The file must have a table of jobs."""
    cache.change(
        "INSERT INTO task_shards VALUES (?, 0, ?, 'ibm', 1, 0, 'running', NULL, NULL, '', '')",
        task_id,
        platform_task_id,
    )


class ReceivedUpdates:
    """URIs of the updates that a client received, in order."""

    def __init__(self, client: Client, uris: list[str]) -> None:
        self.client = client
        self.uris = uris

    async def exactly(self, *uris: str) -> None:
        """Assert that updates of these URIs arrive, and of no others."""
        await until(lambda: set(self.uris) >= set(uris))
        await anyio.sleep(A_WHILE)
        assert set(self.uris) == set(uris)

    async def nothing(self) -> None:
        await anyio.sleep(A_WHILE)
        assert self.uris == []


@asynccontextmanager
async def subscribed(
    cache: Cache, mode: Mode, *subscriptions: str
) -> AsyncGenerator[ReceivedUpdates]:
    """Connect a client that subscribes to these URIs."""
    uris: list[str] = []

    async def on_message(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            uris.append(str(message.params.uri))

    async with Client(cache.server, mode=mode, message_handler=on_message) as client:
        updates = ReceivedUpdates(client, uris)
        if mode == "legacy":
            for uri in subscriptions:
                await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated] - see above
            yield updates
        else:
            # The client passes the messages of a stream to its message handler too.
            async with client.listen(resource_subscriptions=subscriptions) as stream:
                assert stream.honored.resource_subscriptions == list(subscriptions)
                yield updates


async def test_a_change_updates_the_store_and_the_active_tasks(cache: Cache, mode: Mode) -> None:
    other = uniqc(cache, a="running", b="success")
    async with subscribed(cache, mode, STORE, ACTIVE) as updates:
        await updates.nothing()
        save(other, "a", "success")
        await updates.exactly(STORE, ACTIVE)
        updates.uris.clear()
        save(other, "c", "success")
        await updates.exactly(STORE)
        updates.uris.clear()
        other.delete("b")
        await updates.exactly(STORE)


async def test_a_commit_of_another_process_sends_an_update(cache: Cache, mode: Mode) -> None:
    uniqc(cache, a="running")
    statement = "UPDATE tasks SET status = 'success', update_time = '2026-11-04T00:00:00+00:00'"
    program = (
        f"import sqlite3; c = sqlite3.connect({str(cache.path)!r}); "
        f"c.execute({statement!r}); c.commit(); c.close()"
    )
    async with subscribed(cache, mode, "uniqc://task/a") as updates:
        await anyio.run_process([sys.executable, "-c", program])
        await updates.exactly("uniqc://task/a")


@pytest.mark.parametrize(
    "uri",
    [
        "uniqc://task/a%2Fb%20c",
        "uniqc://task/a%2fb%20c",
        "uniqc://task/%61%2fb%20c/result",
        "uniqc://task/a%2Fb%20c/circuit",
        "uniqc://task/job%2F1",
        "uniqc://task/job%2F1/result",
    ],
)
async def test_every_uri_of_a_task_gets_its_updates(cache: Cache, mode: Mode, uri: str) -> None:
    cache.write({"task_id": "a/b c", "status": "running"}, {"task_id": "other"}, version=5)
    add_job(cache, "a/b c", "job/1")
    other = uniqc(cache)
    async with subscribed(cache, mode, uri, "uniqc://task/another") as updates:
        save(other, "other", "failed")
        await updates.nothing()
        save(other, "a/b c", "success")
        await updates.exactly(uri)
        task_uri = uri.removesuffix("/result").removesuffix("/circuit")
        contents = await updates.client.read_resource(task_uri)
        assert '"success"' in str(contents)


async def test_adding_and_deleting_a_task_sends_updates(cache: Cache, mode: Mode) -> None:
    async with subscribed(
        cache, mode, "uniqc://task/uqt_new", "uniqc://task/job-1", STORE
    ) as updates:
        cache.write(version=5)
        other = uniqc(cache, another="running")
        await updates.exactly(STORE)
        save(other, "uqt_new", "running")
        await updates.exactly(STORE, "uniqc://task/uqt_new")
        updates.uris.clear()
        add_job(cache, "uqt_new", "job-1")
        save(other, "uqt_new", "success")
        await updates.exactly(STORE, "uniqc://task/uqt_new", "uniqc://task/job-1")
        updates.uris.clear()
        other.delete("uqt_new")
        await updates.exactly(STORE, "uniqc://task/uqt_new", "uniqc://task/job-1")


async def test_an_old_task_among_many_gets_updates(cache: Cache, mode: Mode) -> None:
    old = {"task_id": "old", "submit_time": "2020-01-01T00:00:00+00:00"}
    cache.write(old, *({"task_id": f"task-{number}"} for number in range(1_200)))
    async with subscribed(cache, mode, "uniqc://task/old") as updates:
        cache.change("UPDATE tasks SET status = 'failed' WHERE task_id = 'task-0'")
        await updates.nothing()
        cache.change("UPDATE tasks SET status = 'failed' WHERE task_id = 'old'")
        await updates.exactly("uniqc://task/old")


async def test_a_write_that_changes_no_task_sends_no_update(cache: Cache, mode: Mode) -> None:
    uniqc(cache, a="running")
    async with subscribed(cache, mode, STORE, ACTIVE, "uniqc://task/a") as updates:
        os.utime(cache.path)
        with closing(sqlite3.connect(cache.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("UPDATE tasks SET shots = shots")
            connection.commit()
        cache.change("CREATE INDEX of_ours ON tasks (shots)")
        await updates.nothing()


async def test_creating_removing_and_replacing_the_file_sends_updates(
    cache: Cache, mode: Mode
) -> None:
    async with subscribed(cache, mode, STORE, ACTIVE, "uniqc://task/a") as updates:
        other = uniqc(cache, a="running")
        await updates.exactly(STORE, ACTIVE, "uniqc://task/a")
        updates.uris.clear()
        other.clear_all()
        await updates.exactly(STORE, ACTIVE, "uniqc://task/a")
        updates.uris.clear()
        cache.path.write_bytes(b"no database" * 1_000)
        await updates.exactly(STORE, ACTIVE)
        updates.uris.clear()
        cache.path.unlink()
        uniqc(cache, a="success")
        await updates.exactly(STORE, ACTIVE, "uniqc://task/a")


URIS_WITHOUT_UPDATES = [
    "uniqc://tasks?status=failed",
    "uniqc://task/",
    "uniqc://task/a/shards",
    "uniqc://task/a?x=1",
    "file:///etc/passwd",
    "",
]


@pytest.mark.parametrize("uri", URIS_WITHOUT_UPDATES)
async def test_a_uri_without_updates_is_refused_to_a_legacy_client(cache: Cache, uri: str) -> None:
    async with cache.client("legacy") as client:
        with pytest.raises(MCPError) as caught:
            await client.subscribe_resource(uri)  # pyright: ignore[reportDeprecated] - see above
    assert caught.value.error.code == INVALID_PARAMS
    assert "nothing to subscribe to; there are uniqc://store" in caught.value.error.message
    assert not watchers()


async def test_a_uri_without_updates_is_not_acknowledged(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    async with cache.client() as client:
        asked = [URIS_WITHOUT_UPDATES[0], STORE, *URIS_WITHOUT_UPDATES[1:], STORE]
        async with client.listen(
            tools_list_changed=True,
            prompts_list_changed=True,
            resources_list_changed=True,
            resource_subscriptions=asked,
        ) as stream:
            honored = stream.honored
            assert honored.resource_subscriptions == [STORE]
            assert not honored.tools_list_changed
            assert not honored.prompts_list_changed
            assert not honored.resources_list_changed
            save(other, "a", "success")
            with anyio.fail_after(PATIENCE):
                event = await anext(stream)
            assert getattr(event, "uri", "") == STORE


async def test_a_stream_without_uris_stays_open_and_starts_no_watcher(cache: Cache) -> None:
    async with cache.client() as client, client.listen(tools_list_changed=True) as stream:
        assert stream.honored.resource_subscriptions is None
        with anyio.move_on_after(A_WHILE) as scope:
            await anext(stream)
        assert scope.cancelled_caught
        assert not watchers()


async def test_undecodable_ids_do_not_break_a_stream(cache: Cache, mode: Mode) -> None:
    uris = ["uniqc://task/%00", "uniqc://task/%FF", "uniqc://task/%ED%A0%80", f"{STORE}"]
    other = uniqc(cache, a="running")
    async with subscribed(cache, mode, *uris) as updates:
        save(other, "a", "success")
        await updates.exactly(STORE)


async def test_an_unsubscribed_uri_gets_no_more_updates(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    async with subscribed(cache, "legacy", STORE, ACTIVE, STORE) as updates:
        assert watchers() == 1
        unsubscribe = updates.client.unsubscribe_resource  # pyright: ignore[reportDeprecated]
        await unsubscribe(STORE)
        await unsubscribe(STORE)
        await unsubscribe("uniqc://task/never-subscribed")
        save(other, "a", "success")
        await updates.exactly(ACTIVE)
        await unsubscribe(ACTIVE)
        await until_nobody_watches()
        updates.uris.clear()
        save(other, "a", "running")
        await updates.nothing()
        await updates.client.subscribe_resource(STORE)  # pyright: ignore[reportDeprecated] - see above
        save(other, "a", "success")
        await updates.exactly(STORE)


async def test_concurrent_subscribes_and_unsubscribes_take_effect_in_order(
    cache: Cache,
) -> None:
    other = uniqc(cache, a="running")
    async with subscribed(cache, "legacy") as updates:
        subscribe = updates.client.subscribe_resource  # pyright: ignore[reportDeprecated]
        unsubscribe = updates.client.unsubscribe_resource  # pyright: ignore[reportDeprecated]
        async with anyio.create_task_group() as requests:
            for _ in range(5):
                for uri in (STORE, ACTIVE, "uniqc://task/a"):
                    requests.start_soon(subscribe, uri)
                    requests.start_soon(unsubscribe, uri)
            requests.start_soon(subscribe, ACTIVE)
        save(other, "a", "success")
        await updates.exactly(ACTIVE)
        await unsubscribe(ACTIVE)
        await until_nobody_watches()


async def test_a_client_that_cancels_a_subscribe_can_subscribe_again(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    async with subscribed(cache, "legacy") as updates:
        subscribe = updates.client.subscribe_resource  # pyright: ignore[reportDeprecated]
        for turns in range(30):
            async with anyio.create_task_group() as requests:
                requests.start_soon(subscribe, STORE)
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                requests.cancel_scope.cancel()
        await subscribe(STORE)
        save(other, "a", "success")
        await updates.exactly(STORE)


async def test_each_of_two_streams_gets_only_its_own_updates(cache: Cache) -> None:
    other = uniqc(cache, a="running", b="success")
    async with (
        cache.client() as client,
        client.listen(resource_subscriptions=[ACTIVE]) as active,
        client.listen(resource_subscriptions=[STORE, "uniqc://task/b"]) as both,
    ):
        assert watchers() == 1
        save(other, "b", "failed")
        with anyio.fail_after(PATIENCE):
            received = {getattr(await anext(both), "uri", "") for _ in range(2)}
        assert received == {STORE, "uniqc://task/b"}
        save(other, "a", "success")
        with anyio.fail_after(PATIENCE):
            assert getattr(await anext(active), "uri", "") == ACTIVE
            assert getattr(await anext(both), "uri", "") == STORE


async def test_the_watcher_stops_when_the_stream_is_closed(cache: Cache) -> None:
    async with cache.client() as client:
        async with client.listen(resource_subscriptions=[STORE]):
            await until(watchers)
        await until_nobody_watches()
        async with client.listen(resource_subscriptions=[STORE]) as again:
            save(uniqc(cache), "a", "running")
            with anyio.fail_after(PATIENCE):
                await anext(again)


async def test_the_watcher_stops_when_the_client_disconnects(cache: Cache, mode: Mode) -> None:
    async with subscribed(cache, mode, STORE):
        await until(watchers)
    assert not watchers()


async def test_a_stream_is_limited_to_max_uris(cache: Cache) -> None:
    uris = [f"uniqc://task/task-{number}" for number in range(MAX_URIS + 1)]
    other = uniqc(cache)
    async with cache.client() as client, client.listen(resource_subscriptions=uris) as stream:
        assert stream.honored.resource_subscriptions == uris[:-1]
        save(other, "task-999", "running")
        with anyio.fail_after(PATIENCE):
            assert getattr(await anext(stream), "uri", "") == uris[-2]


async def test_a_legacy_client_is_limited_to_max_uris_at_a_time(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "MAX_URIS", 2)
    other = uniqc(cache, a="running")
    async with subscribed(cache, "legacy", ACTIVE, "uniqc://task/b") as updates:
        subscribe = updates.client.subscribe_resource  # pyright: ignore[reportDeprecated]
        with pytest.raises(MCPError) as caught:
            await subscribe(STORE)
        assert caught.value.error.code == INVALID_PARAMS
        assert caught.value.error.message == "No more than 2 addresses can be subscribed to."
        await subscribe(ACTIVE)  # already subscribed
        await updates.client.unsubscribe_resource("uniqc://task/b")  # pyright: ignore[reportDeprecated]
        await subscribe(STORE)
        save(other, "a", "success")
        await updates.exactly(STORE, ACTIVE)


async def test_only_supported_capabilities_are_advertised(cache: Cache, mode: Mode) -> None:
    async with cache.client(mode) as client:
        capabilities = client.server_capabilities
    assert capabilities.resources is not None
    assert capabilities.resources.subscribe is True
    for lists in (capabilities.tools, capabilities.prompts, capabilities.resources):
        assert lists is not None
        assert not lists.list_changed
    assert capabilities.logging is None


async def test_a_slow_client_gets_one_update_for_several_changes(cache: Cache) -> None:
    other = uniqc(cache, a="running", b="running")
    sent: list[str] = []
    resumed = anyio.Event()

    async def send(uri: str, _: AbstractSet[str]) -> None:
        sent.append(uri)
        await resumed.wait()

    async with running(cache) as watcher, anyio.create_task_group() as sending:
        watched = WatchedUris(cache.store, watcher)
        await watched.add(["uniqc://task/a", "uniqc://task/b"])
        sending.start_soon(watched.send_updates, send)
        save(other, "a", "step 0")
        await until(lambda: sent)
        for number in range(5):
            cursor = watcher.watch.since().cursor
            save(other, "a", f"another step {number}")
            save(other, "b", f"step {number}")
            await until_noticed(watcher, cursor)
        resumed.set()
        await until(lambda: "uniqc://task/b" in sent)
        await anyio.sleep(A_WHILE)
        assert sent.count("uniqc://task/b") == 1
        assert sent.count("uniqc://task/a") == 2
        sending.cancel_scope.cancel()
        watched.clear()
        assert isinstance(watcher.watch, TaskWatch)
        assert not watcher.watch._tracked  # pyright: ignore[reportPrivateUsage]


async def test_more_changes_than_are_kept_update_every_uri(
    cache: Cache,
) -> None:
    cache.write(*({"task_id": f"task-{number}", "status": "running"} for number in range(60)))
    sent: list[str] = []
    resumed = anyio.Event()

    async def send(uri: str, _: AbstractSet[str]) -> None:
        sent.append(uri)
        await resumed.wait()

    async with running(cache) as watcher, anyio.create_task_group() as sending:
        vars(watcher)["watch"] = TaskWatch(cache.store, max_events=50)
        watched = WatchedUris(cache.store, watcher)
        await watched.add(["uniqc://task/task-0", "uniqc://task/none", STORE])
        sending.start_soon(watched.send_updates, send)
        cache.change("UPDATE tasks SET status = 'step 0' WHERE task_id = 'task-0'")
        await until(lambda: sent)
        for number in range(3):
            cursor = watcher.watch.since().cursor
            cache.change("UPDATE tasks SET status = ? WHERE task_id > 'task-1'", f"step {number}")
            await until_noticed(watcher, cursor)
        resumed.set()
        await until(lambda: "uniqc://task/none" in sent)
        sending.cancel_scope.cancel()


async def test_a_task_added_between_two_searches_sends_an_update(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = uniqc(cache)
    sent: list[str] = []
    now = 0.0
    monkeypatch.setattr(watched_uris, "time", SimpleNamespace(monotonic=lambda: now))

    async def send(uri: str, _: AbstractSet[str]) -> None:
        sent.append(uri)

    async with running(cache) as watcher, anyio.create_task_group() as sending:
        watched = WatchedUris(cache.store, watcher)
        await watched.add(["uniqc://task/task-b"])
        sending.start_soon(watched.send_updates, send)
        await until(lambda: watchers() == 1)
        vars(watched)["_resolve_at"] = 0.3  # as after a slow search
        cursor = watcher.watch.since().cursor
        save(other, "task-b-and-more", "running")
        await until_noticed(watcher, cursor)
        assert sent == []
        now = 1.0
        await until(lambda: sent == ["uniqc://task/task-b"])
        sending.cancel_scope.cancel()


REVISION = "io.modelcontextprotocol/protocolVersion"
META = {
    REVISION: "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "raw lines", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
OPENINGS: dict[Mode, list[dict[str, Any]]] = {
    "auto": [
        {
            "id": 1,
            "method": "subscriptions/listen",
            "params": {"_meta": META, "notifications": {"resourceSubscriptions": [STORE]}},
        }
    ],
    "legacy": [
        {
            "id": 0,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "raw lines", "version": "0"},
            },
        },
        {"method": "notifications/initialized"},
        {"id": 1, "method": "resources/subscribe", "params": {"uri": STORE}},
    ],
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("how", ["end of stdin", "SIGTERM"])
def test_a_server_with_a_subscriber_exits(cache: Cache, mode: Mode, how: str) -> None:
    other = uniqc(cache, a="running")
    command = [sys.executable, "-m", "uniqc_mcp", "--cache-dir", str(cache.directory)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in OPENINGS[mode]:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
        for answer in OPENINGS[mode]:
            if "id" in answer:
                process.stdout.readline()
        save(other, "a", "success")
        update = json.loads(process.stdout.readline())
        assert update["method"] == "notifications/resources/updated"
        assert update["params"]["uri"] == STORE
        if how == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=PATIENCE)
        assert (errors, process.returncode) == (b"", 0)
        # A stream is a pending request, which the SDK answers with an error at the end.
        assert [json.loads(line)["id"] for line in rest.splitlines()] == [1] * (mode == "auto")
