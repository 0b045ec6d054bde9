"""The protocols of a store have no method that the server does not call."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import uniqc_mcp
from uniqc_mcp.questions.snapshot import StoreSnapshot
from uniqc_mcp.questions.store import ClearedCopies, ReadableStore, StoreWatch

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path(uniqc_mcp.__file__).parent

NAMES: dict[type, frozenset[str]] = {
    StoreSnapshot: frozenset({"snapshot"}),
    ReadableStore: frozenset({"store", "_store"}),
    ClearedCopies: frozenset({"copies", "cleared_tasks"}),
    StoreWatch: frozenset({"watch"}),
}
"""The names by which the server's code calls an object of each protocol."""


def name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return name_of(function)
        case _:
            return ""


def asked_of(names: frozenset[str]) -> Iterator[str]:
    """Yield the attributes of objects with these names, in all that answers a client."""
    for path in SERVER.rglob("*.py"):
        if path.relative_to(SERVER).parts[0] in {"cli", "questions"}:
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Attribute) and name_of(node.value) in names:
                yield node.attr


@pytest.mark.parametrize("protocol", NAMES)
def test_each_question_is_asked(protocol: type) -> None:
    questions = {name for name in vars(protocol) if not name.startswith("_")}
    assert questions
    assert questions <= set(asked_of(NAMES[protocol]))
