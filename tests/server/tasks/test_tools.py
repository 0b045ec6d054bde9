"""list_tasks, count_tasks and get_task, as a client calls them."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp_types import TextContent

from uniqc_mcp.clearing.listing import ClearedTools
from uniqc_mcp.comparing.tools import CompareTools
from uniqc_mcp.protocol.strict_tool import StrictTool
from uniqc_mcp.responses import store_notes
from uniqc_mcp.responses.base import StoreView
from uniqc_mcp.server import build_server, build_store
from uniqc_mcp.settings import Settings
from uniqc_mcp.tasks.count_models import MAX_GROUPS, TaskCounts
from uniqc_mcp.tasks.filters import describe_filter, requested_filter
from uniqc_mcp.tasks.job_models import MAX_SHARDS
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_mcp.tool_registry import READ_TOOLS
from uniqc_mcp.waiting.tools import WaitTools
from uniqc_store import DB_FILENAME
from uniqc_store.database import connection
from uniqc_store.query import index_scan, planner, search_scan

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.conftest import Cache, Mode

Json = dict[str, Any]
FINISHED = ("success", "failed", "cancelled")
FILTERS = (
    *("backend", "submitted_after", "submitted_before"),
    *("name_contains", "updated_after", "updated_before"),
)


async def every_page(cache: Cache, client: Client, **arguments: object) -> list[Json]:
    tasks: list[Json] = []
    cursor = ""
    while True:
        result = await client.call_tool("list_tasks", {**arguments, "cursor": cursor})
        _, page = cache.answer(result)
        assert page["shown"] == len(page["tasks"])
        tasks += page["tasks"]
        if not (cursor := page["next_cursor"]):
            assert page["total"] == len(tasks)
            return tasks


def put_to_rest(cache: Cache) -> None:
    """Set a modification time far from the present, so that values from the file are cached."""
    os.utime(cache.path, (cache.now.timestamp(), cache.now.timestamp()))


def by(answer: Json, *names: str) -> dict[Any, int]:
    """Return the counts of an answer's groups by these labels."""
    labels = [tuple(group[name] for name in names) for group in answer["groups"]]
    assert len(set(labels)) == len(labels)
    counts = [group["count"] for group in answer["groups"]]
    if len(names) == 1:
        assert counts == sorted(counts, reverse=True)
    return dict(zip([*labels] if len(names) > 1 else [a for (a,) in labels], counts, strict=True))


# The real files.


async def test_counts_of_a_real_file_match_its_manifest(real_cache: Cache) -> None:
    said = real_cache.manifest["tasks"]
    async with real_cache.client() as client:

        async def count(**arguments: object) -> Json:
            return real_cache.answer(await client.call_tool("count_tasks", arguments))[1]

        assert by(await count(), "status") == said["by_status"]
        assert by(await count(group_by="backend"), "backend") == said["by_backend"]
        both = await count(group_by="status_backend")
        for index, label in enumerate(("by_status", "by_backend")):
            for name, number in said[label].items():
                counts = by(both, "status", "backend").items()
                assert sum(n for labels, n in counts if labels[index] == name) == number
        assert (await count(group_by="total"))["groups"] == []
        finished = sum(said["by_status"].get(status, 0) for status in FINISHED)
        totals = {"any": said["count"], "finished": finished, "active": said["count"] - finished}
        for status, total in (said["by_status"] | totals).items():
            if status not in ("QUEUED", "TaskStatus.RUNNING"):  # no values of the filter
                assert (await count(status=status, group_by="total"))["total"] == total
        for backend, number in said["by_backend"].items():
            if ":" in backend:
                assert (await count(backend=backend))["total"] == number


async def test_pages_of_a_real_file_hold_each_task_once(real_cache: Cache) -> None:
    async with real_cache.client() as client:
        tasks = await every_page(real_cache, client, status="any", limit=7)
    assert sorted(task["task_id"] for task in tasks) == sorted(real_cache.ids("tasks"))


async def test_get_task_finds_every_task_of_a_real_file_and_shows_no_secret(
    real_cache: Cache,
) -> None:
    said = real_cache.manifest
    ids = real_cache.ids()
    assert len(ids) == said["tasks"]["count"] + said["archived_tasks"]["count"]
    archived = set(real_cache.ids("archived_tasks")) - set(real_cache.ids("tasks"))
    async with real_cache.client() as client:
        for task_id in ids:
            result = await client.call_tool("get_task", {"task_id": task_id})
            text, answer = real_cache.answer(result)
            assert answer["task"]["task_id"] == task_id
            assert task_id in text
            assert bool(answer["task"]["archived_at"]) == (task_id in archived)
            assert ("archived: " in text) == (task_id in archived)
            shown = result.model_dump_json()
            assert not [secret for secret in real_cache.planted if secret in shown]


@pytest.mark.parametrize("file", ["1-0.0.5.sqlite", "5-0.1.1-migrated-from-0.0.4.sqlite"])
async def test_the_names_of_redacted_fields_stay_visible(cache: Cache, file: str) -> None:
    text, answer = await cache.copy(file).ask("get_task", task_id="secrets-in-metadata")
    task = answer["task"]
    hidden = ["api_token", "QUARK_API_KEY", "nested.password", "nested.list[0].auth", "apikey"]
    assert task["redacted"] == [f"metadata.{name}" for name in [*hidden, "Authorization"]]
    assert task["metadata"]["QUARK_API_KEY"] == "[redacted]"
    assert task["metadata"]["nested"]["list"] == [{"auth": "[redacted]"}]
    assert (task["metadata"]["monkey"], task["metadata"]["token"]) == ("ok", "")
    assert '"monkey": "ok"' in text
    assert f"redacted in: {', '.join(task['redacted'])}" in text


async def test_a_secret_in_an_error_is_redacted_in_a_list(cache: Cache) -> None:
    cache.copy("5-0.1.0.sqlite")
    text, answer = await cache.ask("list_tasks", status="failed", limit=100)
    errors = [task["error"] for task in answer["tasks"] if "401" in task["error"]]
    assert len(errors) > 1
    for error in errors:
        assert "invalid token '[redacted]' for user" in error
        assert json.dumps(error) in text


# Definitions of the tools.


def test_each_tool_has_a_method_and_each_method_is_a_tool() -> None:
    methods = {
        name
        for tools in (ReadTools, CompareTools, WaitTools, ClearedTools)
        for name in vars(tools)
        if name[0] != "_"
    }
    assert sorted(spec.name for spec in READ_TOOLS) == sorted(methods)


async def test_each_tool_has_a_title_a_description_a_schema_and_annotations(
    cache: Cache, mode: Mode
) -> None:
    async with cache.client(mode) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == [spec.name for spec in READ_TOOLS]
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.output_schema
        assert tool.annotations
        # The title stands beside them, and each word is paid for.
        assert tool.annotations.model_dump(exclude_none=True) == {
            "read_only_hint": True,
            "destructive_hint": False,
            "open_world_hint": False,
        }


class MismatchedCounts(TaskCounts):
    """An answer that does not match its schema."""

    def structured(self) -> Json:
        return {"total": "many"}


class MismatchedTools:
    def count(self) -> TaskCounts:
        """Return counts that do not match the schema."""
        store = StoreView(location="", exists=True, schema_version=1, read_at="", notes=[])
        return MismatchedCounts(matching="tasks", total=1, groups=[], store=store)


async def test_the_client_checks_structured_content_against_the_output_schema(mode: Mode) -> None:
    annotations = READ_TOOLS[0].annotations
    tool = StrictTool.of(MismatchedTools().count, title="Count", annotations=annotations)
    server = MCPServer[dict[str, Any]]("untrue", tools=[tool])
    async with Client(server, mode=mode) as client:
        with pytest.raises(RuntimeError, match="Invalid structured content"):
            await client.call_tool("count", {})


def test_the_tools_can_be_called_without_a_server(cache: Cache) -> None:
    tools = ReadTools(cache.write({}).store, lambda: cache.now)
    assert tools.count_tasks().total == 1
    assert tools.list_tasks(status="success").tasks[0].task_id == "task-000001"
    assert tools.get_task(task_id="task-000001").task.status == "success"
    for name in ("list_tasks", "count_tasks", "get_task"):
        assert get_type_hints(getattr(tools, name))["return"].__name__.startswith("Task")


# list_tasks


async def test_a_list_shows_active_tasks_by_default(cache: Cache) -> None:
    statuses = ["pending", "running", "QUEUED", "", *FINISHED]
    cache.write(*({"status": status} for status in statuses))
    text, answer = await cache.ask("list_tasks")
    assert [task["status"] for task in answer["tasks"]] == ["", "QUEUED", "running", "pending"]
    assert all(task["active"] for task in answer["tasks"])
    assert (answer["total"], answer["shown"], answer["next_cursor"]) == (4, 4, "")
    assert text.startswith("4 active tasks. Read 2026-11-03T18:00:00Z from ")


async def test_a_page_reports_the_total_and_how_to_get_the_rest(cache: Cache) -> None:
    cache.write({}, {}, {}, {}, {})
    async with cache.client() as client:
        text, first = cache.answer(
            await client.call_tool("list_tasks", {"status": "finished", "limit": 3})
        )
        assert (first["total"], first["shown"]) == (5, 3)
        assert text.startswith("5 finished tasks; 3 shown, newest first.")
        assert f'More: repeat the call with cursor="{first["next_cursor"]}".' in text
        arguments = {"status": "finished", "limit": 3, "cursor": first["next_cursor"]}
        text, second = cache.answer(await client.call_tool("list_tasks", arguments))
    assert (second["total"], second["shown"], second["next_cursor"]) == (5, 2, "")
    assert "More: " not in text
    shown = [task["task_id"] for page in (first, second) for task in page["tasks"]]
    assert shown == [f"task-{number:06}" for number in (5, 4, 3, 2, 1)]


async def test_a_cursor_of_other_filters_is_refused_with_advice(cache: Cache) -> None:
    cache.write({}, {})
    _, page = await cache.ask("list_tasks", status="any", limit=1)
    arguments = {"status": "success", "limit": 1, "cursor": page["next_cursor"]}
    text = await cache.refusal("list_tasks", arguments)
    assert text == "cursor belongs to other filters or another order; repeat those of its page."


@pytest.mark.parametrize("cursor", ["x", "é", "AAAA", "-" * 100_000, "\x00"])
async def test_an_invalid_cursor_is_refused_with_advice(cache: Cache, cursor: str) -> None:
    text = await cache.write({}).refusal("list_tasks", {"cursor": cursor})
    assert text.startswith("cursor ")
    assert "leave it out" in text or "repeat those of" in text


async def test_only_an_active_task_reports_the_age_of_its_last_update(cache: Cache) -> None:
    cache.write(
        {"status": "success"},
        {"status": "running", "update_time": "2026-11-03T17:00:00+00:00"},
        {"status": "QUEUED", "update_time": "2026-11-03T18:59:59+02:00"},
        {"status": "running", "update_time": "2099-01-01T00:00:00Z"},
        {"status": "running", "update_time": "just now"},
    )
    text, answer = await cache.ask("list_tasks", status="any")
    heard = [task.get("seconds_since_update") for task in answer["tasks"]]
    assert heard == [None, None, 3601, 3600, None]
    assert text.count("heard of 1 h ago") == 2
    assert text.count("heard of") == 2


def test_an_age_grows_while_the_file_is_unchanged(cache: Cache) -> None:
    cache.write({"status": "running", "task_id": "waited"})
    put_to_rest(cache)
    now = cache.now
    tools = ReadTools(cache.store, lambda: now)
    for hours in (6, 7):
        assert tools.list_tasks().tasks[0].seconds_since_update == hours * 3_600
        assert tools.get_task(task_id="waited").task.seconds_since_update == hours * 3_600
        now += timedelta(hours=1)


def test_the_label_of_a_finished_task_is_built_once_while_the_file_is_unchanged(
    cache: Cache,
) -> None:
    cache.write({"status": "success"})
    put_to_rest(cache)
    tools = ReadTools(cache.store, lambda: cache.now)
    pages = [tools.list_tasks(status=("success",)) for _ in range(2)]
    first, second = (page.tasks[0].label for page in pages)
    assert first is second
    assert all(f"- {first}, submitted" in page.text() for page in pages)


def test_a_copy_of_a_view_has_a_label_of_its_own(cache: Cache) -> None:
    cache.write({"status": "success", "task_id": "before"})
    (view,) = ReadTools(cache.store).list_tasks(status=("success",)).tasks
    assert view.label.startswith("before ")
    assert view.model_copy(update={"task_id": "after"}).label.startswith("after ")


@pytest.mark.usefixtures("in_shanghai")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"submitted_after": "2026-11-03T12:00"}, ["utc", "local", "zoned"]),
        ({"submitted_after": "2026-11-03T12:00:01"}, ["local"]),
        ({"submitted_before": "2026-11-03T12:00:00Z"}, ["before"]),
        ({"submitted_before": "2026-11-03T12:00:01"}, ["utc", "before", "zoned"]),
        ({"submitted_after": "6h"}, ["utc", "local", "zoned"]),
        ({"submitted_after": "2026-11-03T20:00:00+08:00"}, ["utc", "local", "zoned"]),
    ],
)
async def test_times_without_a_zone_are_utc_in_filters_and_local_in_the_file(
    cache: Cache, arguments: Json, expected: list[str]
) -> None:
    cache.write(
        {"task_id": "utc", "submit_time": "2026-11-03T12:00:00+00:00"},
        {"task_id": "local", "submit_time": "2026-11-03T20:00:01"},
        {"task_id": "before", "submit_time": "2026-11-03T19:59:59"},
        {"task_id": "zoned", "submit_time": "2026-11-03T13:00:00+01:00"},
    )
    _, answer = await cache.ask("list_tasks", status="any", **arguments)
    assert sorted(task["task_id"] for task in answer["tasks"]) == sorted(expected)
    _, answer = await cache.ask("count_tasks", **arguments)
    assert answer["total"] == len(expected)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "tasks"),
        ({"status": "failed"}, "failed tasks"),
        ({"backend": "ibm"}, 'tasks on "ibm"'),
        ({"name_contains": 'a "b"'}, 'tasks with "a \\"b\\"" in the name'),
        (
            {"submitted_after": "2026-11-03T12:00:00+08:00"},
            "tasks submitted since 2026-11-03T04:00:00Z",
        ),
        ({"submitted_before": "24h"}, "tasks submitted before 2026-11-02T18:00:00Z"),
        (
            {"status": "active", "backend": "ibm", "name_contains": "x", "submitted_after": "1h"}
            | {"submitted_before": "2026-11-04"},
            (
                'active tasks on "ibm" with "x" in the name submitted between 2026-11-03T17:00:00Z '
                "and 2026-11-04T00:00:00Z"
            ),
        ),
    ],
)
async def test_an_answer_describes_the_filter_in_words(
    cache: Cache, asked: dict[str, str], words: str
) -> None:
    cache.write({"backend": "quark"}, {"backend": "quark"})
    text, _ = await cache.ask("count_tasks", **asked)
    assert words in text
    status: Any = asked.get("status", "any")
    others = {name: asked.get(name, "") for name in FILTERS}
    assert describe_filter(requested_filter(cache.now, status=status, **others)) == words


@pytest.mark.usefixtures("in_shanghai")
async def test_an_age_is_right_in_a_zone_other_than_utc(cache: Cache) -> None:
    times = ("2026-11-04T01:00:00", "2026-11-03T17:00:00+00:00", "2026-11-04T01:00:00+08:00")
    cache.write(*({"status": "running", "update_time": time} for time in times))
    _, answer = await cache.ask("list_tasks")
    assert [task["seconds_since_update"] for task in answer["tasks"]] == [3_600] * 3


async def test_a_list_shows_the_beginning_of_an_error_on_one_line(cache: Cache) -> None:
    error = "No calibration today.\nTry again\u202e later. " + "x" * 5_000
    cache.write({"status": "failed", "metadata_json": json.dumps({"failure_error": error})})
    text, answer = await cache.ask("list_tasks", status="failed")
    (task,) = answer["tasks"]
    assert task["error"].startswith("No calibration today.⏎Try again later. xxx")
    assert len(task["error"]) <= 200
    assert "characters]" in task["error"]
    assert f"  error: {json.dumps(task['error'], ensure_ascii=False)}" in text.splitlines()


@pytest.mark.parametrize("key", ["failure_error", "submission_error", "error_message"])
async def test_an_error_is_found_in_each_place_that_a_release_used(cache: Cache, key: str) -> None:
    task = {"status": "failed", "metadata_json": json.dumps({key: "no such chip"})}
    if key == "error_message":
        task = {"status": "failed", key: "no such chip"}
    cache.write(task, version=5)
    _, answer = await cache.ask("list_tasks", status="failed")
    assert answer["tasks"][0]["error"] == "no such chip"
    _, answer = await cache.ask("get_task", task_id="task-000001")
    assert answer["task"]["error"] == "no such chip"
    assert key not in answer["task"]["metadata"]  # it is shown once


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"backend": "originq"}, ["a", "b"]),
        ({"backend": "originq:WK_C180"}, ["b"]),
        ({"backend": "originq:"}, []),
        ({"name_contains": "BELL"}, ["a", "c"]),
        ({"name_contains": "bell", "backend": "ibm"}, ["c"]),
        ({"name_contains": "%"}, []),
        ({"submitted_after": "2026-11-02"}, ["b", "c"]),
        ({"submitted_after": "2026-11-02T02:00:00+02:00"}, ["b", "c"]),
        ({"submitted_before": "2026-11-02"}, ["a"]),
        ({"submitted_after": "24h"}, ["c"]),
        ({"submitted_after": "42h", "submitted_before": "1 d"}, ["b"]),
        ({"status": "failed"}, ["c"]),
    ],
)
async def test_filters_select_the_matching_tasks(
    cache: Cache, arguments: Json, expected: list[str]
) -> None:
    named = {"metadata_json": '{"task_name": "Bell pair"}'}
    cache.write(
        {"task_id": "a", "backend": "originq", "submit_time": "2026-11-01T23:59:59Z", **named},
        {"task_id": "b", "submit_time": "2026-11-02T00:00:00Z"},
        {"task_id": "c", "backend": "ibm", "status": "failed", **named},
        {"task_id": "d", "backend": "originqx", "submit_time": "long ago"},
    )
    _, answer = await cache.ask("list_tasks", **({"status": "any"} | arguments))
    assert sorted(task["task_id"] for task in answer["tasks"]) == expected
    _, counts = await cache.ask("count_tasks", **arguments)
    assert counts["total"] == len(expected)


# Notes about the file.


@pytest.mark.parametrize("tool", ["list_tasks", "count_tasks"])
async def test_without_a_file_a_note_says_why_there_are_no_tasks(
    cache: Cache, tool: str, home: Path
) -> None:
    text, answer = await cache.ask(tool)
    because = (
        "uniqc has no task cache yet: there is no file at ~/cache/tasks.sqlite. "
        "Counts are 0 because of that."
    )
    assert answer["total"] == 0
    assert answer["store"] == {
        "location": "~/cache/tasks.sqlite",
        "exists": False,
        "read_at": "2026-11-03T18:00:00Z",
        "notes": [because],
    }
    assert because in text
    assert str(home) not in text


async def test_a_filter_without_matches_says_how_many_tasks_there_are(cache: Cache) -> None:
    cache.write({}, {"backend": "ibm:ibm_fez"}, {"backend": "quark"})
    text, answer = await cache.ask("list_tasks", name_contains="qaoa")
    assert answer["store"]["notes"] == ["Tasks in the cache that do not match: 3."]
    assert text.startswith('No active tasks with "qaoa" in the name.')
    assert answer["store"]["notes"][0] in text


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("orginq", 'Similar ones: "originq", "originq:WK_C180".'),
        ("ibm:ibm_fes", 'Similar ones: "ibm:ibm_fez".'),
        ("zzz", 'Platforms in the cache: "ibm", "originq", "quark".'),
    ],
)
async def test_an_unknown_backend_gets_a_note_with_the_nearest_ones(
    cache: Cache, backend: str, said: str
) -> None:
    cache.write({}, {"backend": "ibm:ibm_fez"}, {"backend": "quark"})
    for tool in ("list_tasks", "count_tasks"):
        text, answer = await cache.ask(tool, backend=backend)
        assert answer["store"]["notes"][1] == f'None is on backend "{backend}". {said}'
        assert said in text


async def test_a_known_backend_without_matches_is_not_called_unknown(cache: Cache) -> None:
    _, answer = await cache.write({}).ask("list_tasks", backend="originq")
    assert answer["store"]["notes"] == ["Tasks in the cache that do not match: 1."]


@pytest.mark.parametrize("tool", ["list_tasks", "count_tasks"])
async def test_a_time_filter_counts_the_tasks_without_a_readable_time(
    cache: Cache, tool: str
) -> None:
    cache.write({}, {"submit_time": "yesterday"}, {"submit_time": "", "backend": "ibm"})
    text, answer = await cache.ask(tool, status="any", submitted_after="2d", backend="originq")
    assert answer["total"] == 1
    (note,) = answer["store"]["notes"]
    assert note.endswith(": 1")
    assert "without a readable submit time" in note
    assert note in text
    _, answer = await cache.ask(tool, status="any")
    assert answer["store"]["notes"] == []


@pytest.mark.parametrize("version", [6, 9])
async def test_a_newer_schema_is_read_with_a_note(cache: Cache, version: int) -> None:
    cache.write({}, version=version)
    text, answer = await cache.ask("list_tasks", status="any")
    assert (answer["total"], answer["store"]["schema_version"]) == (1, version)
    assert f"Schema {version} is newer than this server knows (5)" in answer["store"]["notes"][0]
    assert answer["store"]["notes"][0] in text


async def test_the_newest_known_schema_gets_no_note(cache: Cache) -> None:
    _, answer = await cache.write({}, version=5).ask("list_tasks", status="any")
    assert (answer["store"]["schema_version"], answer["store"]["notes"]) == (5, [])


async def test_a_search_of_every_task_tells_its_progress(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", 0)
    monkeypatch.setattr(index_scan, "MAX_SEARCHED", 1)
    monkeypatch.setattr(search_scan, "STRETCH_TASKS", 2)
    # So that it would block the event loop, and runs on a thread.
    monkeypatch.setattr(connection, "_STEPS_BETWEEN_STOP_CHECKS", 1)
    rows: list[dict[str, object]] = [{}] * 8
    cache.write(*rows, script="CREATE INDEX by_time ON tasks(submit_time)")
    told: list[tuple[float, float | None]] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total))

    wanted = {"status": "any", "name_contains": "bell"}
    server = build_server(build_store(Settings(cache_dir=cache.directory)))
    async with Client(server, mode="legacy") as client:
        done = await client.call_tool("list_tasks", wanted, progress_callback=tell)
        assert done.structured_content is not None
        assert (done.structured_content["total"], told) == (0, [(2, 8), (4, 8), (6, 8)])
        await client.call_tool("list_tasks", wanted, progress_callback=tell)
    assert len(told) == 3


async def test_a_search_by_name_that_was_cut_short_says_so_and_can_continue(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", 0)
    monkeypatch.setattr(index_scan, "MAX_SEARCHED", 5)
    monkeypatch.setattr(index_scan, "MAX_SEARCHED_IN_PART", 5)
    monkeypatch.setattr(search_scan, "STRETCH_TASKS", 1)
    monkeypatch.setattr(search_scan, "MAX_SECONDS", -1)
    oldest = {
        "submit_time": "2026-11-02T12:00:00+00:00",
        "metadata_json": json.dumps({"task_name": "bell"}),
    }
    others: list[dict[str, object]] = [{}] * 8
    cache.write(oldest, *others, script="CREATE INDEX by_time ON tasks(submit_time)")
    wanted = {"status": "any", "name_contains": "bell", "limit": 3}
    text, answer = await cache.ask("list_tasks", **wanted)
    assert (answer["total_at_least"], "total" in answer, answer["tasks"]) == (0, False, [])
    assert text.startswith('No tasks with "bell" in the name so far.')
    note = "Some of the tasks were searched for it; next_cursor searches on."
    assert answer["store"]["notes"] == [note]
    text, answer = await cache.ask("list_tasks", **wanted, cursor=answer["next_cursor"])
    assert [task["task_id"] for task in answer["tasks"]] == ["task-000001"]
    assert note not in text


@pytest.fixture
def fallback_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the file that uniqc uses if it cannot open its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(home / "temporary"))
    other = home / "temporary" / "uniqc" / "cache" / DB_FILENAME
    other.parent.mkdir(parents=True)
    other.touch()
    return other


async def test_a_note_names_the_fallback_file_of_uniqc(
    cache: Cache, fallback_file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write({})
    _, answer = await cache.ask("list_tasks")
    assert not any("~/temporary" in note for note in answer["store"]["notes"])
    monkeypatch.setattr(store_notes, "DEFAULT_CACHE_DIR", cache.directory)
    calls: list[tuple[str, Json]] = [("list_tasks", {}), ("get_task", {"task_id": "task-000001"})]
    for tool, arguments in calls:
        text, answer = await cache.ask(tool, **arguments)
        (note,) = [note for note in answer["store"]["notes"] if "~/temporary" in note]
        assert note.startswith("uniqc has also kept tasks in ~/temporary/uniqc/cache/tasks.sqlite")
        assert note in text
        assert str(home) not in text
    fallback_file.unlink()
    _, answer = await cache.ask("get_task", task_id="task-000001")
    assert answer["store"]["notes"] == []


async def test_an_unreadable_temporary_directory_prevents_no_answer(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A path that is too long fails even for root, who could enter another user's directory.
    monkeypatch.setattr(tempfile, "tempdir", "/" + "x" * 5_000)
    monkeypatch.setattr(store_notes, "DEFAULT_CACHE_DIR", cache.directory)
    _, answer = await cache.write({}).ask("list_tasks", status="any")
    assert answer["total"] == 1


# count_tasks


@pytest.mark.parametrize(
    ("group_by", "groups", "lines"),
    [
        ("none", [], []),
        ("status", [("running", "", 2), ("failed", "", 1)], ["- running: 2", "- failed: 1"]),
        ("backend", [("", "ibm", 2), ("", "quark", 1)], ["- ibm: 2", "- quark: 1"]),
        (
            "status_backend",
            [("failed", "ibm", 1), ("running", "ibm", 1), ("running", "quark", 1)],
            ["- failed on ibm: 1", "- running on ibm: 1", "- running on quark: 1"],
        ),
    ],
)
async def test_tasks_are_counted_by_the_requested_groups(
    cache: Cache, group_by: str, groups: list[tuple[str, str, int]], lines: list[str]
) -> None:
    cache.write(
        {"status": "running", "backend": "ibm"},
        {"status": "running", "backend": "quark"},
        {"status": "failed", "backend": "ibm"},
    )
    text, answer = await cache.ask("count_tasks", group_by=group_by)
    assert answer["total"] == 3
    counted = [(group["status"], group["backend"], group["count"]) for group in answer["groups"]]
    assert counted == groups
    assert text.splitlines()[0].startswith("3 tasks. Read ")
    assert text.splitlines()[1:] == lines


async def test_groups_beyond_the_limit_are_counted_in_a_note(cache: Cache) -> None:
    cache.write({"status": "b"}, *({"status": f"a{number:03}"} for number in range(149)), {})
    text, answer = await cache.ask("count_tasks", backend="originq")
    assert (answer["total"], len(answer["groups"])) == (151, MAX_GROUPS)
    note = "51 smaller groups are not shown; 51 tasks are in them."
    assert answer["store"]["notes"] == [note]
    assert note in text
    stored = json.loads(await cache.read("uniqc://store"))
    assert stored["total"] == 151
    assert note in stored["store"]["notes"]


# get_task. test_lookup tests how an id is found, test_task_detail what results look like.


async def test_long_ids_names_and_labels_are_cut(cache: Cache) -> None:
    long = "x" * 400
    cache.write(
        {
            "task_id": long,
            "backend": long,
            "status": long,
            "metadata_json": json.dumps({"task_name": long}),
        },
        version=5,
    )
    _, listed = await cache.ask("list_tasks")
    (task,) = listed["tasks"]
    lengths = {field: len(task[field]) for field in ("task_id", "name", "backend", "status")}
    assert lengths == {"task_id": 256, "name": 120, "backend": 120, "status": 60}
    _, counted = await cache.ask("count_tasks", group_by="status_backend")
    (group,) = counted["groups"]
    assert (len(group["status"]), len(group["backend"])) == (60, 120)


async def test_a_failed_task_without_an_error_says_so(cache: Cache) -> None:
    cache.write({"status": "failed"}, {"status": "failed", "result_json": "{}"})
    for task_id in ("task-000001", "task-000002"):
        text, answer = await cache.ask("get_task", task_id=task_id)
        assert answer["task"]["error"] == ""
        assert "error: none recorded" in text


async def test_a_success_without_a_result_says_so(cache: Cache) -> None:
    text, answer = await cache.write({}).ask("get_task", task_id="task-000001")
    assert "result" not in answer["task"]
    assert "result: none stored" in text


async def test_platform_jobs_are_listed_one_by_one(cache: Cache) -> None:
    cache.copy("5-0.1.0.sqlite")
    _, answer = await cache.ask("get_task", task_id="uqt_4afc6df4c8994bb4aac33dd198cd1e9e")
    assert [shard["index"] for shard in answer["task"]["shards"]] == [0, 1, 2, 3, 4]
    text, answer = await cache.ask("get_task", task_id="uqt_c47e804775a64c05b791613bbc53cbb0")
    for shard in answer["task"]["shards"]:
        place = f"job {shard['index'] + 1} of 5"
        line = f"{place}: {shard['status']} on tianyan:tianyan176, 1 circuit, "
        assert f"{line}platform id {shard['platform_task_id']}" in text


async def test_platform_jobs_beyond_the_limit_are_counted_in_a_note(cache: Cache) -> None:
    cache.write(
        {},
        version=5,
        script="""
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)
            INSERT INTO task_shards SELECT 'task-000001', i, 'job-' || i, 'originq:WK_C180', 1, i,
                iif(i = 1000, 'failed', 'success'), NULL, NULL, '', '' FROM n;
        """,
    )
    text, answer = await cache.ask("get_task", task_id="task-000001")
    assert len(answer["task"]["shards"]) == MAX_SHARDS
    note = '1950 more platform jobs are not shown: 1949 "success", 1 "failed".'
    assert answer["store"]["notes"] == [note]
    assert note in text
    assert len(text) < 10_000


async def test_a_call_of_an_unknown_tool_is_refused(cache: Cache) -> None:
    assert (await cache.refusal("drop_tasks", {})).startswith(
        'There is no tool "drop_tasks". Known are: list_tasks, get_task, '
    )


async def test_both_protocol_versions_get_the_same_answers(cache: Cache) -> None:
    cache.copy("5-0.1.0.sqlite")
    said: list[list[Any]] = []
    for era in ("auto", "legacy"):
        async with cache.client(era) as client:
            results = [
                await client.call_tool("list_tasks", {"status": "any", "limit": 100}),
                await client.call_tool("count_tasks", {"group_by": "status_backend"}),
                await client.call_tool("get_task", {"task_id": "job/with:odd id #1?x=%20"}),
                await client.call_tool("get_task", {}),
            ]
        said.append([(r.content, r.structured_content, r.is_error) for r in results])
        assert all(isinstance(result.content[0], TextContent) for result in results)
    assert said[0] == said[1]
