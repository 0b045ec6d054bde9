"""Credentials and bidirectional characters in a record are in no output.

They are planted in every text of a record, and every output of the server and the command is tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest
from click.testing import CliRunner
from mcp import Client
from mcp.shared.uri_template import UriTemplate
from mcp_types import (
    ElicitResult,
    EmbeddedResource,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)
from tests.server.cli.test_watch import feed_of, next_events

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.cli.demo import run_demo
from uniqc_mcp.cli.store_commands import COMMANDS
from uniqc_mcp.cli.watch.lines import json_line, plain_lines
from uniqc_mcp.cli.watch.view import Scene, frame_lines
from uniqc_mcp.prompts import PROMPTS
from uniqc_mcp.resources import LIST_PARAMETERS, RESOURCES
from uniqc_mcp.server import build_server
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_mcp.tool_registry import TOOLS
from uniqc_store import ClearPolicy, TaskFilter, TaskStore

if TYPE_CHECKING:
    from mcp.client.session import ClientRequestContext
    from mcp_types import ElicitRequestParams
    from tests.server.conftest import Cache

Output = Callable[["Cache", "Plant"], Awaitable[str]]
"""Returns all that one output shows, as text and as structured content."""

PLACE = re.compile(r"at_(\w+)")


@dataclass(frozen=True, slots=True)
class Plant:
    """Text that is planted after the name of a place, and the pattern that finds it."""

    behind: str
    seen: str

    def at(self, place: str) -> str:
        return f"at_{place}{self.behind.format(place=place)}"


CREDENTIAL = Plant(" token=ghp_0123456789abcdef_{place}", r"ghp_\w*")
RIGHT_TO_LEFT = Plant("\u202e", "\\w*\u202e")
PLANTS = {"credential": CREDENTIAL, "right-to-left override": RIGHT_TO_LEFT}


# Planting


def plant_in(cache: Cache, plant: Plant) -> None:
    """Plant it in each text column, and in each text of a result and of metadata.

    One task is active and two are finished, one of them with a string as its result. One has
    unreadable times and a result that is not JSON. One is archived. The active task and the
    archived one have platform jobs.
    """
    at = plant.at
    counted = {
        "counts": {at("one_outcome"): 9, "1": 991},
        "error_message": at("one_result_error"),
        at("one_field"): [{"deep": at("one_deep")}],
    }
    batch = [{"counts": {at("archived_outcome"): 9}}, {"error": at("archived_result_error")}]
    undated = {"submit_time": at("undated_submitted"), "update_time": at("undated_touched")}
    tasks = [
        _task(at, "active", result={"error": at("active_result_error"), at("active_field"): 1})
        | {"status": at("active_status")},
        _task(at, "done_one", result=counted),
        _task(at, "done_two", result=at("done_two_result")) | {"error_message": None},
        _task(at, "undated", result=None) | {"result_json": f"{{{at('undated_result')}", **undated},
    ]
    cache.write(
        *tasks,
        version=5,
        script="CREATE TABLE archived_task_shards AS SELECT * FROM task_shards",
    )
    archived: dict[str, object] = {
        **_task(at, "archived", result=batch),
        "status": at("archived_status"),
        "shots": 9,
        "submit_time": at("archived_submitted"),
        "update_time": at("archived_touched"),
        "archived_at": at("archived_at"),
    }
    _insert(cache, "archived_tasks", archived)
    _insert(cache, "task_shards", _job(at, "active"))
    _insert(cache, "archived_task_shards", _job(at, "archived"))


def _task(at: Callable[[str], str], name: str, *, result: object) -> dict[str, object]:
    metadata = {
        "task_name": at(f"{name}_name"),
        "circuits": [at(f"{name}_circuit")],
        "circuit_language": at(f"{name}_language"),
        "compiled_circuit_ir": at(f"{name}_compiled"),
        "compiled_circuit_language": at(f"{name}_compiled_language"),
        "executed_circuit_ir": at(f"{name}_executed"),
        "executed_circuit_language": at(f"{name}_executed_language"),
        "failure_error": at(f"{name}_failure"),
        "submission_error": at(f"{name}_submission"),
        at(f"{name}_key"): 1,
        "list": [[at(f"{name}_leaf")]],
    }
    return {
        "task_id": at(f"{name}_id"),
        "backend": at(f"{name}_backend"),
        "status": "failed",
        "error_message": at(f"{name}_error"),
        "result_json": json.dumps(result, ensure_ascii=False),
        "metadata_json": json.dumps(metadata, ensure_ascii=False),
    }


def _job(at: Callable[[str], str], name: str) -> dict[str, object]:
    return {
        "uniqc_task_id": at(f"{name}_id"),
        "shard_index": 0,
        "platform_task_id": at(f"{name}_job_id"),
        "backend": at(f"{name}_job_backend"),
        "circuit_count": 1,
        "sub_index_offset": 0,
        "status": at(f"{name}_job_status"),
        "result_json": json.dumps({at(f"{name}_job_key"): at(f"{name}_job_result")}),
        "error_message": at(f"{name}_job_error"),
        "submit_time": at(f"{name}_job_submitted"),
        "update_time": at(f"{name}_job_touched"),
    }


def _insert(cache: Cache, table: str, row: dict[str, object]) -> None:
    places = ", ".join("?" * len(row))
    cache.change(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


# Outputs


def tool(name: str, **arguments: Any) -> Output:
    async def call(cache: Cache, _: Plant) -> str:
        text, structured = await cache.ask(name, **arguments)
        return text + unescaped(structured)

    return call


def refused(name: str, argument: str, value: str | list[str]) -> Output:
    """Return the refusal of a call. Its argument is planted, unless it is a prefix of ids."""

    async def call(cache: Cache, plant: Plant) -> str:
        def planted(one: str) -> str:
            return one if one.startswith("at_") else plant.at(one)

        given = planted(value) if isinstance(value, str) else [*map(planted, value)]
        return await cache.refusal(name, {argument: given})

    return call


def without_match(name: str) -> Output:
    """Return the output for planted filters that match nothing."""

    async def call(cache: Cache, plant: Plant) -> str:
        arguments = {"backend": plant.at("no_backend"), "name_contains": plant.at("no_name")}
        return await tool(name, **arguments)(cache, plant)

    return call


def resource(uri: str) -> Output:
    async def read(cache: Cache, _: Plant) -> str:
        return await cache.read(uri)

    return read


def prompt(name: str, **arguments: str) -> Output:
    async def pick(cache: Cache, _: Plant) -> str:
        async with cache.client() as client:
            messages = (await client.get_prompt(name, arguments)).messages
        return "\n".join(_said(message.content) for message in messages)

    return pick


def _said(content: object) -> str:
    if isinstance(content, TextContent):
        return content.text
    assert isinstance(content, EmbeddedResource)
    assert isinstance(content.resource, TextResourceContents)
    return f"{content.resource.uri} {content.resource.text}"


async def complete(cache: Cache, _: Plant) -> str:
    """Return all completions of each prompt argument and each template variable."""
    asked: list[tuple[PromptReference | ResourceTemplateReference, str]] = [
        *((PromptReference(name=spec.name), name) for spec in PROMPTS for name in spec.arguments),
        *(
            (ResourceTemplateReference(uri=spec.uri), name)
            for spec in RESOURCES
            for name in UriTemplate.parse(spec.uri).variable_names
        ),
    ]
    async with cache.client() as client:
        found = [
            await client.complete(ref, {"name": name, "value": value})
            for ref, name in asked
            for value in ("", "at_", "at_active_job")
        ]
    return unescaped([one.completion.values for one in found])


def command(*arguments: str) -> Output:
    async def run(cache: Cache, _: Plant) -> str:
        return await anyio.to_thread.run_sync(output_of, cache, *arguments)

    return run


def output_of(cache: Cache, *arguments: str) -> str:
    """Return the output of a command, with JSON unescaped."""
    options = ["--cache-dir", str(cache.directory)]
    result = CliRunner().invoke(cli, [arguments[0], *options, *arguments[1:]])
    assert result.exit_code == 0, result.output
    return unescaped(json.loads(result.output)) if "--json" in arguments else result.output


async def demo(cache: Cache, _: Plant) -> str:
    said: list[str] = []
    await anyio.to_thread.run_sync(run_demo, cache.directory, said.append)
    return "\n".join(said)


async def watch(cache: Cache, plant: Plant) -> str:
    feed = feed_of(cache)
    (started,) = next_events(feed)
    cache.change("UPDATE tasks SET status = ? WHERE backend GLOB 'at_act*'", plant.at("later"))
    cache.change("DELETE FROM tasks WHERE backend GLOB 'at_done_one*'")
    events = [started, *next_events(feed)]
    groups = cache.store.tally(TaskFilter(), by=("status",))
    scene = Scene(
        path=cache.path,
        store_status=feed.store_status,
        backend=plant.at("watched"),
        by_status={plant.at("later"): 1},
        groups=groups,
        active=list(feed.active.values()),
    )
    drawn = frame_lines(scene, width=900, height=40, now=cache.now)
    return "\n".join(
        [
            *(line for event in events for line in plain_lines(event, cache.path)),
            *(unescaped(json.loads(json_line(event, cache.path))) for event in events),
            *(line.plain for line in drawn),
        ]
    )


async def wait(cache: Cache, plant: Plant) -> str:
    """Wait for a finished task, for the tasks of a backend, and for a task that is deleted."""
    said: list[str] = []
    async with cache.client() as client:

        async def waited(**arguments: Any) -> str:
            text, structured = cache.answer(await client.call_tool("wait_for_tasks", arguments))
            said.append(text + unescaped(structured))
            return str(structured["cursor"])

        cursor = await waited(task_ids=["at_done_one_id"])
        cache.change("UPDATE tasks SET status = ? WHERE backend GLOB 'at_act*'", plant.at("later"))
        cursor = await waited(backend=plant.at("active_backend"), cursor=cursor)
        cache.change("DELETE FROM tasks WHERE backend GLOB 'at_undated*'")
        ids = ["at_active_id", "at_done_two_id", plant.at("undated_id")]
        await waited(task_ids=ids, cursor=cursor)
    return "\n".join(said)


async def clear(cache: Cache, plant: Plant) -> str:
    """Plan, ask the user, commit and undo."""
    said: list[str] = []
    planned: dict[str, Any] = {}

    async def agree(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert params.mode == "form"
        said.append(params.message)
        return ElicitResult(action="accept", content={"tasks_to_clear": planned["planned"]})

    settings = Settings(clearing=ClearSettings(policy=ClearPolicy()))
    server = build_server(cache.store, settings, clock=lambda: cache.now)
    async with Client(server, elicitation_callback=agree) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            text, structured = cache.answer(await client.call_tool(tool, arguments))
            said.append(text + unescaped(structured))
            return structured

        planned = await call("clear_tasks")
        done = await call("clear_tasks", plan_id=planned["plan_id"])
        assert done["cleared"] == planned["planned"] == len(FINISHED)
        refusal = await client.call_tool("undo_clear", {"receipt": plant.at("no_receipt")})
        said.append(cache.text(refusal))
        undone = await call("undo_clear", receipt=done["receipt"])
        assert undone["restored"] == len(FINISHED)
    return "\n".join(said)


async def restore(cache: Cache, _: Plant) -> str:
    def put_back() -> list[str]:
        store = TaskStore(cache.directory)
        receipt = store.clear(store.plan_clear(TaskFilter(status="finished"))).receipt_id
        commands = (("cleared",), ("cleared", "--json"), ("restore", receipt))
        return [output_of(cache, *arguments) for arguments in commands]

    said = await anyio.to_thread.run_sync(put_back)
    assert said[-1] == f"Put back: {len(FINISHED)} tasks.\n"
    return "\n".join(said)


def after_a_clear(ask: Output) -> Output:
    """Return an output once the finished tasks are cleared."""

    async def cleared(cache: Cache, plant: Plant) -> str:
        store = TaskStore(cache.directory)
        done = store.clear(store.plan_clear(TaskFilter(status="finished")))
        assert done.cleared == len(FINISHED)
        return await ask(cache, plant)

    return cleared


async def list_cleared(cache: Cache, plant: Plant) -> str:
    (receipt,) = cache.store.receipts()
    outputs = [
        tool("list_cleared"),
        tool("list_cleared", receipt=receipt.receipt_id),
        resource(f"uniqc://cleared/{receipt.receipt_id}"),
        command("cleared", receipt.receipt_id),
    ]
    return "\n".join([await ask(cache, plant) for ask in outputs])


def unescaped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# The places that each output shows, without the planted text

FINISHED = ("done_one", "done_two", "undated")
LISTED = "id name backend"
TOLD = f"{LISTED} key leaf submission language"
JOB = "job_id job_backend job_status job_error"
RESULTS = {
    "active": "active_field active_result_error",
    "done_one": "one_outcome one_field one_result_error",
    "done_two": "done_two_result",
    "undated": "undated_result",
    "archived": "archived_outcome archived_result_error",
}
COMPARED = ("active", "archived")
LISTED_AND_DIFFERENT = f"{LISTED} circuit key submission"
BACKENDS = "done_one_backend done_two_backend undated_backend"
ERRORS = "done_one_error done_two_failure undated_error"


def of(names: str, *tasks: str) -> str:
    """Return the places of these fields of each task."""
    return " ".join(f"{task}_{name}" for task in tasks for name in names.split())


ACTIVE = of(f"{LISTED} status error", "active")
ACTIVE_WHOLE = f"{ACTIVE} {of(f'{TOLD} {JOB}', 'active')} {RESULTS['active']}"
DONE_WHOLE = f"{of(f'{TOLD} error', 'done_one')} {RESULTS['done_one']}"
ARCHIVED_WHOLE = f"{of(f'{TOLD} error status at {JOB}', 'archived')} {RESULTS['archived']}"

OUTPUTS: dict[str, tuple[Output, str]] = {
    "list_tasks": (tool("list_tasks"), ACTIVE),
    "list_tasks, any status": (
        tool("list_tasks", status="any"),
        f"{ACTIVE} {of(LISTED, *FINISHED)} {ERRORS}",
    ),
    "list_tasks, without a match": (
        without_match("list_tasks"),
        f"no_backend no_name {BACKENDS}",
    ),
    "count_tasks": (tool("count_tasks"), "active_status"),
    "count_tasks, by status and backend": (
        tool("count_tasks", group_by="status_backend"),
        f"active_status active_backend {BACKENDS}",
    ),
    "summarize_tasks": (tool("summarize_tasks"), "active_backend"),
    "summarize_tasks, by kind of failure and status": (
        tool("summarize_tasks", group_by=["error", "status"]),
        "active_status",
    ),
    "summarize_tasks, by name": (tool("summarize_tasks", group_by=["name"]), "active_name"),
    "count_tasks, without a match": (
        without_match("count_tasks"),
        f"no_backend no_name {BACKENDS}",
    ),
    "get_task, active": (tool("get_task", task_id="at_active_id"), ACTIVE_WHOLE),
    "get_task, with all parts": (
        tool("get_task", task_id="at_done_one", include=["result", "circuit", "compiled"]),
        f"{RESULTS['done_one']} {of('circuit compiled compiled_language', 'done_one')}",
    ),
    "get_task, finished": (tool("get_task", task_id="at_done_one"), DONE_WHOLE),
    "get_task, with an error only in its metadata": (
        tool("get_task", task_id="at_done_two"),
        of(f"{TOLD} failure", "done_two"),
    ),
    "get_task, with a damaged result": (
        tool("get_task", task_id="at_undated"),
        of(f"{TOLD} error", "undated"),
    ),
    "get_task, by platform id": (
        tool("get_task", task_id="at_archived_job_id"),
        ARCHIVED_WHOLE,
    ),
    "get_task, ambiguous": (
        refused("get_task", "task_id", "at_done"),
        of(LISTED, "done_one", "done_two"),
    ),
    "get_task, unknown": (refused("get_task", "task_id", "xctive_id"), "xctive_id active_id"),
    "wait_for_tasks": (
        wait,
        f"later {of(f'{LISTED} error', 'active')} {of(LISTED, *FINISHED)}",
    ),
    "compare_tasks": (
        tool("compare_tasks", task_ids=["at_active_id", "at_archived_id"]),
        f"active_status archived_status active_error {of(LISTED_AND_DIFFERENT, *COMPARED)}",
    ),
    "compare_tasks, ambiguous and unknown": (
        refused("compare_tasks", "task_ids", ["at_done", "xctive_id"]),
        of(LISTED, "done_one", "done_two"),
    ),
    "clear_tasks, undo_clear": (clear, f"no_receipt {of(LISTED, *FINISHED)}"),
    "list_cleared, uniqc://cleared/{receipt}{?cursor}": (
        after_a_clear(list_cleared),
        of(LISTED, *FINISHED),
    ),
    "uniqc://cleared": (after_a_clear(resource("uniqc://cleared")), ""),
    "list_cleared, unknown": (
        refused("list_cleared", "receipt", "no_receipt"),
        "no_receipt",
    ),
    "get_task, cleared": (
        after_a_clear(tool("get_task", task_id="at_done_one")),
        DONE_WHOLE,
    ),
    "get_task, cleared and ambiguous": (
        after_a_clear(refused("get_task", "task_id", "at_done")),
        of("id", "done_one", "done_two"),
    ),
    "uniqc://task/{task_id}/result, cleared": (
        after_a_clear(resource("uniqc://task/at_done_one_id/result")),
        RESULTS["done_one"],
    ),
    "uniqc://store": (resource("uniqc://store"), "active_status"),
    "uniqc://tasks/active{?cursor}": (resource("uniqc://tasks/active?cursor="), ACTIVE),
    "uniqc://tasks/active": (resource("uniqc://tasks/active"), ACTIVE),
    f"uniqc://tasks{{?{','.join(LIST_PARAMETERS)}}}": (
        resource("uniqc://tasks?status=failed"),
        f"{of(LISTED, *FINISHED)} {ERRORS}",
    ),
    "uniqc://task/{task_id}": (resource("uniqc://task/at_active_id"), ACTIVE_WHOLE),
    **{
        f"uniqc://task/{{task_id}}/result, {task}": (
            resource(f"uniqc://task/at_{task}_id/result"),
            places,
        )
        for task, places in RESULTS.items()
    },
    "uniqc://task/{task_id}/outcomes": (
        resource("uniqc://task/at_done_one/outcomes"),
        of(LISTED, "done_one"),
    ),
    "uniqc://task/{task_id}/circuit": (
        resource("uniqc://task/at_done_one/circuit"),
        of("circuit language", "done_one"),
    ),
    "uniqc://task/{task_id}/circuit/compiled": (
        resource("uniqc://task/at_done_one/circuit/compiled"),
        of("compiled compiled_language", "done_one"),
    ),
    "uniqc://task/{task_id}/circuit/executed": (
        resource("uniqc://task/at_done_one/circuit/executed"),
        of("executed executed_language", "done_one"),
    ),
    "whats_running": (prompt("whats_running"), ACTIVE),
    "why_did_it_fail": (prompt("why_did_it_fail", task_id="at_done_one"), DONE_WHOLE),
    "explain_differences": (
        prompt("explain_differences", task_id="at_active_id", other_task_id="at_archived_id"),
        f"{ACTIVE_WHOLE} {ARCHIVED_WHOLE}",
    ),
    "tidy_up": (prompt("tidy_up"), f"active_status {of(LISTED, *FINISHED)} {ERRORS}"),
    # A value that cannot be shown unaltered is not offered.
    "completions": (complete, ""),
    "doctor": (command("doctor"), "active_status"),
    "doctor, JSON": (command("doctor", "--json"), "active_status"),
    "watch": (watch, f"later watched {of(f'{LISTED} status', 'active')} {of(LISTED, 'done_one')}"),
    "cleared, restore": (restore, ""),
    "demo": (demo, f"{ACTIVE} {BACKENDS} {of(f'{LISTED} failure', 'done_two')}"),
}

CELLS = [(output, planted) for output in OUTPUTS for planted in PLANTS]


@pytest.mark.parametrize(("output", "planted"), CELLS)
async def test_no_output_contains_the_planted_text(cache: Cache, output: str, planted: str) -> None:
    plant = PLANTS[planted]
    plant_in(cache, plant)
    ask, places = OUTPUTS[output]
    said = await ask(cache, plant)
    assert re.findall(plant.seen, said) == []
    assert {*places.split()} - {*PLACE.findall(said)} == set()


def test_every_output_is_tried() -> None:
    tried = {name for output in OUTPUTS for name in output.split(", ")}
    commands = {*COMMANDS, "demo"}  # the other outputs come from `serve`
    assert {spec.name for spec in (*TOOLS, *PROMPTS)} | commands <= tried
    assert {spec.uri for spec in RESOURCES} <= tried
