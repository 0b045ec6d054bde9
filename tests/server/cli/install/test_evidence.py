"""A client counts as installed by what it left itself, not by what install wrote for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.server.cli.install.expected import WRITTEN

from uniqc_mcp.cli.install.clients import CLIENTS
from uniqc_mcp.cli.install.evidence import evidence_of
from uniqc_mcp.cli.install.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.cli.install.conftest import Home


def seen(home: Home) -> dict[str, str]:
    """Return the clients that are seen, with the path that shows each."""
    machine = Machine.here()
    assert machine.home == home.path
    found = {name: evidence_of(client, machine) for name, client in CLIENTS.items()}
    return {name: str(path) for name, path in found.items() if path is not None}


def line_of(client: str, home: Home) -> str:
    lines = home.succeed("install", "--list").splitlines()
    return next(line for line in lines if line.split()[0] == client)


@pytest.mark.parametrize("is_project", [False, True])
def test_what_install_writes_makes_no_client_installed(
    home: Home, monkeypatch: pytest.MonkeyPatch, *, is_project: bool
) -> None:
    """A home may be a project, so that files of both scopes stand in it."""
    if is_project:
        monkeypatch.chdir(home.path)
    for name, scope in WRITTEN:
        said = home.succeed("install", name, "--scope", scope, "--no-check")
        assert f"{CLIENTS[name].title} itself was not seen on this machine." in said
    assert seen(home) == {}
    if is_project:
        return  # some files are those of two scopes
    for name, scope in WRITTEN:
        home.succeed("install", name, "--scope", scope, "--no-check", "--replace", "--", "--eager")
        home.succeed("uninstall", name, "--scope", scope)
    assert seen(home) == {}


def test_list_tells_what_was_seen_from_what_is_configured(home: Home) -> None:
    assert line_of("cursor", home).endswith("  not found")
    home.succeed("install", "cursor", "--no-check")
    assert line_of("cursor", home).endswith("  configured here, but the client itself was not seen")
    left = home.write(".cursor/argv.json", "{}")
    assert line_of("cursor", home).endswith("  installed, configured")
    listed = json.loads(home.succeed("install", "--list", "--json"))
    shown = {each["client"]: each["seen"] for each in listed}
    assert shown == dict.fromkeys(CLIENTS) | {"cursor": str(left)}
    home.succeed("uninstall", "cursor")
    assert line_of("cursor", home).endswith("  installed")


@pytest.mark.parametrize(
    ("client", "file"),
    [
        ("cursor", ".cursor/argv.json"),
        ("vscode", ".config/Code/User/settings.json"),
        ("vscode", ".config/Code/User/globalStorage/state.vscdb"),
        ("windsurf", ".codeium/windsurf/user_settings.pb"),
        ("claude-desktop", ".config/Claude/Preferences"),
        ("cline", ".cline/data/tasks/1.json"),
        ("codex", ".codex/auth.json"),
        ("kiro", ".kiro/settings/cli.json"),
    ],
)
def test_a_file_of_the_clients_own_shows_it(client: str, file: str, home: Home) -> None:
    left = home.write(file, "x")
    home.succeed("install", client, "--no-check")
    shown = seen(home)
    assert shown.keys() == {client}
    assert str(left).startswith(shown[client])


def test_a_folder_of_the_extension_shows_vs_code_too(home: Home) -> None:
    extension = ".config/Code/User/globalStorage/saoudrizwan.claude-dev"
    home.write(f"{extension}/settings/cline_mcp_settings.json", '{"mcpServers": {}}')
    assert seen(home) == {}
    left = home.write(f"{extension}/tasks/1/task.json", "{}")
    assert seen(home) == dict.fromkeys(("vscode", "cline-vscode"), str(left.parents[1]))


@pytest.mark.parametrize(
    ("client", "file", "content", "shows"),
    [
        ("gemini", ".gemini/settings.json", '{"security": {"auth": 1}}', True),
        ("gemini", ".gemini/settings.json", '{"mcpServers": {"other": {"command": "o"}}}', False),
        ("gemini", ".gemini/settings.json", "{", False),
        ("goose", ".config/goose/config.yaml", "GOOSE_MODEL: m\nextensions: {}\n", True),
        ("goose", ".config/goose/config.yaml", "extensions: {}\n", False),
        ("zed", ".config/zed/settings.json", '{"theme": "One", "context_servers": {}}', True),
        ("claude-code", ".claude.json", '{"mcpServers": {"other": {"command": "o"}}}', False),
        ("claude-code", ".claude.json", '{"numStartups": 3}', True),
    ],
)
def test_settings_show_a_client_and_servers_do_not(
    client: str, file: str, content: str, home: Home, *, shows: bool
) -> None:
    path = home.write(file, content)
    assert seen(home) == ({client: str(path)} if shows else {})


def test_a_program_and_an_application_show_a_client(home: Home, tmp_path: Path) -> None:
    home.fake("cursor", "unused.json")
    assert seen(home) == {"cursor": str(home.programs / "cursor")}
    there = tmp_path / "local" / "Programs" / "Windsurf"
    there.mkdir(parents=True)
    machine = Machine(
        platform="windows",
        home=home.path,
        project=home.project,
        environ={"PATH": "", "LOCALAPPDATA": str(tmp_path / "local")},
    )
    shown = {name: evidence_of(client, machine) for name, client in CLIENTS.items()}
    assert shown == dict.fromkeys(CLIENTS) | {"windsurf": there}
