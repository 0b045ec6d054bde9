"""Files and folders that are seldom met are told of, and stop nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.cli.install.conftest import Home

CURSOR = ".cursor/mcp.json"
GOOSE = ".config/goose/config.yaml"
CODEX = ".codex/config.toml"


@pytest.mark.parametrize(
    ("client", "name", "content"),
    [
        ("cursor", CURSOR, '{"a": ' + "9" * 5000 + "}"),
        ("codex", CODEX, "a = " + "9" * 5000),
        ("codex", CODEX, "a = " + "[" * 3000 + "]" * 3000),
        ("goose", GOOSE, "when: 2024-99-99"),
    ],
)
def test_values_that_a_parser_can_not_hold_stop_neither_list_nor_doctor(
    home: Home, client: str, name: str, content: str
) -> None:
    file = home.write(name, content)
    assert "can't be parsed" in home.fail("install", client, "--no-check")
    assert file.read_text() == content
    for command in (["install", "--list"], ["doctor"]):
        assert "can't be parsed" in home.succeed(*command)


def test_a_folder_that_can_not_be_entered_stops_neither_list_nor_doctor(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.write(CURSOR, "{}")
    _forbid(file, monkeypatch)
    assert "mcp.json can't be read: Permission denied." in home.fail("install", "cursor")
    for command in (["install", "--list"], ["doctor"]):
        assert "mcp.json can't be read: Permission denied." in home.succeed(*command)


def test_a_folder_that_is_gone_and_a_home_that_is_not_known_are_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.project.rmdir()
    for command in (["install", "--list"], ["install", "cursor"], ["uninstall", "cursor"]):
        assert "current directory" in home.fail(*command)
    monkeypatch.chdir(home.path)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert "Set HOME" in home.fail("install", "--list")


def _forbid(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system refuse a file, as it does within a folder of another user; root enters all."""
    stat, open_file = os.stat, Path.read_bytes

    def refused(path: os.PathLike[str] | str | int, **how: bool) -> os.stat_result:
        if path == file or path == str(file):
            raise PermissionError(13, "Permission denied", str(file))
        return stat(path, **how)

    def read_bytes(path: Path) -> bytes:
        if path == file:
            raise PermissionError(13, "Permission denied", str(file))
        return open_file(path)

    monkeypatch.setattr(os, "stat", refused)
    monkeypatch.setattr(Path, "read_bytes", read_bytes)


@pytest.mark.parametrize(
    ("client", "name", "content", "reason"),
    [
        ("cursor", CURSOR, "null", "holds null in place of a table of settings"),
        ("cursor", CURSOR, "// mine\nnull", "holds null in place of a table of settings"),
        ("cursor", CURSOR, "[null]", "holds a list in place of a table"),
        ("cursor", CURSOR, "true", "holds a single value in place of a table"),
        ("goose", GOOSE, "null\n", "holds null in place of a table"),
        ("goose", GOOSE, "--- ~\n", "holds null in place of a table"),
        ("goose", GOOSE, "- a\n", "holds a list in place of a table"),
        ("goose", GOOSE, "words\n", "holds a text in place of a table"),
        ("cursor", CURSOR, "NaN", "line 1, column 1: NaN is no value of JSON"),
        ("cursor", CURSOR, '{\n "a": [1, -Infinity]}', "line 2, column 11: -Infinity is no value"),
        ("cursor", CURSOR, '{"x": {"a": 1},\n  "x": 2}', "line 2, column 3: an object has the key"),
        ("cursor", CURSOR, '{"a": "\x01"}', "line 1, column 8: Invalid control character\n"),
        ("cursor", CURSOR, '{"a": "b', "line 1, column 7: Unterminated string\n"),
    ],
)
def test_the_reason_of_a_refusal_names_what_is_wrong_and_where(
    home: Home, client: str, name: str, content: str, reason: str
) -> None:
    file = home.write(name, content)
    for command in (["install", client, "--no-check"], ["uninstall", client]):
        said = home.fail(*command)
        assert reason in said
        assert "was left alone" in said
        assert "Correct it first" in said
    assert file.read_text() == content


@pytest.mark.parametrize(
    ("client", "name", "content"),
    [
        ("cursor", CURSOR, '{\n  "mcpServers": null,\n  "a": "NaN, {Infinity}"\n}\n'),
        ("opencode", ".config/opencode/opencode.jsonc", '{"mcp": null // none yet\n}'),
        ("amp", ".config/amp/settings.json", '{"amp.mcpServers": null}'),
        ("cursor", CURSOR, '{"mcpServers": {"uniqc": null}}'),
        ("goose", GOOSE, "extensions: ~\nb: .nan\n"),
        ("goose", GOOSE, "---\n"),
        ("codex", CODEX, "a = nan\nb = [inf, -nan]\n"),
    ],
)
def test_nothing_in_the_place_of_servers_and_no_number_are_edited(
    home: Home, client: str, name: str, content: str
) -> None:
    file = home.write(name, content)
    home.succeed("install", client, "--no-check")
    assert "uniqc-mcp" in file.read_text()
    home.succeed("uninstall", client)
    assert file.read_text() == content


@pytest.mark.parametrize(
    ("client", "name", "content"),
    [
        ("cursor", CURSOR, '{"a": ' + "[" * 900 + "]" * 900 + "}"),
        ("cursor", CURSOR, '{"a": ' * 900 + "1" + "}" * 900),
        ("codex", CODEX, "a = " + "[" * 150 + "]" * 150),
        ("goose", GOOSE, "a: &again [*again]\n"),
    ],
)
def test_a_file_that_is_nested_too_deeply_to_be_edited_is_left_alone(
    home: Home, client: str, name: str, content: str
) -> None:
    file = home.write(name, content)
    for command in (["install", client, "--no-check"], ["uninstall", client]):
        assert "nested more than 100 levels deep, and was left alone" in home.fail(*command)
    assert file.read_text() == content
    assert "nested more than 100" in home.succeed("install", "--list")
