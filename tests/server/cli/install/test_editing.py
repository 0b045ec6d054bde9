"""Edits of configuration files: one entry changes, and no other byte does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniqc_mcp.cli.install.editing.documents import parsed, with_entry, without_entry
from uniqc_mcp.cli.install.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_mcp.cli.install.editing.documents import Syntax

FILE = Path("settings.json")
KEYS = ("mcpServers", "uniqc")
ENTRY: dict[str, Any] = {"command": "/opt/bin/uniqc-mcp", "args": ["--max-wait", "20"]}

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=["C"]))
SPACES = st.sampled_from(["", " ", "\n", "\n  ", "\n\t", "  ", "\n\n    "])
COMMENTS = st.sampled_from(["", "", "// a, b: {\n", "/* } */", "/* two\nlines */", ' // "x": 1,\n'])
SCALARS = st.sampled_from(
    ["1", "true", "null", '"// no comment"', '"a\\"},{"', "-1.5e3", "[1, [2]]"]
)


@st.composite
def objects(draw: st.DrawFn, keys: tuple[str, ...], depth: int = 2) -> str:
    """Return the text of an object with these keys, laid out at random."""
    parts: list[str] = []
    for key in keys:
        value = draw(objects(("a", "b"), depth - 1) if depth and draw(st.booleans()) else SCALARS)
        gap = draw(SPACES) + draw(COMMENTS) + draw(SPACES)
        parts.append(f'{gap}"{key}"{draw(SPACES)}:{draw(SPACES)}{draw(COMMENTS)}{value}')
    comma = draw(st.sampled_from(["", ","])) if keys else ""
    end = draw(SPACES) + draw(COMMENTS) + draw(SPACES)
    return "{" + ",".join(parts) + comma + end + "}"


@st.composite
def documents(draw: st.DrawFn, servers: st.SearchStrategy[str]) -> bytes:
    """Return a document with servers between two other keys, in any layout."""
    before, after = draw(objects(("theme",))), draw(objects(("k", "l")))
    trailing = draw(st.sampled_from(["", ",", " ,"]))
    gaps = [draw(SPACES) + draw(COMMENTS) + draw(SPACES) for _ in range(4)]
    text = (
        f'{gaps[0]}{{"one": {before},{gaps[1]}"mcpServers": {draw(servers)}{gaps[2]},'
        f'"{draw(TEXTS)}z": {after}{trailing}{gaps[3]}}}' + draw(st.sampled_from(["", "\n"]))
    )
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    return (draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", ending)).encode()


def comments(content: bytes) -> list[str]:
    found = re.findall(r'"(?:[^"\\]|\\.)*"|(//[^\n]*|/\*.*?\*/)', content.decode(), re.DOTALL)
    return [comment.strip() for comment in found if comment]


def put(content: bytes | None, syntax: Syntax = "jsonc", keys: tuple[str, ...] = KEYS) -> bytes:
    return with_entry(content, syntax, keys, ENTRY, FILE)


def drop(content: bytes, syntax: Syntax = "jsonc", keys: tuple[str, ...] = KEYS) -> bytes:
    return without_entry(content, syntax, keys, FILE)


@given(documents(objects(("other", "another"))))
def test_an_entry_beside_others_goes_in_and_out_without_a_trace(before: bytes) -> None:
    after = put(before)
    assert comments(after) == comments(before)
    assert drop(after) == before


@given(documents(objects(())))
def test_an_entry_in_an_empty_object_keeps_all_comments(before: bytes) -> None:
    after = put(before)
    assert comments(after) == comments(before)
    assert comments(drop(after)) == comments(before)
    assert parsed(drop(after), "jsonc", FILE) == parsed(before, "jsonc", FILE)


LAYOUTS = (
    ('{"a": 1}', '{"a": 1, "uniqc": {"c": 1}}'),
    ('{"a": 1, }', '{"a": 1, "uniqc": {"c": 1}, }'),
    ("{}", '{\n  "uniqc": {\n    "c": 1\n  }\n}'),
    ('{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"uniqc": {\n\t\t"c": 1\n\t}\n}\n'),
    (
        '{\n    "a": 1 // one\n    // two\n}',
        '{\n    "a": 1, // one\n    "uniqc": {\n        "c": 1\n    }\n    // two\n}',
    ),
    (
        '{\n  "a": 1, /* one */\n}',
        '{\n  "a": 1, /* one */\n  "uniqc": {\n    "c": 1\n  },\n}',
    ),
)


@pytest.mark.parametrize(("before", "after"), LAYOUTS)
def test_an_entry_is_laid_out_as_what_is_around_it(before: str, after: str) -> None:
    content = with_entry(before.encode(), "jsonc", ("uniqc",), {"c": 1}, FILE)
    assert content.decode() == after
    assert without_entry(content, "jsonc", ("uniqc",), FILE).decode() == before


@given(documents(objects(("uniqc", "other")) | objects(("other", "uniqc"))))
def test_an_entry_is_replaced_where_it_stands(before: bytes) -> None:
    after = put(before)
    assert put(after) == after
    kept = set(before.split(b'"uniqc"')[0].splitlines())
    assert kept <= {*after.split(b'"uniqc"')[0].splitlines()}


@given(documents(objects(("other",))), st.integers(0, 400))
def test_a_text_that_is_cut_is_refused_or_edited_whole(before: bytes, cut: int) -> None:
    part = before[: -cut or None]
    try:
        after = put(part)
    except InstallError as error:
        assert "left alone" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert parsed(after, "jsonc", FILE)["mcpServers"]["uniqc"] == ENTRY


@pytest.mark.parametrize(
    ("syntax", "content", "message"),
    [
        ("json", b'{"a": 1, // no\n}', "line 1, column 10: Expecting property name"),
        ("json", b'{\n  "a": 1,\n}', "line 3, column 1"),
        ("json with comments", b'{\n "a": 1, // yes\n}', "line 3, column 1"),
        ("jsonc", b'{\n  "a" 1}', "line 2, column 7: Expecting ':'"),
        ("jsonc", b'{"a": 1,,}', "line 1, column 10"),
        ("jsonc", b"{,}", "line 1, column 2"),
        ("jsonc", b'{"a": 1 /* open', "line 1, column 9"),
        ("jsonc", b'{"a": 1, "a": 2}', "the key 'a' twice"),
        ("jsonc", b'{"a": NaN}', "line 1, column 7: NaN is no value of JSON"),
        ("jsonc", b"[" * 100_000, "nested too deeply"),
        ("jsonc", b"[1]", "holds a list in place of a table"),
        ("jsonc", '{"a": 1}'.encode("utf-16"), "not in UTF-8"),
        ("toml", b"[a]\nb = \n", "line 2"),
        ("yaml", b"a: [1\nb: 2\n", "line 2, column 2"),
        ("yaml", b"a: 1\n---\nb: 2\n", "line 2"),
    ],
)
def test_a_file_that_does_not_parse_is_refused_by_line(
    syntax: Syntax, content: bytes, message: str
) -> None:
    for edit in (put, drop):
        with pytest.raises(InstallError, match="left alone") as raised:
            edit(content, syntax)
        assert message in str(raised.value)
        assert str(FILE) in str(raised.value)


TOML = (
    "",
    "a = 1",
    "# c\na = 1 # x\n\n[b]\nc = 2 # y\n# end\n",
    "a=1\r\n[b]\r\nc=2\r\n",
    "[mcpServers.o]\ncommand = 'x' # why\n# tail\n\n[z]\nq = 1\n",
    "[mcpServers.o]\ncommand = 'x'\n\n[z]\nq = 1\n\n[mcpServers.p]\ncommand='y' # k\n",
    "[mcpServers]\no = {command = 'x'}\n[z]\n",
    "mcpServers = {o = {command='x'}}\n",
    "mcpServers.o.command = 'x'\n[z]\nq=1\n",
    "[mcpServers.o]\ncommand='x'\n[mcpServers.o.env]\nA='b'\n\n\n# last\n",
)
YAML = (
    "",
    "# top\nGOOSE_MODE: auto\n",
    "a: 1",
    "extensions: {}  # none yet\nb: 2\n",
    "extensions:\nb: 2\n",
    "extensions:\n  # mine\n  dev:\n    enabled: true   # on\n    args: []\n\n# of b\nb: |\n  x\n",
    "b: 'x'\nextensions:\n    dev: {enabled: true,\n       type: stdio}\n",
    "extensions: {dev: {enabled: true}}\n",
    "extensions:\r\n  dev:\r\n    enabled: true\r\n",
)


def lines_kept(before: str, after: str) -> bool:
    """Return True if all lines are still there, in their order."""
    found = iter(after.splitlines())
    return all(line in found for line in before.splitlines() if line.strip())


@pytest.mark.parametrize("text", TOML)
def test_toml_keeps_its_lines_and_loses_none_by_a_removal(text: str) -> None:
    after = put(text.encode(), "toml")
    assert tomllib.loads(after.decode().replace("\r\n", "\n"))["mcpServers"]["uniqc"] == ENTRY
    if "= {o = {" not in text:
        assert lines_kept(text, after.decode())
    dropped = drop(after, "toml").decode()
    assert lines_kept(text, dropped)
    assert re.sub(r"\s+", "\n", dropped.strip()) == re.sub(r"\s+", "\n", text.strip())


@pytest.mark.parametrize("text", YAML)
def test_yaml_keeps_its_lines_and_loses_none_by_a_removal(text: str) -> None:
    keys = ("extensions", "uniqc")
    after = put(text.encode(), "yaml", keys)
    assert parsed(after, "yaml", FILE)["extensions"]["uniqc"] == ENTRY
    assert put(after, "yaml", keys) == after
    dropped = drop(after, "yaml", keys)
    before = parsed(text.encode(), "yaml", FILE)
    assert parsed(dropped, "yaml", FILE) == before | {"extensions": before.get("extensions") or {}}
    if "dev" in text:
        assert dropped == text.encode()
    assert all(comment in dropped.decode() for comment in re.findall(r"#.*", text))


@pytest.mark.parametrize(
    "text",
    [
        "extensions: &all\n  dev: {enabled: true}\nothers: *all\n",
        "extensions: {  # open\n  }\nb: 1\n",
        "? extensions\n: dev: 1\n",
        "{a: 1}\n",
    ],
)
def test_yaml_that_an_edit_would_damage_is_left_for_the_user(text: str) -> None:
    with pytest.raises(InstallError, match="Edit it by hand"):
        put(text.encode(), "yaml", ("extensions", "uniqc"))


def put_and_drop(content: bytes) -> bytes:
    return drop(put(content))


@pytest.mark.parametrize("edit", [put, put_and_drop])
def test_a_file_of_five_thousand_servers_is_edited_in_no_time(
    edit: Callable[[bytes], bytes],
) -> None:
    others = ",\n".join(f'  "key {number}": {{"a": [1, 2], "b": "//"}}' for number in range(5_000))
    content = f'{{\n{others},\n  "mcpServers": {{}} // none\n}}\n'.encode()
    assert others.encode() in edit(content)
