"""Wrong arguments of every tool and prompt: the message says what is allowed, in plain words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from uniqc_mcp.argument_errors import explain_unknown, nearest_name
from uniqc_mcp.prompts import PROMPTS
from uniqc_mcp.server import build_server
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_mcp.tool_registry import TOOLS
from uniqc_store import ClearPolicy

if TYPE_CHECKING:
    from tests.server.conftest import Cache

    from uniqc_mcp.task_server import TaskServer

PYTHON: Final = re.compile(
    r"\b(None|NoneType|str|int|float|bool|dict|tuple|Sequence|Literal|True|False|pydantic|unicode)\b"
    r"|<class|\bctx\b|input_type|validation error|surrogates not allowed"
)
"""Words that only a Python programmer knows."""

WRONG: Final[list[Any]] = [
    *(None, True, False, 0, -1, 5, 5.5, 10**30, 1e300, "nonsense", "x" * 5_000),
    *([], [5], [None], [["x"]], {}, {"a": 1}),
]


TOLD_BY_VALUE: Final = ("task_id", "task_ids", "plan_id", "receipt", "cursor")
"""Arguments that a message may tell by what they should lead to, such as the id of no task."""

REQUIRED: Final = {"get_task": {"task_id": "task-000001"}, "undo_clear": {"receipt": "clr_x"}}


@pytest.fixture(scope="module")
def cache(module_cache: Cache) -> Cache:
    return module_cache.write({"status": "success"}, {"status": "success"})


@pytest.fixture
def server(cache: Cache) -> TaskServer:
    """Return a server with every tool."""
    clearing = ClearSettings(policy=ClearPolicy(statuses=("success",)), confirm="plan")
    settings = Settings(cache_dir=cache.directory, clearing=clearing)
    return build_server(cache.store, settings, clock=lambda: cache.now)


def check_plain(text: str) -> None:
    assert text
    assert len(text) < 2_000
    assert not PYTHON.search(text), text


async def test_no_message_on_any_argument_of_any_tool_speaks_python(
    cache: Cache, server: TaskServer
) -> None:
    refused = 0
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == [spec.name for spec in TOOLS]
        for tool in tools:
            for name in [*tool.input_schema["properties"], "unknown_name"]:
                for value in WRONG:
                    arguments = {**REQUIRED.get(tool.name, {}), name: value}
                    result = await client.call_tool(tool.name, arguments)
                    if result.is_error:
                        refused += 1
                        text = cache.text(result)
                        check_plain(text)
                        # The receipt is wrong too, and told first where the value is not.
                        told = name in text or "'clr_x'" in text
                        assert told or name in TOLD_BY_VALUE
    assert refused > len(WRONG) * len(TOOLS)


async def test_no_message_of_two_wrong_arguments_speaks_python(cache: Cache) -> None:
    async with cache.client() as client:
        for value in WRONG:
            arguments = {"limit": value, "backend": value, "status": value, "x": value}
            result = await client.call_tool("list_tasks", arguments)
            assert result.is_error
            check_plain(cache.text(result))


@pytest.mark.parametrize("empty", ["", None])
async def test_an_empty_optional_argument_is_not_given(
    cache: Cache, server: TaskServer, empty: str | None
) -> None:
    async with Client(server) as client:
        for tool in (await client.list_tools()).tools:
            required = REQUIRED.get(tool.name, {})
            optional = {
                name: empty for name in tool.input_schema["properties"] if name not in required
            }
            answers = [
                await client.call_tool(tool.name, arguments)
                for arguments in (required, {**required, **optional})
            ]
            texts = [re.sub("plan_[a-zA-Z0-9_-]+", "", cache.text(one)) for one in answers]
            cursor = re.compile(r"cursor(=|: )\S+")  # of a wait; it has the time
            assert cursor.sub("", texts[0]) == cursor.sub("", texts[1])
            assert answers[0].is_error == answers[1].is_error


@pytest.mark.parametrize("word", ["total", "none"])
async def test_a_count_need_not_be_grouped(cache: Cache, word: str) -> None:
    _, answer = await cache.ask("count_tasks", group_by=word)
    assert (answer["total"], answer["groups"]) == (2, [])


async def test_none_is_no_word_of_the_schema(cache: Cache) -> None:
    async with cache.client() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    words = tools["count_tasks"].input_schema["properties"]["group_by"]["enum"]
    assert words == ["total", "status", "backend", "status_backend"]


# Suggestions


NAMES = (
    *("status", "backend", "submitted_after", "submitted_before", "name_contains", "limit"),
    *("cursor", "group_by", "task_ids", "timeout_seconds", "plan_id", "older_than", "outcomes"),
)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("statuss", "status"),
        ("Status", "status"),
        ("state", "status"),
        ("Limit", "limit"),
        ("imit", "limit"),
        ("limits", "limit"),
        ("group", "group_by"),
        ("groupBy", "group_by"),
        ("by", "group_by"),
        ("task_id", "task_ids"),
        ("taskIds", "task_ids"),
        ("ids", "task_ids"),
        ("submited_after", "submitted_after"),
        ("submittedBefore", "submitted_before"),
        ("before", "submitted_before"),
        ("timeout", "timeout_seconds"),
        ("name", "name_contains"),
        ("outcome", "outcomes"),
        ("plan", "plan_id"),
    ],
)
def test_a_slip_and_a_part_of_a_name_are_recognised(given: str, meant: str) -> None:
    assert nearest_name(given, NAMES) == meant


@pytest.mark.parametrize(
    "given",
    [
        *("sort", "sort_by", "order_by", "error_contains", "updated_after", "filter", "shots"),
        *(
            "page",
            "offset",
            "query",
            "max_results",
            "archived",
            "fields",
            "",
            "_",
            "\u9f98",
            "x" * 10**6,
        ),
        *("status_backend", "created_after", "job_id", "metadata", "platform", "count", "format"),
    ],
)
def test_a_name_for_something_else_gets_no_suggestion(given: str) -> None:
    assert nearest_name(given, NAMES) is None


@given(name=st.sampled_from(NAMES), data=st.data())
def test_a_name_without_one_letter_is_recognised(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(name) - 1))
    given_name = name[:place] + name[place + 1 :]
    assert nearest_name(given_name, NAMES) in (name, None)
    if len(name) >= 8:
        assert nearest_name(given_name, [name]) == name


@given(given_name=st.text())
def test_a_message_on_an_unknown_name_is_short_and_names_all_known(given_name: str) -> None:
    text = explain_unknown(given_name, NAMES)
    assert len(text) < 600
    assert all(name in text for name in NAMES)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("list_task", "list_tasks"),
        ("listTasks", "list_tasks"),
        ("get_tasks", "get_task"),
        ("wait", "wait_for_tasks"),
        ("count", "count_tasks"),
    ],
)
async def test_an_unknown_tool_is_refused_with_the_nearest(
    cache: Cache, given: str, meant: str
) -> None:
    text = await cache.refusal(given, {})
    assert f'There is no tool "{given}". Did you mean {meant}? Known are: list_tasks, ' in text


async def test_a_tool_that_is_nothing_like_any_is_refused_without_a_guess(cache: Cache) -> None:
    text = await cache.refusal("delete_everything", {})
    assert text.startswith('There is no tool "delete_everything". Known are: list_tasks, ')


async def test_no_prompt_and_no_resource_has_the_name_of_a_tool(server: TaskServer) -> None:
    async with Client(server) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
        resources = {one.name for one in (await client.list_resources()).resources}
        templates = {
            one.name for one in (await client.list_resource_templates()).resource_templates
        }
    assert tools == {spec.name for spec in TOOLS}
    assert prompts == {spec.name for spec in PROMPTS}
    assert len(resources | templates) == len(resources) + len(templates) > 0
    assert not tools & (prompts | resources | templates)
    assert not prompts & (resources | templates)


# Parameters that the SDK itself would refuse without a reason


MALFORMED: Final[list[tuple[str, dict[str, Any], str]]] = [
    (
        "prompts/get",
        {"name": "why_did_it_fail", "arguments": {"task_id": 5}},
        '"task_id" must be a text, not 5.',
    ),
    (
        "prompts/get",
        {"name": "why_did_it_fail", "arguments": {"task_id": None}},
        "The argument task_id is required.",
    ),
    (
        "prompts/get",
        {"name": "why_did_it_fail", "arguments": {"task_id": {}}},
        '"task_id" must be a text, not {}.',
    ),
    (
        "prompts/get",
        {"name": "why_did_it_fail", "arguments": [1]},
        "arguments must be an object such as {}",
    ),
    (
        "prompts/get",
        {"name": "why_did_it_fail", "arguments": {"taskid": "x"}},
        "Did you mean task_id?",
    ),
    ("prompts/get", {"name": "why_did_it_failed"}, "Did you mean why_did_it_fail?"),
    ("prompts/get", {"name": True}, "name must be the name of a prompt as text, not true."),
    ("prompts/get", {}, "name must be the name of a prompt as text, not null."),
    (
        "tools/call",
        {"name": "list_tasks", "arguments": [1]},
        "arguments must be an object such as {}",
    ),
    ("tools/call", {"name": "list_tasks", "arguments": "status=any"}, 'not "status=any".'),
    ("tools/call", {"name": None}, "name must be the name of a tool as text, not null."),
]


def test_malformed_parameters_are_explained(cache: Cache) -> None:
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "a", "version": "1"},
    }
    requests = [("initialize", hello), *((method, params) for method, params, _ in MALFORMED)]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        for number, (method, params) in enumerate(requests)
    ]
    finished = subprocess.run(
        [sys.executable, "-m", "uniqc_mcp", "--cache-dir", str(cache.directory)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answers = {answer["id"]: answer for answer in map(json.loads, finished.stdout.splitlines())}
    for number, (_, _, message) in enumerate(MALFORMED, 1):
        error = answers[number]["error"]
        assert error["code"] == -32602
        assert message in error["message"]
        check_plain(error["message"])
