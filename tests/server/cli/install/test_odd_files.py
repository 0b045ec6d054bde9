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
