"""Texts of a record, made safe and cut to the limits of their fields."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniqc_mcp.safety import sanitizer as module
from uniqc_mcp.safety.credentials import may_hold_credential, redact_text
from uniqc_mcp.safety.redaction import WHOLE, Budget, safe_text
from uniqc_mcp.safety.sanitizer import FIELD_LIMITS, Sanitizer
from uniqc_mcp.token_budget import fits, max_tokens_of

if TYPE_CHECKING:
    from uniqc_store import JsonValue

FRAGMENTS = (
    *("uqt_", "0f", "token", "=", " ", ":", "@", "key", "ghp_", "eyJ", "sk-", "AKIA", "Bearer "),
    *("basic ", "dXNlcjpwYXNz", "x1" * 9, "password", "?sig=", "-----BEGIN PRIVATE KEY", "密钥"),
)
fragments = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=6).map("".join)


@pytest.mark.parametrize(("field", "limit"), FIELD_LIMITS.items())
def test_each_field_has_its_own_limit(field: str, limit: int) -> None:
    sanitizer = Sanitizer()
    assert sanitizer.one_line(field, "x" * limit) == "x" * limit
    assert len(sanitizer.one_line(field, "x" * (limit + 1))) <= limit
    assert len(sanitizer.multiline(field, "x" * (limit + 1))) <= limit


def test_a_caller_may_give_another_limit() -> None:
    assert len(Sanitizer().one_line("backend", "x" * 100, limit=60)) <= 60


def test_a_value_is_shown_within_the_budget_that_is_given() -> None:
    entries: list[JsonValue] = [f"entry {number}" for number in range(300)]
    assert Sanitizer().value("result", entries, budget=WHOLE) == entries
    (first, rest) = cast("list[str]", Sanitizer().value("x", entries, budget=Budget(entries=1)))
    assert first == "entry 0"
    assert "299" in rest
    by_default = cast("list[str]", Sanitizer().value("metadata", entries))
    assert by_default[:-1] == entries[:200]


def test_an_unknown_field_without_a_limit_raises_key_error() -> None:
    with pytest.raises(KeyError, match="nobody"):
        Sanitizer().one_line("nobody", "")


@given(text=fragments)
def test_every_text_with_a_credential_takes_the_slow_path(text: str) -> None:
    assert may_hold_credential(text) or redact_text(text) == text


@given(text=fragments)
def test_the_fast_path_and_a_repeat_give_the_same_text(text: str) -> None:
    sanitizer = Sanitizer()
    shown = sanitizer.one_line("error", text)
    assert shown == sanitizer.one_line("error", text)
    assert shown == safe_text(text, limit=2_000).text


@given(text=st.text(max_size=40), tokens=st.integers(0, 80))
def test_a_text_fits_if_its_token_count_does(text: str, tokens: int) -> None:
    assert fits(text, tokens) == (max_tokens_of(text) <= tokens)


def test_a_plain_text_takes_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "redacted_text", None)
    for text in ("uqt_0123456789abcdef0123456789abcdef", "readout calibration 7", "success"):
        assert Sanitizer().one_line("task_id", text) == text


def test_a_text_that_an_answer_repeats_is_examined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sanitizer = Sanitizer()
    examined: list[str] = []
    monkeypatch.setattr(sanitizer, "_may_hold_credential", examined.append)
    for _ in range(3):
        assert sanitizer.one_line("status", "success") == "success"
    assert examined == ["success"]


def test_credential_patterns_are_compiled_for_the_first_sanitizer_and_not_at_import() -> None:
    code = """
import sys, uniqc_mcp.server
from uniqc_mcp.safety.sanitizer import Sanitizer
print("uniqc_mcp.safety.credentials" in sys.modules)
Sanitizer()
print("uniqc_mcp.safety.credentials" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
