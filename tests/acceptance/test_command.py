"""The installed command, as a client uses it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import TextContent, TextResourceContents

from uniqc_mcp.resources import RESOURCES
from uniqc_mcp.tool_registry import READ_TOOLS

if TYPE_CHECKING:
    from tests.acceptance.conftest import RawServer

MODES = ("auto", "legacy", "2026-07-28")
TASKS = 83
"""The number of tasks in the cache, from its manifest."""


@pytest.fixture(params=["recorded", "eager"])
def command(request: pytest.FixtureRequest, command: str, tmp_path_factory: Any) -> str:
    """Return the command as it starts by default, and one that loads the server at the start."""
    if request.param == "recorded":
        return command
    if sys.platform == "win32":
        pytest.skip("Windows has no other start")
    script: Path = tmp_path_factory.mktemp("eager") / "uniqc-mcp"
    script.write_text(f'#!/bin/sh\nUNIQC_MCP_EAGER=1 exec {command} "$@"\n')
    script.chmod(0o755)
    return str(script)


def connect(command: str, cache_dir: Path, mode: str) -> Client:
    server = StdioServerParameters(command=command, args=["--cache-dir", str(cache_dir)])
    return Client(stdio_client(server), mode=mode)


@pytest.mark.parametrize("mode", MODES)
async def test_the_sdks_client_lists_and_calls_everything(
    command: str, cache_dir: Path, mode: str
) -> None:
    async with connect(command, cache_dir, mode) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert tools == [spec.name for spec in READ_TOOLS]

        listed = await client.call_tool("list_tasks", {"status": "any", "limit": 2})
        assert listed.structured_content is not None
        task, other = listed.structured_content["tasks"]
        assert listed.structured_content["total"] == TASKS
        got = await client.call_tool("get_task", {"task_id": task["task_id"]})
        counted = await client.call_tool("count_tasks", {"group_by": "status_backend"})
        waited = await client.call_tool("wait_for_tasks", {"task_ids": [task["task_id"]]})
        assert not any(answer.is_error for answer in (listed, got, counted, waited))
        for answer in (listed, got):
            (text,) = answer.content
            assert isinstance(text, TextContent)
            assert task["task_id"] in text.text

        for prompt in (await client.list_prompts()).prompts:
            ids = {"task_id": task["task_id"], "other_task_id": other["task_id"]}
            arguments = {argument.name: ids[argument.name] for argument in prompt.arguments or ()}
            assert (await client.get_prompt(prompt.name, arguments)).messages

        resources = [resource.uri for resource in (await client.list_resources()).resources]
        templates = (await client.list_resource_templates()).resource_templates
        assert len(templates) == sum("{" in spec.uri for spec in RESOURCES)
        uri = f"uniqc://task/{task['task_id']}"
        for address in (
            *resources,
            uri,
            f"{uri}/result",
            f"{uri}/circuit",
            "uniqc://tasks?limit=2",
        ):
            (content,) = (await client.read_resource(address)).contents
            assert isinstance(content, TextResourceContents)
            if address.startswith("ui://"):
                assert content.text.startswith("<!doctype html>")
            else:
                json.loads(content.text)


@pytest.mark.parametrize("mode", MODES)
async def test_a_missing_cache_is_served_as_missing(
    command: str, tmp_path: Path, mode: str
) -> None:
    async with connect(command, tmp_path / "nowhere", mode) as client:
        answer = await client.call_tool("count_tasks", {})
    assert answer.structured_content is not None
    assert answer.structured_content["total"] == 0
    assert answer.structured_content["store"]["exists"] is False
    assert "there is no directory of that name" in str(answer.content)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_raw_lines_of_each_older_revision_are_answered(
    raw_server: RawServer, revision: str
) -> None:
    initialized = raw_server.initialize(revision)
    assert initialized["protocolVersion"] == revision
    assert initialized["serverInfo"]["name"] == "uniqc-mcp"
    assert initialized["instructions"]
    answer = raw_server.ask(1, "tools/call", name="count_tasks", arguments={})
    assert answer["result"]["structuredContent"]["total"] == TASKS


def test_only_capabilities_that_work_are_advertised(raw_server: RawServer) -> None:
    capabilities = raw_server.initialize()["capabilities"]
    assert capabilities["resources"]["subscribe"]
    assert not capabilities["resources"].get("listChanged")
    assert not capabilities["tools"].get("listChanged")
    assert "completions" in capabilities
    assert "logging" not in capabilities


def test_two_hundred_calls_in_flight_are_all_answered(raw_server: RawServer) -> None:
    raw_server.initialize()
    raw_server.send(
        *(
            {
                "jsonrpc": "2.0",
                "id": number,
                "method": "tools/call",
                "params": {
                    "name": "list_tasks",
                    "arguments": {"status": "any", "limit": 1 + number % 3},
                },
            }
            for number in range(1, 201)
        )
    )
    answers = [raw_server.receive() for _ in range(200)]
    assert {answer["id"] for answer in answers} == set(range(1, 201))
    for answer in answers:
        assert answer["result"]["structuredContent"]["shown"] == 1 + answer["id"] % 3


def test_a_line_that_is_not_a_message_gets_a_json_rpc_error(raw_server: RawServer) -> None:
    raw_server.initialize()
    raw_server.send("{nonsense", "[]", '"text"')
    codes = [raw_server.receive()["error"]["code"] for _ in range(3)]
    assert codes == [-32700, -32600, -32600]
    assert raw_server.ask(1, "ping")["result"] == {}


PATIENT = """
from uniqc_mcp.cli.commands import main
from uniqc_mcp.protocol import stdio_streams
stdio_streams._GRACE_SECONDS = 100
main()
"""
"""The command with a long time to answer after the end of stdin, for a busy machine."""


def test_all_piped_requests_are_answered_before_the_command_exits(cache_dir: Path) -> None:
    lines: list[dict[str, Any]] = [
        {
            "jsonrpc": "2.0",
            "id": 0,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "a pipe", "version": "0"},
            },
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "list_tasks", "arguments": {}},
        },
    ]
    finished = subprocess.run(
        [sys.executable, "-c", PATIENT, "--cache-dir", str(cache_dir)],
        input="\n".join(map(json.dumps, lines)),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [json.loads(line)["id"] for line in finished.stdout.splitlines()] == [0, 1]
    assert finished.stderr == ""


@pytest.fixture
def slow_query(cache_dir: Path) -> dict[str, Any]:
    """Return a call that keeps SQLite busy for seconds, as it parses the metadata of many tasks.

    The text stands in all of them, and in no name.
    """
    with closing(sqlite3.connect(cache_dir / "tasks.sqlite")) as connection, connection:
        connection.execute(
            """
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers
                                          WHERE n < 400000)
            INSERT INTO tasks SELECT 'slow-' || n, 'dummy', 'success', 1, '2026-01-01T00:00:00Z',
                '2026-01-01T00:00:00Z', NULL, '{"task_name": "slow", "note": "no such name"}', NULL
            FROM numbers
            """
        )
    return {"name": "count_tasks", "arguments": {"name_contains": "no such name"}}


def start_query(server: RawServer, cache_dir: Path, query: dict[str, Any]) -> None:
    """Send a call with the number 1, and return once its query runs on a worker thread.

    The command has the file open during a query only. The first time may be the short try on the
    event loop, which is over when a ping is answered.
    """
    server.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": query})
    file = str(cache_dir / "tasks.sqlite")
    for number in (2, 3):
        deadline = monotonic() + 120
        while file not in open_files(server.process.pid):
            assert monotonic() < deadline, "the query was never started"
        server.ask(number, "ping")
    assert file in open_files(server.process.pid), "the query was too short"


def open_files(pid: int) -> set[str]:
    found: set[str] = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.add(str(descriptor.readlink()))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_cleanly_while_a_query_runs(
    raw_server: RawServer, cache_dir: Path, slow_query: dict[str, Any], number: signal.Signals
) -> None:
    raw_server.initialize()
    start_query(raw_server, cache_dir, slow_query)
    os.kill(raw_server.process.pid, number)
    out, err = raw_server.close()
    assert raw_server.process.returncode == 0
    assert "The query was stopped before it was done." in out
    assert "Traceback" not in err


def test_the_end_of_stdin_ends_the_command_cleanly_while_a_query_runs(
    raw_server: RawServer, cache_dir: Path, slow_query: dict[str, Any]
) -> None:
    raw_server.initialize()
    start_query(raw_server, cache_dir, slow_query)
    out, err = raw_server.close()
    assert raw_server.process.returncode == 0
    assert "The query was stopped before it was done." in out
    assert "Traceback" not in err


def test_stdout_carries_only_the_protocol(command: str, cache_dir: Path) -> None:
    finished = subprocess.run(
        [command, "--cache-dir", str(cache_dir), "--log-level", "debug"],
        input='{"jsonrpc":"2.0","id":1,"method":"ping"}\n',
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [json.loads(line)["jsonrpc"] for line in finished.stdout.splitlines()] == ["2.0"]


def test_serving_changes_nothing_in_the_directory(raw_server: RawServer, cache_dir: Path) -> None:
    file = cache_dir / "tasks.sqlite"
    os.utime(file, (1_750_000_000.5, 1_750_000_000.5))
    before = file.read_bytes()
    raw_server.initialize()
    for number, tool in enumerate(("list_tasks", "count_tasks"), start=1):
        raw_server.ask(number, "tools/call", name=tool, arguments={})
    raw_server.ask(3, "resources/read", uri="uniqc://store")
    raw_server.close()
    assert file.read_bytes() == before
    assert [entry.name for entry in cache_dir.iterdir()] == ["tasks.sqlite"]


def test_a_demo_ends_quietly_when_its_stdout_is_closed(command: str) -> None:
    with subprocess.Popen(
        [command, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        assert demo.stdout.readline()
        demo.stdout.close()
        assert demo.stderr.read() == ""
    assert demo.returncode == 0
