"""Record the answers of the server to a handshake and to requests for its lists.

``python -m tests.record_opening`` writes ``server/uniqc_mcp/opening/recorded.json``.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import CLIENT_CAPABILITIES_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from uniqc_mcp import __version__
from uniqc_mcp.instructions import instructions
from uniqc_mcp.opening import recording
from uniqc_mcp.opening.recording import (
    CLEARS,
    INSTRUCTIONS,
    READS,
    SDK,
    STRUCTURED,
    TEXT,
    Recording,
    as_json,
)
from uniqc_mcp.protocol.jsonrpc import Unreadable, read_message, write_message
from uniqc_mcp.server import build_server, build_store
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_store import ClearPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_types.jsonrpc import JSONRPCMessage

    from uniqc_mcp.task_server import TaskServer

COMMAND: Final = "python -m tests.record_opening"
LISTS: Final = ("tools/list", "resources/list", "resources/templates/list", "prompts/list")
REVISIONS: Final = (*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS)
NOW: Final = datetime(2026, 8, 5, tzinfo=UTC)


def request(number: int | str, method: str, params: dict[str, Any]) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return json.dumps(message).encode()


def requests_of(revision: str) -> dict[str, bytes]:
    """Return the requests that are recorded, by method; the one that opens is the first."""
    if revision in MODERN_PROTOCOL_VERSIONS:
        meta: dict[str, object] = {
            PROTOCOL_VERSION_META_KEY: revision,
            CLIENT_CAPABILITIES_META_KEY: {},
        }
        methods = ("server/discover", *LISTS)
        return {method: request(method, method, {"_meta": meta}) for method in methods}
    client = {"name": "recorder", "version": "0"}
    opening = {"protocolVersion": revision, "capabilities": {}, "clientInfo": client}
    opened = {"initialize": request("initialize", "initialize", opening)}
    return opened | {method: request(method, method, {}) for method in (*LISTS, "ping")}


def server_with(settings: Settings) -> TaskServer:
    """Return a server whose clock stands still."""
    return build_server(build_store(settings), settings, clock=lambda: NOW)


async def live_answers(server: TaskServer, lines: Sequence[bytes]) -> list[bytes]:
    """Return the lines with which the server answers these messages on a new connection.

    Each request is answered before the next message is sent. A notification has no answer.
    """
    lowlevel = server._lowlevel_server  # pyright: ignore[reportPrivateUsage]
    into, requests = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    answers, out_of = anyio.create_memory_object_stream[SessionMessage](1)
    found: list[bytes] = []
    async with anyio.create_task_group() as serving:
        options = lowlevel.create_initialization_options()
        serving.start_soon(lowlevel.run, requests, answers, options)
        for line in lines:
            await into.send(SessionMessage(readable(line)))
            if b'"id"' in line:
                found.append(write_message((await out_of.receive()).message))
        await into.aclose()
    await out_of.aclose()
    return found


def readable(line: bytes) -> JSONRPCMessage:
    message = read_message(line)
    assert not isinstance(message, Unreadable), line
    return message


async def live_results(settings: Settings, revision: str) -> dict[str, str]:
    """Return the results of a server at a revision as they stand on the wire, by method."""
    requests = requests_of(revision)
    lines = await live_answers(server_with(settings), list(requests.values()))
    results: dict[str, str] = {}
    for method, line in zip(requests, lines, strict=True):
        before = f'{{"jsonrpc":"2.0","id":"{method}","result":'
        text = line.decode()
        assert text.startswith(before), text
        results[method] = text.removeprefix(before).removesuffix("}\n")
    return results


async def form_of_call(revision: str) -> dict[str, Any]:
    """Return the result of a call at a revision, with names in place of the answer's parts."""
    requests = requests_of(revision)
    opening = next(iter(requests.values()))
    params = {"name": "count_tasks", "arguments": {}} | json.loads(requests["tools/list"])["params"]
    lines = [opening, request("call", "tools/call", params)]
    _, line = await live_answers(server_with(Settings()), lines)
    form: dict[str, Any] = json.loads(line)["result"]
    (content,) = form["content"]
    content["text"] = TEXT
    if "structuredContent" in form:
        form["structuredContent"] = STRUCTURED
    return form


async def record() -> Recording:
    """Return a recording of the server as it is."""
    clearing = ClearSettings(policy=ClearPolicy())
    results: dict[str, tuple[int, object]] = {}
    answers: dict[str, dict[str, dict[str, int]]] = {}
    for mode, settings in ((READS, Settings()), (CLEARS, Settings(clearing=clearing))):
        told = instructions(settings.clearing, NOW)
        answers[mode] = {}
        for revision in REVISIONS:
            indices: dict[str, int] = {}
            for method, text in (await live_results(settings, revision)).items():
                result = json.loads(text)
                if "instructions" in result:
                    assert result["instructions"] == told
                    result["instructions"] = INSTRUCTIONS
                known = results.setdefault(as_json(result), (len(results), result))
                indices[method] = known[0]
            answers[mode][revision] = indices
    calls = {revision: await form_of_call(revision) for revision in REVISIONS}
    for form in calls.values():
        results.setdefault(as_json(form), (len(results), form))
    versions = {"uniqc-mcp": __version__} | {package: version(package) for package in SDK}
    return {
        "versions": versions,
        "answers": answers,
        "calls": {revision: results[as_json(form)][0] for revision, form in calls.items()},
        "results": [each for _, each in results.values()],
    }


def main() -> None:
    recorded = anyio.run(record)
    text = json.dumps(recorded, ensure_ascii=False, indent=1)
    recording.FILE.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
