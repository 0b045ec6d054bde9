"""Uninstall brings back what was there before install."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.cli.install.conftest import Home

CURSOR = ".cursor/mcp.json"


def test_uninstall_after_a_replacement_leaves_no_entry(home: Home) -> None:
    before = '{"mcpServers": {"other": {"command": "x"}}}\n'
    file = home.write(CURSOR, before)
    home.succeed("install", "cursor", "--no-check")
    home.succeed("install", "cursor", "--no-check", "--replace", "--", "--max-wait", "9")
    home.succeed("uninstall", "cursor")
    assert file.read_text() == before


@pytest.mark.parametrize("before", ["", "{}\n", "{}", " \n"])
def test_a_file_without_anything_in_it_is_there_after_uninstall(home: Home, before: str) -> None:
    file = home.write(CURSOR, before)
    home.succeed("install", "cursor", "--no-check")
    home.succeed("uninstall", "cursor")
    assert file.read_text() == before
    assert [*file.parent.iterdir()] == [file]


def test_uninstall_removes_the_file_that_install_made_behind_a_link(home: Home) -> None:
    target = home.path / "dotfiles" / "cursor.json"
    (home.path / ".cursor").mkdir()
    link = home.path / CURSOR
    link.symlink_to(target)
    home.succeed("install", "cursor", "--no-check")
    assert target.exists()
    home.succeed("uninstall", "cursor")
    assert (target.exists(), link.is_symlink()) == (False, True)


@pytest.mark.parametrize(
    ("client", "scope", "file"),
    [
        ("cursor", "user", ".cursor/mcp.json"),
        ("goose", "user", ".config/goose/config.yaml"),
        ("cline", "user", ".cline/data/settings/cline_mcp_settings.json"),
        ("cursor", "project", "../project/.cursor/mcp.json"),
    ],
)
def test_uninstall_removes_the_folders_that_install_made(
    client: str, scope: str, file: str, home: Home
) -> None:
    (home.path / ".config").mkdir()
    before = sorted(home.path.parent.rglob("*"))
    home.succeed("install", client, "--no-check", "--scope", scope)
    assert (home.path / file).exists()
    home.succeed("uninstall", client, "--scope", scope)
    assert sorted(home.path.parent.rglob("*")) == before


def test_uninstall_leaves_a_folder_that_a_variable_names(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.path / "settings" / "codex"
    folder.mkdir(parents=True)
    monkeypatch.setenv("CODEX_HOME", str(folder))
    home.succeed("install", "codex", "--no-check")
    home.succeed("uninstall", "codex")
    assert [*folder.iterdir()] == []


def by_hand(home: Home, **entry: object) -> Path:
    return home.write(CURSOR, json.dumps({"theme": 1, "mcpServers": {"uniqc": entry}}))


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ({"command": "mine", "args": ["a b"]}, "the command `mine 'a b'`"),
        ({"command": "uvx", "args": ["other"]}, "the command `uvx other`"),
        ({"command": "python3", "args": ["-m", "uniqc_mcp"]}, "the command `python3 -m uniqc_mcp`"),
        ({"command": "/opt/not-uniqc-mcp"}, "the command `/opt/not-uniqc-mcp`"),
        ({"url": "https://example.org/mcp"}, "no command in the form of this client"),
        ({"command": "uniqc-mcp", "env": {"B": "secret", "A": ""}}, "values for A, B"),
    ],
)
def test_an_entry_that_install_does_not_write_stays_unless_forced(
    entry: dict[str, object], part: str, home: Home
) -> None:
    file = by_hand(home, **entry)
    before = file.read_text()
    for more in ((), ("--dry-run",)):
        said = home.fail("uninstall", "cursor", *more)
        assert f"has an entry named uniqc that install does not write: it has {part}" in said
        assert "Add --force to remove it." in said
        assert "secret" not in said
    assert file.read_text() == before
    said = home.succeed("uninstall", "cursor", "--force")
    assert json.loads(file.read_text())["mcpServers"] == {}
    backup = file.with_name("mcp.json.before-uniqc-mcp")
    assert said.endswith(f"The file as it was: {backup}\n")
    assert backup.read_text() == before


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "uniqc-mcp", "args": ["--allow-clear", "success"]},
        {"command": "/opt/bin/uniqc-mcp", "env": {"UNIQC_MCP_CACHE_DIR": "/data"}},
        {"command": "C:\\Scripts\\uniqc-mcp.exe", "args": [], "env": {}},
        {"command": "/usr/bin/uvx", "args": ["uniqc-mcp", "--eager"]},
        {"command": "pipx", "args": ["run", "uniqc-mcp"]},
    ],
)
def test_an_entry_that_starts_this_server_goes_and_is_told(
    entry: dict[str, object], home: Home
) -> None:
    by_hand(home, **entry, cwd="/data", autoApprove=["list_tasks"])
    words = shlex.join([str(entry["command"]), *cast("list[str]", entry.get("args", []))])
    which = f"that starts `{words}` and has autoApprove, cwd from"
    assert f"Would remove mcpServers.uniqc {which}" in (
        home.succeed("uninstall", "cursor", "--dry-run")
    )
    assert f"Removed the entry {which}" in home.succeed("uninstall", "cursor")


def test_a_forced_removal_of_a_file_with_nothing_else_leaves_a_backup(home: Home) -> None:
    text = json.dumps({"mcpServers": {"uniqc": {"command": "mine"}}}, indent=2) + "\n"
    file = home.write(CURSOR, text)
    said = home.succeed("uninstall", "cursor", "--force")
    backup = file.with_name("mcp.json.before-uniqc-mcp")
    assert said == (
        f"Cursor: removed {file}, which held nothing else. The file as it was: {backup}\n"
    )
    assert (file.exists(), backup.read_text()) == (False, text)
