"""The texts of a record on their way into an answer: bounded by the field that they are in."""

from __future__ import annotations

import pytest

from uniqc_mcp.safety.sanitizer import FIELD_LIMITS, Sanitizer


@pytest.mark.parametrize(("field", "limit"), FIELD_LIMITS.items())
def test_each_field_has_its_own_limit(field: str, limit: int) -> None:
    sanitizer = Sanitizer()
    assert sanitizer.one_line(field, "x" * limit) == "x" * limit
    assert len(sanitizer.one_line(field, "x" * (limit + 1))) <= limit
    assert len(sanitizer.multiline(field, "x" * (limit + 1))) <= limit


def test_a_caller_may_give_another_limit() -> None:
    assert len(Sanitizer().one_line("backend", "x" * 100, limit=60)) <= 60


def test_a_field_without_a_limit_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError, match="nobody"):
        Sanitizer().one_line("nobody", "")
