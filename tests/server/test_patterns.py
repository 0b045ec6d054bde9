"""Regular expressions mean the same on every Python that is supported."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("server", "store") for path in (ROOT / folder).rglob("*.py"))
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+")


def texts(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            yield node.value if isinstance(node.value, str) else node.value.decode("latin-1")


def test_the_search_finds_a_possessive_group() -> None:
    found = list(texts(r'P = r"(?:a|b)++c", rb"(?:a){2,}+", r"\)*+", r"a++"'))
    assert [bool(POSSESSIVE_GROUP.search(text)) for text in found] == [True, True, False, False]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_group_has_a_possessive_quantifier(path: Path) -> None:
    # Up to Python 3.11.4, which Debian 12 has, such a group may match too much where a part of it
    # was tried in vain: a credential was shown. An atomic group, (?>(?:a|b)*), is right there too.
    for text in texts(path.read_text(encoding="utf-8")):
        assert not POSSESSIVE_GROUP.search(text), text
