"""Clients that are configured by their own commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.cli.install.conftest import Home

STATE = ".claude.json"
SETTINGS = ".gemini/settings.json"


def entry(home: Home, *args: str) -> dict[str, object]:
    return {"type": "stdio", "command": str(home.programs / "uniqc-mcp"), "args": list(args)}


@pytest.mark.parametrize("scope", ["user", "project", "local"])
def test_claude_code_is_told_by_its_own_command(scope: str, home: Home) -> None:
    home.fake("claude", STATE)
    if scope == "user":
        said = home.succeed("install", "claude-code", "--no-check", "--", "--max-wait", "9")
        assert "by `claude`" in said
        (call,) = home.calls("claude")
        command = str(home.programs / "uniqc-mcp")
        assert call == [
            *("mcp", "add", "-s", "user", "uniqc"),
            *("--", command, "--max-wait", "9"),
        ]
        home.succeed("uninstall", "claude-code")
        assert home.calls("claude")[1] == ["mcp", "remove", "-s", "user", "uniqc"]
    else:
        done = home.succeed("install", "claude-code", "--scope", scope, "--dry-run")
        assert f"claude mcp add -s {scope} uniqc -- " in done
        assert home.calls("claude") == []


def test_the_local_scope_of_claude_code_is_that_of_the_project(home: Home) -> None:
    servers = {"uniqc": entry(home)}
    home.write(STATE, json.dumps({"projects": {str(home.project): {"mcpServers": servers}}}))
    home.fake("claude", STATE)
    said = home.succeed("install", "claude-code", "--scope", "local", "--no-check")
    assert "has this entry already" in said
    assert home.calls("claude") == []
    said = home.succeed("install", "claude-code", "--no-check")
    assert "has an entry of scope local too" in said


def test_a_state_of_claude_code_that_does_not_parse_stops_its_command(home: Home) -> None:
    home.fake("claude", STATE)
    file = home.write(STATE, '{"numStartups": 3,')
    assert "line 1, column 19" in home.fail("install", "claude-code")
    assert file.read_text() == '{"numStartups": 3,'
    assert home.calls("claude") == []


def test_the_state_of_claude_code_is_not_written_without_its_command(home: Home) -> None:
    file = home.write(STATE, "{}")
    said = home.fail("install", "claude-code")
    assert "its command claude may write" in said
    assert "--scope project" in said
    assert file.read_text() == "{}"


@pytest.mark.parametrize("replace", [False, True])
def test_another_entry_is_replaced_only_if_asked_for(home: Home, *, replace: bool) -> None:
    home.fake("claude", STATE)
    home.write(STATE, json.dumps({"mcpServers": {"uniqc": {"command": "/old", "args": ["-x"]}}}))
    if not replace:
        said = home.fail("install", "claude-code")
        assert "another entry named uniqc: /old -x" in said
        assert "--replace" in said
        assert home.calls("claude") == []
        return
    home.succeed("install", "claude-code", "--replace", "--no-check")
    removed, added = home.calls("claude")
    assert removed == ["mcp", "remove", "-s", "user", "uniqc"]
    assert added[1] == "add"


def test_the_backup_of_a_file_that_an_own_command_edits_stands_beside_it(home: Home) -> None:
    home.fake("gemini", SETTINGS)
    before = '{"theme": "dark", "mcpServers": {"other": {"command": "o"}}}'
    file = home.write(SETTINGS, before)
    home.succeed("install", "gemini", "--no-check", "--", "--max-wait", "9")
    (call,) = home.calls("gemini")
    command = str(home.programs / "uniqc-mcp")
    assert call == [
        *("mcp", "add", "-s", "user", "--timeout", "600000", "uniqc", command),
        *("--", "--max-wait", "9"),
    ]
    assert file.with_name("settings.json.before-uniqc-mcp").read_text() == before


@pytest.mark.parametrize("behaviour", ["loses", "idles", "fails"])
@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_a_command_that_does_something_else_is_undone(
    behaviour: str, command: str, home: Home
) -> None:
    home.fake("gemini", SETTINGS, **{behaviour: True})
    servers = {"other": {"command": "o"}}
    if command == "uninstall":
        servers["uniqc"] = {"command": "/old/uniqc-mcp"}
    before = json.dumps({"theme": "dark", "mcpServers": servers})
    file = home.write(SETTINGS, before)
    said = home.fail(command, "gemini")
    assert {
        "loses": "gemini changed more in",
        "idles": "does not have the entry as it should be",
        "fails": "gemini ended with 1: it did not work",
    }[behaviour] in said
    assert file.read_text() == before


def test_a_client_without_its_command_on_path_is_told_by_its_file(home: Home) -> None:
    file = home.write(SETTINGS, '{\n  // mine\n  "theme": "dark"\n}')
    home.succeed("install", "gemini", "--no-check")
    assert "// mine" in file.read_text()
    assert str(home.programs / "uniqc-mcp") in file.read_text()


def test_cline_gets_the_arguments_behind_a_double_dash(home: Home) -> None:
    home.fake("cline", ".cline/data/settings/cline_mcp_settings.json")
    (home.path / ".cline/data/settings").mkdir(parents=True)
    home.succeed("install", "cline", "--no-check", "--", "--max-wait", "9")
    (call,) = home.calls("cline")
    command = str(home.programs / "uniqc-mcp")
    assert call == ["mcp", "add", "uniqc", "--yes", "--", command, "--max-wait", "9"]


def test_a_file_with_comments_is_edited_because_own_commands_lose_them(home: Home) -> None:
    home.fake("gemini", SETTINGS)
    before = '{\n  "mcpServers": {\n    "other": {"command": "o"} // why\n  }\n}'
    file = home.write(SETTINGS, before)
    home.succeed("install", "gemini", "--no-check")
    assert '"other": {"command": "o"}, // why\n' in file.read_text()
    home.succeed("uninstall", "gemini")
    assert file.read_text() == before
    assert home.calls("gemini") == []


def test_auggie_gets_the_entry_as_json(home: Home) -> None:
    home.fake("auggie", ".augment/settings.json")
    (home.path / ".augment").mkdir()
    home.succeed("install", "auggie", "--no-check", "--", "--max-wait", "9")
    (call,) = home.calls("auggie")
    assert call[:-1] == ["mcp", "add-json", "--replace", "uniqc"]
    assert json.loads(call[-1]) == entry(home, "--max-wait", "9")
