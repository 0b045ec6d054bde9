"""Calls of the read tools over stdio, compared with a stock server that returns constants."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure.ids import example_ids
from benchmarks.recording import OURS, Contender, Measurement, interleaved
from benchmarks.stdio_client import RawServer, call_line
from uniqc_store import DB_FILENAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.setting import Setting

GROUP = "calls"
CONSTANT = "constant, def tool"
CONSTANT_ASYNC = "constant, async def tool"
CONSTANT_TEXT = "constant, text alone, def tool"
REPLAY = "the same answer, def tool"
SQLITE_SERVER = "mcp-server-sqlite"
STILL_RUNNING = "list_tasks: what's still running"
COUNTED = "count_tasks by status and backend"

_CONSTANT_TOOLS = {
    CONSTANT: "def",
    CONSTANT_ASYNC: "async",
    CONSTANT_TEXT: "text",
    REPLAY: "replay",
}
CONSTANT_SERVER = Path(__file__).parents[1] / "constant_server.py"
_REPEATS, _SECONDS = 10, 4
"""Factors for calls and time, compared with stores in process: a 99th percentile needs hundreds."""

_COLUMNS = "task_id, backend, status, shots, submit_time, update_time, metadata_json, error_message"
ITS_QUERIES = {
    STILL_RUNNING: (
        f"SELECT {_COLUMNS}, (SELECT COUNT(*) FROM tasks WHERE status NOT IN "
        "('success', 'failed', 'cancelled')) AS total FROM tasks WHERE status NOT IN "
        "('success', 'failed', 'cancelled') ORDER BY submit_time DESC, rowid DESC LIMIT 20"
    ),
    COUNTED: "SELECT status, backend, COUNT(*) AS count FROM tasks GROUP BY status, backend",
}
"""The queries that a model would send to a general server for SQLite files."""


def measure(setting: Setting) -> list[Measurement]:
    """Measure every read tool at every size."""
    found: list[Measurement] = []
    for size, cache_dir in setting.caches().items():
        found += _at(setting, size, cache_dir)
    return found


def questions(cache_dir: Path, server: RawServer) -> dict[str, bytes]:
    """Return the calls as lines for the wire, by their names in the report."""
    succeeded: dict[str, object] = {"status": "success", "limit": 50}
    page = server.result(call_line("list_tasks", succeeded))
    later = {**succeeded, "cursor": page["structuredContent"]["next_cursor"]}
    named = {"status": "any", "name_contains": "figure"}
    calls: dict[str, tuple[str, Mapping[str, object]]] = {
        STILL_RUNNING: ("list_tasks", {}),
        "list_tasks: 50 that succeeded": ("list_tasks", succeeded),
        "list_tasks: the next 50": ("list_tasks", later),
        "list_tasks: failed on a platform": (
            "list_tasks",
            {"status": "failed", "backend": "originq"},
        ),
        "list_tasks: by part of a name": ("list_tasks", named),
        "count_tasks by status": ("count_tasks", {}),
        COUNTED: ("count_tasks", {"group_by": "status_backend"}),
        **{
            f"get_task by {kind}": ("get_task", {"task_id": task_id})
            for kind, task_id in example_ids(cache_dir).items()
        },
    }
    return {words: call_line(tool, arguments) for words, (tool, arguments) in calls.items()}


def recorded_answer(name: str, answer: bytes) -> dict[str, object]:
    """Return the input of the constant server for one answer."""
    message: dict[str, Any] = json.loads(answer)
    result: dict[str, Any] = message["result"]
    empty: dict[str, Any] = {"content": [], "structuredContent": {}}
    around = json.dumps({**message, "result": result | empty}, separators=(",", ":"))
    return {
        "name": name,
        "text": result["content"][0]["text"],
        "structure": result.get("structuredContent"),
        "size": len(answer.strip()) - len(around),
    }


def _at(setting: Setting, size: int, cache_dir: Path) -> Iterator[Measurement]:
    with ExitStack() as stack:
        ours = stack.enter_context(RawServer([setting.server, "--cache-dir", cache_dir]))
        ours.initialize()
        asked = questions(cache_dir, ours)
        names = {words: f"answer_{number}" for number, words in enumerate(asked)}
        answers = [recorded_answer(names[words], ours.exchange(asked[words])) for words in asked]
        constants = _constant_servers(setting, answers, stack)
        command = setting.environments.sqlite_server()
        theirs = stack.enter_context(RawServer([command, "--db-path", cache_dir / DB_FILENAME]))
        theirs.initialize()
        for words, line in asked.items():
            setting.tell(f"calls at {size} tasks: {words}")
            lines = {
                OURS: (ours, line),
                **{
                    who: (server, call_line(f"{_CONSTANT_TOOLS[who]}_{names[words]}", {}))
                    for who, server in constants.items()
                },
            }
            if words in ITS_QUERIES:
                query = call_line("read_query", {"query": ITS_QUERIES[words]})
                lines[SQLITE_SERVER] = (theirs, query)
            yield from _times(setting, words, size, lines)


def _times(
    setting: Setting, words: str, size: int, lines: Mapping[str, tuple[RawServer, bytes]]
) -> list[Measurement]:
    return interleaved(
        GROUP,
        [
            Contender(what=words, who=who, size=size, call=partial(server.exchange, line))
            for who, (server, line) in lines.items()
        ],
        repeats=setting.repeats * _REPEATS,
        seconds_each=setting.seconds_each * _SECONDS,
    )


def _constant_servers(
    setting: Setting, answers: list[dict[str, object]], stack: ExitStack
) -> dict[str, RawServer]:
    file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "answers.json"
    file.write_text(json.dumps(answers))
    # One server for each tool: several calls in a row would make a shared one faster.
    servers = {
        who: stack.enter_context(RawServer([setting.python, CONSTANT_SERVER, file]))
        for who in _CONSTANT_TOOLS
    }
    for server in servers.values():
        server.initialize()
    return servers
