"""Setting and deleting one entry of a YAML text, which keeps every other line.

ruamel.yaml parses it and says where its nodes stand. Its writer would change the layout.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from uniqc_mcp.cli.install.editing.errors import SyntaxProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def parse(text: str) -> Any:
    """Return the value of a text, an empty mapping if there is none.

    Raises:
        SyntaxProblem: It is no YAML, or has several documents.
    """
    try:
        value = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        if mark is None:
            raise SyntaxProblem(str(error)) from error
        problem = error.problem or "it can't be parsed"
        raise SyntaxProblem(problem, line=mark.line + 1, column=mark.column + 1) from error
    except YAMLError as error:
        raise SyntaxProblem(str(error)) from error
    # Comments, or the line that begins a document, are no null.
    is_empty = value is None and getattr(_root(text), "value", "") == ""
    return {} if is_empty else value


def put(text: str, keys: Sequence[str], value: Mapping[str, Any]) -> str:
    """Return the text with an entry in a mapping, which is added if it is missing.

    An entry stands first in its mapping: its end is where the comments of what follows begin.
    """
    above, name = keys
    found = _member(_root(text), above)
    if found is None:
        start = text if not text or text.endswith("\n") else f"{text}\n"
        return f"{start}{above}:\n{_block(name, value, 2)}"
    key, servers = found
    old = _member(servers, name)
    if not isinstance(servers, MappingNode) or not servers.value:  # null or {}
        text, column = _without_empty(text, servers), 2
    elif not servers.flow_style:
        text, column = _without(text, old) if old else text, servers.value[0][0].start_mark.column
    elif old is not None:
        return _spliced(text, old[1], json.dumps(value))
    else:
        at = servers.start_mark.index + 1
        return f"{text[:at]}{name}: {json.dumps(value)}, {text[at:]}"
    lines = text.splitlines(keepends=True)
    number = key.start_mark.line
    lines[number] = lines[number].rstrip("\n") + "\n"
    lines.insert(number + 1, _block(name, value, column))
    return "".join(lines)


def drop(text: str, keys: Sequence[str]) -> str:
    """Return the text without an entry of a mapping, which must be there."""
    above, name = keys
    found = _member(_root(text), above)
    servers = found[1] if found else None
    old = _member(servers, name)
    if found is None or old is None or not isinstance(servers, MappingNode):
        raise AssertionError("the entry was found before")
    if servers.flow_style:
        return _without_flow(text, servers, old)
    shorter = _without(text, old)
    if len(servers.value) > 1:
        return shorter
    lines = shorter.splitlines(keepends=True)
    number = found[0].start_mark.line
    lines[number] = lines[number].replace(f"{above}:", f"{above}: {{}}", 1)
    return "".join(lines)


def _root(text: str) -> Node | None:
    return YAML(typ="rt", pure=True).compose(io.StringIO(text))


def _member(node: Node | None, name: str) -> tuple[Node, Node] | None:
    if not isinstance(node, MappingNode):
        return None
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.value == name:
            return key, value
    return None


def _block(name: str, value: Mapping[str, Any], column: int) -> str:
    """Return the lines of an entry. A JSON text is a YAML value, quoted where that is needed."""
    pad = " " * column
    lines = [f"{pad}{name}:", *(f"{pad}  {key}: {json.dumps(each)}" for key, each in value.items())]
    return "".join(f"{line}\n" for line in lines)


def _without_empty(text: str, node: Node) -> str:
    """Return the text without a null or ``{}``.

    Raises:
        ValueError: There is a comment in it, which would be lost.
    """
    if "#" in text[node.start_mark.index : node.end_mark.index]:
        raise ValueError("a comment within an empty mapping")
    return _spliced(text, node, "")


def _spliced(text: str, node: Node, new: str) -> str:
    return text[: node.start_mark.index] + new + text[node.end_mark.index :]


def _without(text: str, member: tuple[Node, Node]) -> str:
    """Return the text without the lines of a member of a block mapping."""
    lines = text.splitlines(keepends=True)
    del lines[member[0].start_mark.line : _last_line(member[1]) + 1]
    return "".join(lines)


def _last_line(node: Node) -> int:
    """Return the line of the last character; a block ends where the next thing begins."""
    if isinstance(node, MappingNode) and node.value and not node.flow_style:
        return _last_line(node.value[-1][1])
    if isinstance(node, SequenceNode) and node.value and not node.flow_style:
        return _last_line(node.value[-1])
    return node.end_mark.line


def _without_flow(text: str, servers: MappingNode, member: tuple[Node, Node]) -> str:
    start, end = member[0].start_mark.index, member[1].end_mark.index
    others = [key for key, _ in servers.value if key is not member[0]]
    after = [key for key in others if key.start_mark.index > start]
    if after:
        return text[:start] + text[after[0].start_mark.index :]
    before = text[:start].rstrip()
    return (before[:-1] if others else before) + text[end:]
