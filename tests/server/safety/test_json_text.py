"""JSON that is sent as text: every character seen, and nothing that a strict reader refuses."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniqc_mcp.safety.json_text import redacted_json, strict_dumps, strict_json
from uniqc_mcp.safety.unicode import strip_invisible

if TYPE_CHECKING:
    from tests.server.conftest import Cache

    from uniqc_store import JsonValue

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
UNSEEN = ["\u202e", "\u200b", "\u2066", "\x7f", "\u2028", "\ue000", "\U000e0041", "\ud800"]


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def with_constants_as_text(value: JsonValue) -> JsonValue:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, list):
        return [with_constants_as_text(entry) for entry in value]
    if isinstance(value, dict):
        return {key: with_constants_as_text(entry) for key, entry in value.items()}
    return value


@given(VALUES, st.booleans())
def test_strict_json_has_the_same_value_and_no_unseen_character(
    value: Any,
    ascii_only: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    for text in (strict_json(json.dumps(value, ensure_ascii=ascii_only)), strict_dumps(value)):
        assert strict(text) == with_constants_as_text(value)
        assert strip_invisible(text, multiline=True) == text


@pytest.mark.parametrize("unseen", UNSEEN)
async def test_a_result_shows_each_unseen_character_as_its_escape(
    cache: Cache, unseen: str
) -> None:
    stored = {f"a{unseen}b": 1, "备注": f"x{unseen}y"}
    # SQLite cannot store half a surrogate pair; JSON can escape it.
    text = json.dumps(stored, ensure_ascii=unseen == "\ud800")
    cache.write({"result_json": text})
    shown = await cache.read("uniqc://task/task-000001/result")
    assert unseen not in shown
    assert strict(shown) == stored
    assert ("备注" in shown) == ("备注" in text)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (
            '{"00": NaN, "11": [Infinity, -Infinity]}',
            {"00": "NaN", "11": ["Infinity", "-Infinity"]},
        ),
        ('{"NaN": "a \\" NaN"}', {"NaN": 'a " NaN'}),
        ('{"token": "hunter2", "00": NaN}', {"token": "[redacted]", "00": "NaN"}),
    ],
)
async def test_a_result_with_numbers_that_json_lacks_can_be_parsed(
    cache: Cache, stored: str, shown: Any
) -> None:
    cache.write({"result_json": stored})
    assert strict(await cache.read("uniqc://task/task-000001/result")) == shown


async def test_damaged_json_shows_unseen_characters_as_escapes(cache: Cache) -> None:
    cache.write({"result_json": '{"a": "x\u202ey\u200b'})
    assert await cache.read("uniqc://task/task-000001/result") == '{"a": "x\\u202ey\\u200b'


def test_a_long_text_is_escaped_in_linear_time() -> None:
    def seconds(size: int) -> float:
        began = time.process_time()
        strict_json('"NaN' + "\\\\" * size + "\u202e" * 1000)
        return time.process_time() - began

    assert (
        min(seconds(800_000) for _ in range(2))
        < 30 * min(seconds(100_000) for _ in range(2)) + 0.05
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"00": 512,  "11": 512.0}',
        '{"at": "C:\\\\new", "half": "\\ud800"}',
        '{"p": NaN}',
        '["cut off',
        "",
    ],
)
def test_json_without_a_credential_stays_byte_for_byte(text: str) -> None:
    assert redacted_json(text).text == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"api_key": "x9y8z7"}', '{"api_key": "[redacted]"}'),
        ('{"api_key": "x9y8z7", "api_key": ""}', '{"api_key": ""}'),
        ('{"a": "量", "token": "x9y8z7"}', '{"a": "量", "token": "[redacted]"}'),
        (r'{"a": "\ud800", "token": "x9y8z7"}', r'{"a": "\ud800", "token": "[redacted]"}'),
        (r'{"a": "{\"token\": \"x9y8z7', r'{"a": "{\"token\": \"[redacted]'),
    ],
)
def test_json_with_a_credential_is_written_without_it(text: str, shown: str) -> None:
    assert redacted_json(text).text == shown


@pytest.mark.parametrize("depth", [30, 2_000])
def test_no_credential_is_kept_however_deep_it_is(depth: int) -> None:
    text = "[" * depth + '{"api_key": "x9y8z7"}' + "]" * depth
    assert "x9y8z7" not in redacted_json(text).text
