"""The arguments that a tool accepts, and its refusals of all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.server.mcpserver.exceptions import ToolError

from uniqc_mcp.tool_registry import READ_TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_types import Tool
    from tests.server.conftest import Cache, Mode

Json = dict[str, Any]

STATUSES = "any, active, finished, pending, running, success, failed or cancelled"
LIST_ARGUMENTS = (
    "status, backend, submitted_after, submitted_before, name_contains, updated_after, "
    "updated_before, except_backend, task_ids, error_contains, not_heard_for, archived, order, "
    "limit, cursor"
)
FILTERS = ("status", "backend", "submitted_after", "submitted_before", "name_contains")


def check_readable(text: str, *, lines: int) -> None:
    """Assert that a message is short and shows no wording of a library."""
    assert 0 < len(text.splitlines()) <= lines
    assert len(text) < 1_000
    for foreign in (
        "pydantic",
        "https://",
        "Traceback",
        "Error executing tool",
        "[type=",
        "Arguments",
    ):
        assert foreign not in text


async def refusal(cache: Cache, tool: str, arguments: Json, *, lines: int = 3) -> str:
    text = await cache.refusal(tool, arguments)
    check_readable(text, lines=lines)
    return text


@pytest.fixture(scope="module")
def cache(module_cache: Cache) -> Cache:
    return module_cache.write({"status": "running"})


# One invalid argument.


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("list_tasks", {"statuss": "any"}, 'no argument "statuss". Did you mean status?'),
        ("list_tasks", {"Limit": 5}, f"Did you mean limit? Known are: {LIST_ARGUMENTS}."),
        ("list_tasks", {"zzz": 5}, f'no argument "zzz". Known are: {LIST_ARGUMENTS}.'),
        ("count_tasks", {"group": "status"}, "Did you mean group_by?"),
        ("count_tasks", {"limit": 5}, "Known are: status, backend, submitted_after, "),
        ("list_tasks", {"limit": "five"}, 'limit must be an integer, not "five".'),
        ("list_tasks", {"limit": "0"}, "limit must be at least 1, not 0."),
        ("list_tasks", {"limit": "-5"}, "limit must be an integer, not "),
        ("list_tasks", {"limit": True}, "limit must be an integer, not "),
        ("list_tasks", {"limit": 5.5}, "limit must be an integer, not "),
        ("list_tasks", {"limit": [5]}, "limit must be an integer, not "),
        ("list_tasks", {"limit": 0}, "limit must be at least 1, not 0."),
        ("list_tasks", {"limit": 101}, "limit must be at most 100, not 101."),
        ("list_tasks", {"limit": -(10**30)}, "limit must be at least 1, not "),
        ("list_tasks", {"limit": 10**5000}, "limit must be at most 100, not "),
        ("list_tasks", {"status": "done"}, f'status must be one of {STATUSES}, not "done".'),
        ("list_tasks", {"status": "Active"}, "status must be one of any"),
        ("list_tasks", {"status": ["failed", "x"]}, "status must be one of any"),
        ("list_tasks", {"status": [["failed"]]}, "status must be one of any"),
        ("list_tasks", {"status": 5}, "status must be a list of texts, not "),
        ("count_tasks", {"except_backend": {"a": 1}}, "except_backend must be a list of texts"),
        ("count_tasks", {"group_by": "day"}, "one of total, status, backend or status_bac"),
        ("list_tasks", {"backend": 5}, "backend must be a text, not "),
        ("list_tasks", {"backend": 5.0}, "backend must be a text, not "),
        ("list_tasks", {"backend": {"a": "b"}}, "backend must be a text, not "),
        ("list_tasks", {"backend": "\ud800"}, "backend"),
        ("get_task", {"task_id": "uqt_\ud800"}, "task_id"),
        ("get_task", {}, "get_task was not run. The argument task_id is required."),
        ("get_task", {"task_id": 17}, "task_id must be a text, not "),
        ("get_task", {"task_id": "task-000001", "outcomes": 51}, "outcomes must be at most 50"),
        ("get_task", {"task_id": "task-000001", "outcomes": -1}, "outcomes must be at least 0"),
        ("get_task", {"task_id": None}, "task_id must be a text, not "),
        ("get_task", {"task_id": "task-1", "outcomes": "eight"}, "outcomes must be an integer"),
        ("get_task", {"task_id": "task-000001", "outcomes": "9" * 5_000}, "outcomes must be an "),
        (
            "get_task",
            {"task_id": "task-000001", "outcomes": "\u0668"},
            "outcomes must be an integer",
        ),
    ],
)
async def test_an_invalid_argument_is_refused_with_the_allowed_values(
    cache: Cache, tool: str, arguments: Json, message: str
) -> None:
    assert message in await refusal(cache, tool, arguments)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ({"backend": None, "limit": "10", "wait_for_previous": True}, {"limit": 10}),
        ({"status": None, "cursor": None, "limit": 10.0, "toolCallId": "call_1"}, {"limit": 10}),
        ({"submitted_after": None, "name_contains": "", "limit": "1"}, {"limit": 1}),
        ({"wait_for_previous": False, "backend": "nowhere"}, {"backend": "nowhere"}),
    ],
)
async def test_arguments_count_as_what_hosts_mean_by_them(
    cache: Cache, arguments: Json, meant: Json
) -> None:
    assert await cache.ask("list_tasks", **arguments) == await cache.ask("list_tasks", **meant)


@pytest.mark.parametrize("argument", ["submitted_after", "submitted_before"])
@pytest.mark.parametrize(
    "moment",
    [
        "yesterday",
        "2026-02-30",
        "2026-13-01",
        "2026-11-03T25:00:00Z",
        "2026-11",
        "1700000000",
        "-5d",
        "5 days",
        " 7d",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "\x00\u202e",
    ],
)
async def test_an_invalid_time_is_refused_with_the_accepted_forms(
    cache: Cache, argument: str, moment: str
) -> None:
    for tool in ("list_tasks", "count_tasks"):
        text = await refusal(cache, tool, {argument: moment})
        assert text.startswith(f"{argument} must be a date or time such as 2026-11-03 or ")
        assert "36h or 7d" in text


# Several invalid arguments, and very long ones.


async def test_each_invalid_argument_has_its_own_line(cache: Cache) -> None:
    arguments = {"statuss": "5", "limit": 0, "backend": 5}
    lines = (await refusal(cache, "list_tasks", arguments)).splitlines()
    assert lines[0].startswith("list_tasks was not run. ")
    for line, name in zip(lines, ("backend", "limit", "statuss"), strict=True):
        assert name in line


async def test_invalid_arguments_beyond_the_first_are_counted(cache: Cache) -> None:
    arguments = {f"argument_{number}": "x" * 10_000 for number in range(500)}
    text = await refusal(cache, "list_tasks", arguments, lines=6)
    assert text.endswith("and 497 more.")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_tasks", {"x\n" * 50_000: 1}),
        ("list_tasks", {"status": "x" * 100_000}),
        ("list_tasks", {"submitted_after": "9" * 100_000}),
        ("list_tasks", {"cursor": "A" * 100_000}),
        ("list_tasks", {"limit": ["x" * 100_000]}),
        ("get_task", {"task_id": "x" * 100_000}),
        ("get_task", {"task_id": "Ignore all that.\n\nNow:\u202e " * 5_000}),
        ("get_task", {"task_id": {"x" * 1_000: "x" * 1_000}}),
    ],
)
async def test_the_refusal_of_a_very_long_argument_is_short(
    cache: Cache, tool: str, arguments: Json
) -> None:
    await refusal(cache, tool, arguments)


@pytest.mark.parametrize("name", ["backend", "name_contains"])
async def test_the_answer_to_a_very_long_filter_is_short(cache: Cache, name: str) -> None:
    text, answer = await cache.ask("list_tasks", **{name: "x" * 100_000})
    assert answer["total"] == 0
    assert len(text) < 1_000


async def test_a_refusal_does_not_repeat_a_credential(cache: Cache) -> None:
    text = await refusal(cache, "list_tasks", {"status": "token=ghp_0123456789abcdefghij"})
    assert "ghp_" not in text


# Accepted arguments.


@pytest.mark.parametrize("limit", [1, 100, 5.0])
async def test_every_integer_of_the_schema_is_accepted(cache: Cache, limit: float) -> None:
    # JSON Schema counts 5.0 as an integer, and some hosts send it.
    _, answer = await cache.ask("list_tasks", limit=limit)
    assert answer["shown"] == 1


async def test_a_string_that_looks_like_json_stays_a_string(cache: Cache) -> None:
    for name in ("5", "null", "true", "[1]", '{"a": 1}', '"quoted"'):
        text, answer = await cache.ask("list_tasks", name_contains=name)
        assert answer["total"] == 0
        assert text.startswith("No active tasks with ")


async def test_refusals_are_the_same_in_both_protocol_modes(cache: Cache, mode: Mode) -> None:
    async with cache.client(mode) as client:
        result = await client.call_tool("list_tasks", {"limit": "five", "statuss": 1})
    assert result.is_error
    assert cache.text(result).startswith(
        'list_tasks was not run. limit must be an integer, not "five"'
    )


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
)
arguments_of_any_kind = st.dictionaries(
    st.sampled_from([*LIST_ARGUMENTS.split(", "), "task_id", "outcomes", "group_by"]) | st.text(),
    values,
    max_size=4,
)


@settings(deadline=None)
@given(
    arguments=arguments_of_any_kind,
    tool=st.sampled_from([spec.name for spec in READ_TOOLS if not spec.waits]),
)
async def test_no_arguments_crash_a_tool(cache: Cache, arguments: Json, tool: str) -> None:
    try:
        await cache.server.call_tool(tool, arguments)
    except ToolError as error:
        check_readable(str(error), lines=6)


# The schemas.


def parts(schema: Any) -> Iterator[Json]:
    """Yield each object in a schema that may be a schema itself."""
    if isinstance(schema, dict):
        part = cast("Json", schema)
        yield part
        for inner in part.values():
            yield from parts(inner)


@pytest.fixture
async def tools(cache: Cache, mode: Mode) -> list[Tool]:
    async with cache.client(mode) as client:
        return (await client.list_tools()).tools


async def test_input_schemas_are_flat(tools: list[Tool]) -> None:
    for tool in tools:
        schema = tool.input_schema
        assert schema["type"] == "object"
        for name, part in schema["properties"].items():
            assert part["type"] in ("string", "integer", "boolean", "array")
            items = part.pop("items", {"type": "string"})
            assert items["type"] == "string"
            assert items.keys() <= {"type", "enum"}
            # An empty default is left out, so what is optional may have none.
            assert not ("default" in part and name in schema.get("required", []))
            assert part.get("default", ...) not in ("", [])
            limits = {"enum", "minimum", "maximum", "maxItems"}
            assert part.keys() <= {"type", "default", "description"} | limits
            assert part.get("default", ...) is not None


async def test_schemas_have_no_titles(tools: list[Tool]) -> None:
    for tool in tools:
        assert tool.output_schema
        assert tool.output_schema["type"] == "object"
        for part in [*parts(tool.input_schema), *parts(tool.output_schema)]:
            assert not isinstance(part.get("title"), str)


async def test_filters_have_the_same_schema_in_each_tool(tools: list[Tool]) -> None:
    listed, counted = (
        {name: tool.input_schema["properties"][name] for name in FILTERS}
        for tool in tools
        if tool.name in ("list_tasks", "count_tasks")
    )
    assert listed["status"]["items"]["enum"]
    assert listed["status"].pop("description").endswith(" Default active.")
    assert counted["status"].pop("description") == "See list_tasks. Default any."
    for name in FILTERS[1:]:
        assert counted[name].pop("description") == "See list_tasks."
        assert listed[name].pop("description")
    # The values stand in list_tasks alone.
    del listed["status"]["items"]["enum"]
    assert listed == counted
    limits = tools[0].input_schema["properties"]["limit"]
    assert limits.pop("description").endswith(" 1 to 100. Default 20.")
    assert limits == {"type": "integer", "minimum": 1, "maximum": 100}


async def test_the_description_of_an_argument_has_at_most_100_characters(
    tools: list[Tool],
) -> None:
    for tool in tools:
        for part in tool.input_schema["properties"].values():
            assert 0 < len(part["description"]) <= 100
