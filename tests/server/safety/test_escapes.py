r"""Credentials in text whose characters are escaped: JSON in JSON, cut off, and reprs of bytes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.safety.credential_corpus import HARMLESS, NAMED, SECRETS

from uniqc_mcp.safety.credentials import redact_text
from uniqc_mcp.safety.edits import Edited, single_backslashes, unescaped
from uniqc_mcp.safety.redaction import WHOLE, safe_text, safe_value
from uniqc_mcp.safety.unicode import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = SECRETS[0]


def embedded(text: str, times: int, **members: int) -> str:
    """Return a text as JSON in a string of JSON, and so on, with other members after it."""
    for _ in range(times):
        text = json.dumps({"message": text, **members})
    return text


def all_escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


@pytest.mark.parametrize("times", [1, 2, 3, 4, 6])
@pytest.mark.parametrize(
    "text",
    [
        f'{{"密码": "{SECRET}"}}',
        f"登录失败\n用户密钥为{SECRET}",
        f"failed\nauth={SECRET}",
        f'{{"{all_escaped("token")}": "{SECRET}"}}',
        f"Authorization: Basic\t{all_escaped('dXNlcjpwYXNzd29yZA==')}",
    ],
)
def test_json_in_json_shows_no_credential_whole_or_cut_off(text: str, times: int) -> None:
    whole = embedded(text, times)
    for stored in (whole, whole[: -2 * times], whole[3:]):
        shown = safe_text(stored, limit=None)
        assert shown.hidden
        assert SECRET not in shown.text
        assert all_escaped("dXNl") not in shown.text


@pytest.mark.parametrize("times", [1, 2, 3])
def test_no_named_credential_of_the_corpus_is_shown_in_embedded_json(times: int) -> None:
    texts = [
        (form.replace("⏎", "\n").replace("§", secret), secret)
        for number, form in enumerate(NAMED)
        for secret in [SECRETS[number % len(SECRETS)]]
    ]
    shown = [(text, redact_text(embedded(text, times, code=401)), secret) for text, secret in texts]
    assert [text for text, after, secret in shown if secret[:8] in after] == []


def as_bytes(text: str) -> str:
    return repr(text.encode())


def with_invisible(text: str) -> str:
    return text.replace("密码", r"\u200b\u5bc6\u00ad\u7801")


@pytest.mark.parametrize("escape", [as_bytes, ascii, with_invisible])
def test_escapes_of_python_hide_no_name(escape: Callable[[str], str]) -> None:
    shown = safe_text(f"HTTP 401: {escape(f'密码: {SECRET}')}, try again")
    assert SECRET not in shown.text
    assert shown.text.startswith("HTTP 401: ")
    assert shown.text.endswith("try again")


def test_only_the_credential_is_hidden_and_other_escapes_stay() -> None:
    text = '{"at": "C:\\\\new", "\\u5bc6\\u7801": "a\\u0062c\\u0064 1", "\\u91cf": "\\u5b50"}'
    assert redact_text(text) == text.replace(r"a\u0062c\u0064 1", MARKER)


def test_an_escaped_key_of_a_value_names_a_credential() -> None:
    shown = safe_value({r"\u5bc6\u7801": SECRET, r"\u91cf": "x"}, budget=WHOLE)
    assert SECRET not in json.dumps(shown.value)
    assert shown.hidden == (r"\u5bc6\u7801",)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_harmless_texts_stay_harmless_when_they_are_escaped(times: int) -> None:
    texts = [embedded(text, times) for text in HARMLESS]
    alarms = [text for text in texts if redact_text(text) != text]
    assert len(alarms) <= len(HARMLESS) / 100


@pytest.mark.parametrize(
    "text",
    [r"\theta and \nu", r"C:\users\new\tasks.py", r"a\\\\\\b", r"\d+\.\w", "\\", "\\u12", r"\xzz"],
)
def test_backslashes_without_a_credential_stay(text: str) -> None:
    assert redact_text(text) == text


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            ["\\", '"', "u0074", "oken", "密", r"\u5bc6", "码", "=", ": ", "x1y2z3w4", "n"]
        ),
        max_size=24,
    ).map("".join)
)
def test_escaped_text_redacted_twice_is_as_redacted_once(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet='\\u0041n"x\u200b', max_size=30), st.data())
def test_a_character_is_traced_back_to_what_it_came_from(text: str, data: st.DataObject) -> None:
    for edit in (unescaped, single_backslashes):
        edited = edit(text)
        if not edited.text:
            continue
        place = data.draw(st.integers(0, len(edited.text) - 1))
        start, end = edited.original((place, place + 1))
        assert edit(text[start:end]).text == edited.text[place]


def test_a_stretch_with_a_part_of_an_edit_has_all_of_it() -> None:
    edited = Edited.of("abcdef", [((1, 3), "1234"), ((4, 5), "")])
    assert edited.text == "a1234df"
    assert [edited.original(span) for span in ((0, 1), (2, 3), (0, 2), (5, 6), (5, 7), (6, 7))] == [
        (0, 1),
        (1, 3),
        (0, 3),
        (3, 4),
        (3, 6),
        (5, 6),
    ]


@pytest.mark.parametrize(
    "unit", ["\\", '\\"', r"\u0074oken ", r"\\u5bc6\\u7801: ", "\\\\\\\\n", r"\xe5\xaf"]
)
def test_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    def seconds(count: int) -> float:
        began = time.process_time()
        redact_text(unit * count)
        return time.process_time() - began

    few = min(seconds(1_000) for _ in range(3))
    assert seconds(4_000) < 4 * 4 * max(few, 0.002)
