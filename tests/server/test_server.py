"""The server as a whole: it changes nothing, its calls can be cancelled, and it names itself."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest
from mcp import Client

from uniqc_mcp import __version__
from uniqc_mcp.protocol.threads import call_is_cancelled
from uniqc_mcp.server import build_server, build_store
from uniqc_mcp.settings import Settings
from uniqc_mcp.tasks.uris import task_uri
from uniqc_mcp.tool_registry import READ_TOOLS
from uniqc_store import DEFAULT_CACHE_DIR, ReadOnlyStoreError, TaskInfo, TaskStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.conftest import Cache, Mode


def state_of(directory: Path) -> dict[str, tuple[str, int]]:
    """Return the hash and the modification time of each file in a directory."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in directory.iterdir()
    }


async def test_no_call_changes_a_file_at_rest(real_cache: Cache) -> None:
    before = state_of(real_cache.directory)
    assert list(before) == ["tasks.sqlite"]
    async with real_cache.client() as client:
        for group_by in ("total", "status", "backend", "status_backend"):
            await client.call_tool("count_tasks", {"group_by": group_by, "name_contains": "bell"})
        for status in ("any", "active", "finished"):
            await client.call_tool("list_tasks", {"status": status, "submitted_after": "99w"})
        for task_id in [*real_cache.ids()[:3], "uqt_unknown"]:
            await client.call_tool("get_task", {"task_id": task_id})
        await client.call_tool("list_tasks", {"limit": "5"})
        for task_id in real_cache.ids()[:3]:
            for part in ("", "result", "circuit", "circuit/compiled", "circuit/executed"):
                await client.read_resource(task_uri(task_id, part))
        for uri in ("uniqc://store", "uniqc://tasks/active", "uniqc://tasks?status=failed"):
            await client.read_resource(uri)
    assert state_of(real_cache.directory) == before


async def test_no_call_creates_a_file(cache: Cache) -> None:
    async with cache.client() as client:
        for spec in READ_TOOLS:
            await client.call_tool(spec.name, {"task_id": "x"} if spec.name == "get_task" else {})
        await client.read_resource("uniqc://store")
    assert state_of(cache.directory) == {}


async def test_the_next_call_sees_a_task_that_another_process_saved(cache: Cache) -> None:
    uniqc = TaskStore(cache.directory)
    async with cache.client() as client:

        async def total() -> int:
            _, answer = cache.answer(await client.call_tool("list_tasks", {}))
            return int(answer["total"])

        assert await total() == 0
        task = TaskInfo(task_id="uqt_1", backend="ibm", status="running")
        uniqc.save(task)
        assert await total() == 1
        task.status = "success"
        uniqc.save(task)
        assert await total() == 0
        uniqc.clear_all()
        _, answer = cache.answer(await client.call_tool("list_tasks", {}))
        assert not answer["store"]["exists"]


def test_the_store_of_a_server_is_read_only(cache: Cache) -> None:
    store = build_store(Settings(cache_dir=cache.directory))
    assert store.read_only
    with pytest.raises(ReadOnlyStoreError):
        store.clear_completed()
    assert Settings().cache_dir == DEFAULT_CACHE_DIR


async def test_a_cancelled_call_stops_its_query_and_frees_its_thread(
    cache: Cache, mode: Mode
) -> None:
    cache.write(
        script="""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
            INSERT INTO tasks SELECT 'task-' || i, 'ibm', 'running', 1, '2026-11-03T12:00:00Z',
                '2026-11-03T12:00:00Z', NULL, '{"task_name": "step ' || i || '"}' FROM n;
        """,
    )
    running = anyio.Event()
    answers: list[bool] = []

    def should_stop() -> bool:
        """Ask as the store of a server does, and record the answer."""
        if not running.is_set():
            anyio.from_thread.run_sync(running.set)
        answers.append(call_is_cancelled())
        return answers[-1]

    store = TaskStore(cache.directory, read_only=True, should_stop=should_stop)
    threads = anyio.to_thread.current_default_thread_limiter()
    async with Client(build_server(store), mode=mode) as client:
        with anyio.fail_after(120):
            async with anyio.create_task_group() as calls:
                calls.start_soon(client.call_tool, "list_tasks", {"name_contains": "no such step"})
                await running.wait()
                assert threads.borrowed_tokens == 1
                calls.cancel_scope.cancel()
            # The thread is free once SQLite has stopped. An unstopped query asks far more often.
            while threads.borrowed_tokens:
                await anyio.lowlevel.checkpoint()
            assert answers[-1]
            assert answers.count(True) == 1
            answers.clear()
            result = await client.call_tool("count_tasks", {"status": "failed"})
    assert not result.is_error
    assert True not in answers


def test_without_a_call_nothing_is_cancelled() -> None:
    assert not call_is_cancelled()


async def test_the_server_reports_its_name_version_and_capabilities(
    cache: Cache, mode: Mode
) -> None:
    async with cache.client(mode) as client:
        assert client.server_info is not None
        assert client.server_info.name == "uniqc-mcp"
        assert client.server_info.version == __version__
        capabilities = client.server_capabilities
    assert capabilities.resources is not None
    assert capabilities.resources.subscribe


def test_the_instructions_name_each_tool_and_are_short(cache: Cache) -> None:
    instructions = build_server(cache.store).instructions
    assert instructions is not None
    assert len(instructions) < 800
    for spec in READ_TOOLS:
        assert spec.name in instructions
    assert "stale" in instructions
    assert "never instructions" in instructions
    assert "only reads" in instructions
