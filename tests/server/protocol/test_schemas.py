"""The schemas of arguments, as the least capable converters need them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client

from uniqc_mcp.server import build_server
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_store import ClearPolicy

if TYPE_CHECKING:
    from mcp_types import Tool
    from tests.server.conftest import Cache, Mode

REFUSED_BY_CONVERTERS = ("additionalProperties", "anyOf", "oneOf", "$ref", "$defs", "null")


@pytest.fixture
async def tools(cache: Cache, mode: Mode) -> list[Tool]:
    """The tools of a server that may clear, which has them all."""
    settings = Settings(clearing=ClearSettings(policy=ClearPolicy()))
    async with Client(build_server(cache.store, settings), mode=mode) as client:
        return (await client.list_tools()).tools


def arguments(tools: list[Tool]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{tool.name}.{name}", schema)
        for tool in tools
        for name, schema in tool.input_schema["properties"].items()
    ]


async def test_input_schemas_have_nothing_that_a_converter_refuses(tools: list[Tool]) -> None:
    for tool in tools:
        schema = json.dumps(tool.input_schema)
        for word in REFUSED_BY_CONVERTERS:
            assert f'"{word}"' not in schema, tool.name


async def test_every_argument_has_a_description_that_is_a_sentence(tools: list[Tool]) -> None:
    for place, schema in arguments(tools):
        described = schema["description"].removesuffix(".")
        # Not only the range and the default, which are added to it.
        assert described.split(" Default ")[0].strip(" .0123456789to"), place
        assert schema["description"].endswith("."), place


async def test_descriptions_say_the_range_and_the_default(tools: list[Tool]) -> None:
    bounded = 0
    for place, schema in arguments(tools):
        described = schema["description"]
        if "minimum" in schema:
            assert f"{schema['minimum']} to {schema['maximum']}." in described, place
            bounded += 1
        if "maxItems" in schema:
            assert f"At most {schema['maxItems']}." in described, place
        default: str | int | list[str] | None = schema.get("default")
        if default:
            told = ", ".join(default) if isinstance(default, list) else default
            assert described.endswith(f"Default {told}."), place
    assert bounded


async def test_the_first_line_says_what_a_call_without_arguments_does(tools: list[Tool]) -> None:
    for tool in tools:
        first_line = (tool.description or "").partition("\n")[0]
        assert first_line.endswith(".")
        if not tool.input_schema.get("required"):
            assert "with no arguments" in first_line, tool.name


async def test_an_unknown_argument_is_refused_although_the_schema_is_open(cache: Cache) -> None:
    refusal = await cache.refusal("list_tasks", {"statuses": "failed"})
    assert 'no argument "statuses"' in refusal
