"""Without ``--allow-clear`` nothing in the process can write; each tool declares its effect."""

from __future__ import annotations

import gc
import inspect
import os
import re
import select
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mcp.shared.exceptions import MCPError

from uniqc_mcp.clearing import tools as clearing_tools
from uniqc_mcp.clearing.listing import ClearedTools
from uniqc_mcp.clearing.tools import ClearTools
from uniqc_mcp.clearing.undo import UndoTools
from uniqc_mcp.comparing.tools import CompareTools
from uniqc_mcp.resources import RESOURCES
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_mcp.tool_registry import TOOLS
from uniqc_mcp.waiting.tools import WaitTools
from uniqc_store import CLEARED_FILENAME, TaskStore
from uniqc_store.database.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp import Client
    from tests.clearing_cache import Cache, LineClient, Mode

READS = {
    "list_tasks",
    "get_task",
    "count_tasks",
    "summarize_tasks",
    "compare_tasks",
    "wait_for_tasks",
    "list_cleared",
}
WRITES = {"clear_tasks", "undo_clear"}


async def exercise(cache: Cache, client: Client) -> None:
    """Call every tool and read every resource. A plan is made, but none is committed."""
    task_id = cache.ids()[0]
    known: dict[str, dict[str, object]] = {
        "list_tasks": {"status": "any", "name_contains": "b"},
        "count_tasks": {"group_by": "status_backend"},
        "summarize_tasks": {"group_by": ["error", "name"]},
        "get_task": {"task_id": task_id},
        "wait_for_tasks": {"timeout_seconds": 1},
        "compare_tasks": {"task_ids": cache.ids()[:2]},
        "list_cleared": {},
        "clear_tasks": {},
        "undo_clear": {"receipt": "clr_unknown"},
    }
    for tool in (await client.list_tools()).tools:
        if tool.name == "undo_clear":
            continue  # it writes, and a plan does not
        await cache.call(client, tool.name, **known[tool.name])
    for spec in RESOURCES:
        if "{receipt}" in spec.uri:
            with pytest.raises(MCPError, match="nothing to put back"):
                await client.read_resource("uniqc://cleared/clr_unknown")
            continue
        uri = spec.uri.replace("{task_id}", task_id).replace("{?cursor}", "")
        await client.read_resource(re.sub(r"\{\?.*\}", "?status=failed", uri))


def writers(cache: Cache) -> list[Writer]:
    """Return the objects of this process that could write this cache."""
    gc.collect()
    return [
        found
        for found in gc.get_objects()
        if type(found) is Writer and found._path == cache.path  # pyright: ignore[reportPrivateUsage]
    ]


async def test_a_read_only_server_hides_the_writing_tools_and_names_the_option(
    cache: Cache, mode: Mode
) -> None:
    cache.copy()
    async with cache.client(mode, cache.settings(clears=False)) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == READS
        for name, arguments in (("clear_tasks", {"plan_id": "x"}), ("undo_clear", {})):
            said = await cache.refusal(client, name, **arguments)
            assert said.startswith(f"{name} is off: this server only reads.")
            assert "uniqc-mcp --allow-clear success,failed" in said
        assert "This server only reads." in (client.instructions or "")
    async with cache.client(mode) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == READS | WRITES


async def test_a_read_only_server_has_no_writer(cache: Cache, mode: Mode) -> None:
    cache.copy()
    async with cache.client(mode, cache.settings(clears=False)) as client:
        await exercise(cache, client)
        assert writers(cache) == []


async def test_a_clearing_server_has_a_writer_only_during_a_commit(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.copy()
    async with cache.client() as client:
        await exercise(cache, client)
        assert writers(cache) == []
        _, plan = await cache.call(client, "clear_tasks")
        seen: list[int] = []

        # On the thread of the commit: a client may hear of the progress after the commit ended.
        def look(*_: object) -> None:
            seen.append(len(writers(cache)))

        monkeypatch.setattr(clearing_tools, "report_progress", look)
        await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        assert seen == [1]  # so `writers` finds a writer if there is one
        assert writers(cache) == []


@pytest.mark.parametrize("clears", [False, True])
async def test_no_call_changes_a_byte_of_a_cache_at_rest(
    cache: Cache, mode: Mode, *, clears: bool
) -> None:
    before = cache.copy().files()
    async with cache.client(mode, cache.settings(clears=clears)) as client:
        await exercise(cache, client)
        for name in WRITES - ({"clear_tasks"} if clears else set()):
            await client.call_tool(name, {"receipt": 5})
    assert cache.store_files() == before == {cache.store_name: before[cache.store_name]}
    assert (CLEARED_FILENAME in cache.files()) == clears  # it holds the plan


def open_files(server: LineClient) -> dict[str, bool]:
    """Return the files that a server has open, and whether each is open for writing."""
    found: dict[str, bool] = {}
    for descriptor in Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            name = descriptor.readlink().name
            info = Path(f"/proc/{server.process.pid}/fdinfo", descriptor.name).read_text()
            if descriptor.readlink().name != name:
                continue  # closed meanwhile, and its number is another file's
        except FileNotFoundError:
            continue  # closed meanwhile
        flags = int(info.partition("flags:")[2].split()[0], 8)
        found[name] = found.get(name, False) or bool(flags & os.O_ACCMODE)
    return found


@pytest.mark.parametrize("options", [[], ["--allow-clear", "success", "--confirm", "plan"]])
def test_questions_and_plans_never_open_the_store_for_writing(
    cache: Cache, spawn: Callable[..., LineClient], options: list[str]
) -> None:
    cache.fill(30_000, name="bell")
    cache.change("UPDATE tasks SET shots = 1 WHERE task_id = 'task-1'")  # recently modified
    server = spawn(*options)
    seen: list[bool] = []
    calls: list[tuple[str, dict[str, str]]] = [
        ("list_tasks", {"status": "any", "name_contains": "no such name"}),
        ("count_tasks", {"group_by": "status_backend"}),
        ("get_task", {"task_id": "task-1"}),
        ("clear_tasks", {}),
        ("undo_clear", {}),
    ]
    # A look may come too late for a short read, so more are read than are looked at.
    calls += [("list_tasks", {"error_contains": f"no such error {n}"}) for n in range(20)]
    for number, (tool, arguments) in enumerate(calls, 1):
        server.call(number, tool, **arguments)
        while not select.select([server.stdout], [], [], 0)[0]:
            files = open_files(server)
            seen += [files[cache.store_name]] if cache.store_name in files else []
        assert server.receive()["id"] == number
    assert seen
    assert not any(seen)


# The tool registry


def tool_methods(owner: type) -> set[str]:
    """Return the public methods that take keyword-only parameters, as tools do."""
    return {
        name
        for name, method in inspect.getmembers(owner, inspect.isfunction)
        if not name.startswith("_")
        and all(
            parameter.kind is inspect.Parameter.KEYWORD_ONLY
            for parameter in list(inspect.signature(method).parameters.values())[1:]
        )
    }


def test_every_tool_is_registered_with_its_effect() -> None:
    readers = (ReadTools, CompareTools, WaitTools, ClearedTools)
    reads = {name for reader in readers for name in tool_methods(reader)}
    assert reads == {spec.name for spec in TOOLS if not spec.writes} == READS
    writes = tool_methods(ClearTools) | tool_methods(UndoTools)
    assert writes == {spec.name for spec in TOOLS if spec.writes} == WRITES
    assert len({spec.name for spec in TOOLS}) == len(TOOLS)


async def test_annotations_follow_from_the_effect_of_a_tool(cache: Cache, mode: Mode) -> None:
    # read only, destructive
    hints = {"reads": (True, False), "writes": (False, False), "destroys": (False, True)}
    effects = {spec.name: spec.effect for spec in TOOLS}
    assert {name for name, effect in effects.items() if effect == "destroys"} == {"clear_tasks"}
    async with cache.client(mode) as client:
        for tool in (await client.list_tools()).tools:
            found = tool.annotations
            assert found is not None
            assert (found.read_only_hint, found.destructive_hint) == hints[effects[tool.name]]
            assert found.idempotent_hint is None  # of a reader it means nothing
            assert found.open_world_hint is False
            assert tool.title


@pytest.mark.parametrize("name", ["1-0.0.5.sqlite", "5-0.1.0.sqlite"])
async def test_no_tool_calls_a_method_that_deletes_without_a_copy(
    cache: Cache, mode: Mode, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    reached: list[object] = []

    def reach(*arguments: object) -> None:
        reached.append(arguments)

    for forgetting in ("clear_all", "clear_completed", "delete"):
        assert callable(getattr(TaskStore, forgetting))
        monkeypatch.setattr(TaskStore, forgetting, reach)
    ids = sorted(cache.copy(name).ids())
    async with cache.client(mode) as client:
        await exercise(cache, client)
        _, plan = await cache.call(client, "clear_tasks")
        _, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        assert done["cleared"] == plan["planned"] == len(cache.held_ids()) > 0
        assert sorted(cache.ids() + cache.held_ids()) == ids
        await cache.call(client, "undo_clear", receipt=done["receipt"])
    assert sorted(cache.ids()) == ids
    assert reached == []
