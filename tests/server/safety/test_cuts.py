"""Cuts: a long text keeps its beginning and its end, and says how much is missing between them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniqc_mcp.prompts import PROMPT, Prompts
from uniqc_mcp.safety.cuts import cut_text, cut_to_tokens
from uniqc_mcp.safety.redaction import METADATA, safe_text, safe_value
from uniqc_mcp.safety.sanitizer import FIELD_LIMITS, Sanitizer
from uniqc_mcp.safety.unicode import MARKER
from uniqc_mcp.token_budget import fits, max_tokens_of
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from tests.server.conftest import Cache

MIDDLE = re.compile(r"(?s)(.*?)… \[\+([\d,]+) characters\] …(.*)")
REASON = "CompileError: no route between Q3 and Q9"
FRAME = '  File "/home/me/adapter.py", line 120, in submit\n    return self._post(program)\n'
CUT_AT_END = (
    *("archived_at", "backend", "circuit_language", "machine"),
    *("platform_task_id", "status", "task_id"),
)

no_deadline = settings(deadline=None)


def traceback_of(frames: int) -> str:
    """Return a traceback, the last line of which is the reason."""
    return f"Traceback (most recent call last):\n{FRAME * frames}{REASON}"


def parts(shown: str) -> tuple[str, int, str]:
    """Return the beginning of a cut text, the number of missing characters, and its end."""
    found = MIDDLE.fullmatch(shown)
    assert found, shown
    return found[1], int(found[2].replace(",", "")), found[3]


# A plain text of letters, so that a cut is not mistaken for a part of the text.
@given(text=st.text("abc \n", min_size=200, max_size=4_000), limit=st.integers(90, 199))
def test_a_cut_text_has_its_beginning_its_end_and_the_number_between(text: str, limit: int) -> None:
    shown = cut_text(text, limit, place="middle")
    assert len(shown) <= limit
    beginning, missing, end = parts(shown)
    assert text.startswith(beginning)
    assert text.endswith(end)
    assert len(beginning) + missing + len(end) == len(text)
    assert abs(len(beginning) - len(end)) <= 1
    assert len(shown) > limit - 10  # no room is given away


@given(
    text=st.text(max_size=300),
    limit=st.integers(0, 200),
    unseen=st.integers(0, 2_000),
    place=st.sampled_from(["middle", "end"]),
)
def test_no_cut_exceeds_its_limit_and_a_text_that_fits_is_whole(
    text: str, limit: int, unseen: int, place: Any
) -> None:
    shown = cut_text(text, limit, unseen=unseen, place=place)
    assert len(shown) <= limit or shown == text
    assert shown == text or len(text) > limit or unseen
    assert shown != text or len(text) <= limit


@given(
    text=st.text(max_size=600), tokens=st.integers(1, 400), place=st.sampled_from(["middle", "end"])
)
@no_deadline
def test_no_cut_exceeds_its_tokens(text: str, tokens: int, place: Any) -> None:
    shown = cut_to_tokens(text, tokens, place=place)
    assert fits(shown, tokens) or len(shown) <= 1


@given(before=st.integers(0, 80), end=st.integers(0, 80), limit=st.integers(80, 160))
def test_a_marker_is_shown_whole_or_not_at_all(before: int, end: int, limit: int) -> None:
    text = f"{'x' * before}{MARKER}{'y' * 200}{MARKER}{'z' * end}"
    for place in ("middle", "end"):
        shown = cut_text(text, limit, place=place)
        rest = shown.replace(MARKER, "").replace("characters]", "")
        assert not set("redacted]") & set(rest), shown


def test_an_emoji_selector_does_not_lose_its_symbol() -> None:
    for length in range(60, 80):
        text = "a" * 200 + "\u2764\ufe0f" * length
        shown = cut_text(text, 120, place="middle")
        _, _, end = parts(shown)
        assert not end.startswith("\ufe0f")


def test_a_text_that_was_cut_before_is_cut_again_with_all_that_is_missing() -> None:
    once = cut_text("a" * 5_000 + "z" * 5_000, 2_000, place="middle")
    beginning, missing, end = parts(cut_text(once, 200, place="middle"))
    assert len(beginning) + missing + len(end) == 10_000


# Secrets


@given(
    secret=st.text("QXZ", min_size=30, max_size=60),
    before=st.integers(0, 3_000),
    after=st.integers(0, 3_000),
    limit=st.integers(80, 2_000),
    form=st.sampled_from(
        [
            "token={}",
            "password='{}'",
            "https://u:{}@h",
            "auth=['{}',\n '{}']",
            "credentials = {{\n'user': '{}',\n'more': '{}'\n}}",
            "-----BEGIN PRIVATE KEY-----\n{}\n{}\n{}\n-----END PRIVATE KEY-----",
        ]
    ),
)
@no_deadline
def test_no_part_of_a_credential_is_shown_at_either_side_of_the_cut(
    secret: str, before: int, after: int, limit: int, form: str
) -> None:
    text = "- " * before + form.format(secret, secret, secret) + "\n" + "- " * after
    for shown in (
        safe_text(text, limit=limit).text,
        safe_text(text, limit=limit, multiline=True).text,
        Sanitizer().one_line("error", text, limit=limit),
        Sanitizer().multiline("error", text, limit=limit),
    ):
        assert not set("QXZ") & set(shown)


def test_a_key_that_begins_before_the_cut_is_hidden_in_the_end_that_is_shown() -> None:
    key = "-----BEGIN PRIVATE KEY-----\n" + "QXZ\n" * 40_000 + "-----END PRIVATE KEY-----"
    sanitizer = Sanitizer()
    shown = sanitizer.multiline("error", f"{'x' * 3_000} {key}\n{REASON}")
    assert "Q" not in shown.replace("Q3", "").replace("Q9", "")
    assert shown.endswith(REASON)
    assert sanitizer.redacted_fields == ["error"]


def test_of_a_text_too_long_to_read_whole_only_the_beginning_is_shown() -> None:
    text = traceback_of(3_000)
    assert len(text) > 200_000
    shown = Sanitizer().multiline("error", text)
    assert shown.startswith("Traceback")
    found = re.search(r"… \[\+([\d,]+) characters\]\Z", shown)
    assert found
    assert int(found[1].replace(",", "")) == len(text) - (len(shown) - len(found[0]))


# Fields


@pytest.mark.parametrize(("field", "limit"), FIELD_LIMITS.items())
def test_each_field_but_ids_and_labels_shows_its_end(field: str, limit: int) -> None:
    shown = Sanitizer().one_line(field, "a" * limit + "z" * limit)
    assert max_tokens_of(shown) <= limit
    if field in CUT_AT_END:
        assert re.fullmatch(r"a+… \[\+[\d,]+ characters\]", shown)
    else:
        assert re.fullmatch(r"a+… \[\+[\d,]+ characters\] …z+", shown)


def test_a_value_of_metadata_shows_its_end_and_a_name_its_beginning() -> None:
    shown = safe_value({"k" * 300 + "end": traceback_of(100)}, budget=METADATA).value
    assert isinstance(shown, dict)
    ((name, text),) = shown.items()
    assert re.fullmatch(r"k+… \[\+\d+ characters\]", name)
    assert isinstance(text, str)
    assert text.endswith(REASON)


async def test_the_reason_at_the_end_of_a_traceback_is_in_every_answer(cache: Cache) -> None:
    failure, result = traceback_of(40), json.dumps({"error": traceback_of(20)})
    metadata = json.dumps({"retry": f"Again: {failure}"})
    cache.write(
        {
            "task_id": "task-failed",
            "status": "failed",
            "error_message": failure,
            "metadata_json": metadata,
        },
        {"task_id": "task-result", "status": "failed", "result_json": result},
        version=5,
    )
    cache.change(
        "INSERT INTO task_shards VALUES"
        " ('task-failed', 0, 'j', 'b', 1, 0, 'failed', NULL, ?, '', '')",
        failure,
    )
    text, answer = await cache.ask("list_tasks", status="failed")
    assert answer["tasks"][1]["error"].endswith(REASON)
    assert f'{REASON}"' in text
    text, answer = await cache.ask("get_task", task_id="task-failed")
    task = answer["task"]
    for shown in (task["error"], task["shards"][0]["error"], task["metadata"]["retry"]):
        beginning, missing, end = parts(shown)
        assert "Traceback (most recent call last):" in beginning
        assert end.endswith(REASON)
        assert missing > 0
    assert f'{REASON}"' in text
    text, answer = await cache.ask("get_task", task_id="task-result")
    assert answer["task"]["result"]["error"].endswith(REASON)
    assert f'{REASON}"' in text


def test_a_shortened_prompt_shows_the_reason_too(cache: Cache) -> None:
    # Characters that take many tokens, so that the prompt has no room for the whole error.
    error = f"{'é{}' * 5_000}\n{REASON}"
    notes = {f"{number}": "{}" * 500 for number in range(20)}
    cache.write(
        {"task_id": "task-failed", "status": "failed", "error_message": error}
        | {"metadata_json": json.dumps(notes)},
        version=5,
    )
    store = TaskStore(cache.directory, read_only=True)
    one, other = ("task-failed", "task-other")
    cache.change(
        "INSERT INTO tasks SELECT 'task-other', * FROM (SELECT backend, status, shots,"
        " submit_time, update_time, result_json, metadata_json, error_message FROM tasks)"
    )
    messages = Prompts(store).explain_differences(task_id=one, other_task_id=other)
    texts = [json.dumps(message.model_dump(mode="json")) for message in messages]
    assert sum(map(max_tokens_of, texts)) < 3 * PROMPT
    assert sum(REASON in text for text in texts) == 2
