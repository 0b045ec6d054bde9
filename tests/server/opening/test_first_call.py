"""A first call is answered without the SDK as the server would answer it, byte for byte."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.record_opening import NOW, REVISIONS, live_answers, server_with
from tests.server.opening.test_conversation import (
    CAPABILITIES,
    INITIALIZED,
    JSON,
    MODERN,
    VERSION,
    Message,
    as_line,
    enveloped,
    handshake,
    name_of,
    request,
)

from uniqc_mcp.cli.deferred import FirstCall
from uniqc_mcp.cli.first_call import FIRST_TOOLS, answer_first_call
from uniqc_mcp.opening.conversation import Conversation
from uniqc_mcp.opening.recording import RecordedAnswers, read_recording
from uniqc_mcp.server import build_store
from uniqc_mcp.settings import Settings
from uniqc_mcp.tool_registry import READ_TOOLS
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from tests.server.conftest import Cache

    from uniqc_mcp.task_server import TaskServer

TASKS: list[dict[str, object]] = [
    {"task_id": "running", "status": "running", "metadata_json": '{"task_name": "VQE ä \\"1\\""}'},
    {
        "task_id": "finished-1",
        "status": "success",
        "result_json": json.dumps({"counts": {"0": 999_999, "1": 1}}),
    },
    {"task_id": "failed-1", "status": "failed", "backend": "a:b", "metadata_json": "{"},
]


def store_of(cache: Cache) -> TaskStore:
    return TaskStore(cache.directory, read_only=True)


def conversation(config: Settings) -> Conversation:
    recorded = RecordedAnswers(read_recording(), config, lambda: NOW)
    store = TaskStore(config.cache_dir, read_only=True)
    return Conversation(recorded, functools.partial(answer_first_call, store, clock=lambda: NOW))


def call(name: object = "list_tasks", arguments: object = None, **params: object) -> Message:
    given = {} if arguments is None else {"arguments": arguments}
    return request("tools/call", {"name": name, **given, **params}, "call")


def opened_by(revision: str, asked: Message) -> list[Message]:
    """Return a call with what comes before it at this revision."""
    if revision != MODERN:
        return [handshake(protocolVersion=revision), INITIALIZED, asked]
    meta: Message = {VERSION: MODERN, CAPABILITIES: {}, **asked["params"].get("_meta", {})}
    return [
        enveloped("server/discover"),
        {**asked, "params": {**asked["params"], "_meta": meta}},
    ]


async def is_answered(cache: Cache, *talk: object, server: TaskServer | None = None) -> bool:
    """Return whether the last message is answered, once its answer is seen to be the server's."""
    config = Settings(cache_dir=cache.directory)
    opening = conversation(config)
    *before, answer = [opening.answer(line) for line in map(as_line, talk)]
    assert None not in before
    if answer is None:
        return False
    # Its first read too: a server remembers that it has seen a file.
    live = await live_answers(server or server_with(config), [*map(as_line, talk)])
    assert live[-1] == answer
    return True


@pytest.fixture
def served(cache: Cache) -> TaskServer:
    cache.write(*TASKS)
    return server_with(Settings(cache_dir=cache.directory))


CALLS: list[Message] = [
    call(),
    call(arguments={}),
    call(arguments={"status": ["any"], "limit": 2}),
    call(arguments={"status": "failed", "limit": "1", "cursor": "", "backend": None}),
    call("list_tasks", {"name_contains": "vqe", "toolCallId": "x", "order": "updated"}),
    call("count_tasks", {"group_by": "status_backend", "archived": "include"}),
    call("summarize_tasks", {"group_by": ["status", "error"]}),
    call("get_task", {"task_id": "finished-1", "outcomes": 5}),
    call("get_task", {"task_id": "failed-1", "include": "circuit"}),
    call(_meta={"progressToken": "p", "claudecode/toolUseId": "toolu_1", "vendor": {"a": [1]}}),
]


@pytest.mark.parametrize("asked", CALLS, ids=name_of)
async def test_a_first_call_is_answered_as_the_server_answers_it(
    cache: Cache, served: TaskServer, asked: Message
) -> None:
    for revision in REVISIONS:
        assert await is_answered(cache, *opened_by(revision, asked), server=served)


async def test_it_is_answered_where_there_is_no_file(cache: Cache) -> None:
    assert await is_answered(cache, *opened_by("2025-06-18", call("count_tasks")))


async def test_it_is_answered_from_the_files_of_real_releases(real_cache: Cache) -> None:
    asked = call(arguments={"status": ["any"], "archived": "include"})
    assert await is_answered(real_cache, *opened_by("2025-06-18", asked))


LEFT: list[Message] = [
    call("wait_for_tasks", {}),
    call("list_cleared", {}),
    call("nonsense", {}),
    call(None),
    call(arguments=[]),
    call(arguments={"nonsense": 1}),
    call(arguments={"limit": 0}),
    call(arguments={"limit": 5.0}),
    call(arguments={"status": '["any"]'}),
    call(arguments={"backend": " null"}),
    call(arguments={"cursor": "nonsense"}),
    call(arguments={"submitted_after": "nonsense"}),
    call("get_task", {}),
    call("get_task", {"task_id": "there is none"}),
    call("get_task", {"task_id": "finished-1", "include": ["plot"]}),
    call(_meta={"progressToken": True}),
    call(_meta={"traceparent": "00-1-1-01"}),
    call(_meta={VERSION: "2025-06-18"}),
    call(_meta=5),
    call(task={}),
]


@pytest.mark.parametrize("asked", LEFT, ids=name_of)
async def test_any_other_call_is_left_to_the_server(cache: Cache, asked: Message) -> None:
    cache.write(*TASKS)
    assert not await is_answered(cache, *opened_by("2025-06-18", asked))


async def test_a_call_of_another_revision_than_the_opening_is_left_to_the_server(
    cache: Cache,
) -> None:
    meta: Message = {VERSION: "2025-06-18", CAPABILITIES: {}}
    assert not await is_answered(cache, enveloped("server/discover"), call(_meta=meta))
    assert not await is_answered(cache, enveloped("server/discover"), call())


async def test_a_call_before_the_end_of_the_handshake_is_left_to_the_server(cache: Cache) -> None:
    assert not await is_answered(cache, handshake(), call())
    assert not await is_answered(cache, call())


async def test_a_second_call_is_left_to_the_server(cache: Cache) -> None:
    talk = conversation(Settings(cache_dir=cache.directory))
    for line in (handshake(), INITIALIZED, call()):
        assert talk.answer(as_line(line)) is not None
    assert talk.has_called
    assert talk.answer(as_line(call())) is None


def test_a_long_read_is_left_to_the_server(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write(*({"status": "failed"} for _ in range(3_000)))
    search = {"status": ["any"], "name_contains": "absent"}
    assert answer_first_call(store_of(cache), "list_tasks", search) is not None
    monkeypatch.setattr("uniqc_mcp.cli.first_call._MAX_MILLISECONDS", 1)
    assert answer_first_call(store_of(cache), "list_tasks", search) is None


def test_a_damaged_store_is_left_to_the_server(cache: Cache) -> None:
    cache.path.write_bytes(b"SQLite format 3\0" + bytes(5_000))
    assert answer_first_call(store_of(cache), "list_tasks", {}) is None


def test_the_server_goes_on_with_the_store_of_the_first_call(cache: Cache) -> None:
    cache.write(*TASKS)
    config = Settings(cache_dir=cache.directory)
    first_call = FirstCall(config)
    assert first_call.store is None
    assert first_call("list_tasks", {}) is not None
    store = build_store(config, first_call.store)
    cache.path.unlink()
    assert store.read(lambda snapshot: snapshot.state.vanished)
    assert not build_store(config).read(lambda snapshot: snapshot.state.vanished)


def test_only_tools_that_read_the_store_are_answered() -> None:
    reading = {
        spec.name
        for spec in READ_TOOLS
        if not (spec.waits or spec.compares or spec.reads_copies or spec.writes)
    }
    assert reading == FIRST_TOOLS


def test_a_first_call_loads_no_sdk(cache: Cache) -> None:
    cache.write(*TASKS)
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from uniqc_mcp.cli.deferred import FirstCall\n"
        "from uniqc_mcp.settings import Settings\n"
        "assert FirstCall(Settings(cache_dir=Path(sys.argv[1])))('list_tasks', {})\n"
        "print(*{'mcp', 'mcp_types', 'anyio', 'asyncio'} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", code, str(cache.directory)]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "\n"


NAMES = st.sampled_from(
    ["status", "limit", "cursor", "backend", "order", "archived", "name_contains", "nonsense"]
)
VALUES = st.sampled_from(["any", "failed", "newest", "", "[]", "null", "exclude", "vqe", 1, "2"])
META = st.dictionaries(st.sampled_from(["progressToken", "x", "baggage"]), JSON, max_size=2)


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=40,
)
@given(
    arguments=st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=2) | JSON, max_size=3),
    meta=META,
)
async def test_the_server_answers_the_same_to_all_arguments_that_are_answered(
    cache: Cache, served: TaskServer, arguments: dict[str, Any], meta: dict[str, Any]
) -> None:
    asked = call("list_tasks", arguments, _meta=meta)
    for revision in ("2025-06-18", MODERN):
        await is_answered(cache, *opened_by(revision, asked), server=served)
