"""Each row of the table of clients: its file, the shape of its entry, and the way back."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.server.cli.install.expected import ARGS, COMMAND, COMMENTED, ELSEWHERE, WRITTEN

from uniqc_mcp.cli.install.clients import CLIENTS
from uniqc_mcp.cli.install.editing.documents import parsed
from uniqc_mcp.cli.install.machine import Machine, Platform

if TYPE_CHECKING:
    from tests.server.cli.install.conftest import Home


def test_each_client_and_scope_is_tried() -> None:
    tried = {*WRITTEN, ("claude-code", "user"), ("claude-code", "local")}
    assert tried == {
        (client.name, scope) for client in CLIENTS.values() for scope in client.targets
    }


def other_server(file: Path, name: str) -> str:
    """Return a document of the client that has a comment and another setting."""
    comment = COMMENTED[CLIENTS[name].syntax]
    if file.suffix in (".toml", ".yaml"):
        return comment + ("theme = 1\n" if file.suffix == ".toml" else "theme: 1\n")
    return f'{comment}{{\n\t"theme": 1\n}}'


@pytest.mark.parametrize(("name", "scope"), WRITTEN)
def test_a_client_gets_the_entry_that_it_understands(name: str, scope: str, home: Home) -> None:
    place, expected = WRITTEN[name, scope]
    file = home.path.parent / place
    said = home.succeed("install", name, "--scope", scope, "--no-check", "--", *ARGS)
    assert str(file) in said
    text = file.read_text().replace(str(home.programs / "uniqc-mcp"), COMMAND)
    document = parsed(text.encode(), CLIENTS[name].syntax, file)
    assert document == expected
    assert not file.stat().st_mode & 0o077
    again = home.succeed("install", name, "--scope", scope, "--no-check", "--", *ARGS)
    assert "has this entry already" in again
    home.succeed("uninstall", name, "--scope", scope)
    assert not file.exists()


@pytest.mark.parametrize(("name", "scope"), WRITTEN)
def test_the_file_of_a_client_comes_back_to_the_byte(name: str, scope: str, home: Home) -> None:
    file = home.path.parent / WRITTEN[name, scope][0]
    file.parent.mkdir(parents=True, exist_ok=True)
    before = other_server(file, name)
    file.write_text(before)
    file.chmod(0o640)
    home.succeed("install", name, "--scope", scope, "--no-check")
    assert file.with_name(f"{file.name}.before-uniqc-mcp").read_text() == before
    for line in before.splitlines()[:-1]:
        assert line.rstrip(",") in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o640
    home.succeed("uninstall", name, "--scope", scope)
    assert file.read_text() == before
    assert [each.name for each in file.parent.iterdir() if each.is_file()] == [file.name]


@pytest.mark.parametrize("name", CLIENTS)
def test_list_names_the_entry_and_that_its_command_is_gone(name: str, home: Home) -> None:
    scope = "project" if name == "claude-code" else "user"
    home.succeed("install", name, "--scope", scope, "--no-check", "--", *ARGS)
    listed = json.loads(home.succeed("install", "--list", "--json"))
    (entry,) = next(each["entries"] for each in listed if each["client"] == name)
    assert entry == {
        "scope": scope,
        "file": str(home.path.parent / WRITTEN[name, scope][0]),
        "command": str(home.programs / "uniqc-mcp"),
        "args": ARGS,
        "exists": True,
        "is_on": True,
        "problem": "",
    }
    assert [each["client"] for each in listed if each["entries"]] == [name]
    (home.programs / "uniqc-mcp").unlink()
    assert f"uniqc-mcp {' '.join(ARGS)} - THERE IS NO SUCH COMMAND" in home.succeed(
        "install", "--list"
    )


@pytest.mark.parametrize("name", CLIENTS)
def test_print_shows_the_entry_and_writes_nothing(name: str, home: Home) -> None:
    done = home.run("install", name, "--print")
    assert done.exit_code == 0
    document = parsed(done.stdout.encode(), CLIENTS[name].syntax, Path("stdout"))
    assert str(home.programs / "uniqc-mcp") in json.dumps(document)
    file = CLIENTS[name].targets["user"].file(Machine.here())
    assert str(file) in done.stderr
    assert [*home.path.iterdir()] == []


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize(("platform", "number"), [("macos", 0), ("windows", 1)])
def test_the_file_is_where_the_platform_has_it(
    name: str, platform: Platform, number: int, tmp_path: Path
) -> None:
    machine = Machine(platform=platform, home=tmp_path, project=tmp_path, environ={})
    linux = WRITTEN.get((name, "user"), ("home/.claude.json", {}))[0].removeprefix("home/")
    expected = ELSEWHERE.get(name, (linux, linux))[number]
    assert CLIENTS[name].targets["user"].file(machine) == tmp_path / expected


@pytest.mark.parametrize(
    ("variable", "name", "below"),
    [
        ("CODEX_HOME", "codex", "config.toml"),
        ("COPILOT_HOME", "copilot", "mcp-config.json"),
        ("CLINE_DIR", "cline", "data/settings/cline_mcp_settings.json"),
        ("GEMINI_CLI_HOME", "gemini", ".gemini/settings.json"),
        ("QWEN_HOME", "qwen", "settings.json"),
        ("XDG_CONFIG_HOME", "amp", "amp/settings.json"),
        ("CLAUDE_CONFIG_DIR", "claude-code", ".claude.json"),
        ("XDG_CONFIG_HOME", "opencode", "opencode/opencode.jsonc"),
        ("XDG_CONFIG_HOME", "zed", "zed/settings.json"),
    ],
)
def test_a_variable_of_the_client_moves_its_file(
    variable: str, name: str, below: str, tmp_path: Path
) -> None:
    machine = Machine(
        platform="linux", home=tmp_path, project=tmp_path, environ={variable: "/elsewhere"}
    )
    assert CLIENTS[name].targets["user"].file(machine) == Path("/elsewhere") / below


def test_opencode_gets_the_form_of_its_second_version_where_the_file_has_it(home: Home) -> None:
    other = {"type": "local", "command": ["x"]}
    text = json.dumps({"mcp": {"servers": {"other": other}}})
    file = home.write(".config/opencode/opencode.json", text)
    home.succeed("install", "opencode", "--no-check")
    servers = json.loads(file.read_text())["mcp"]["servers"]
    assert servers["other"] == other
    assert servers["uniqc"] == {
        "type": "local",
        "command": [str(home.programs / "uniqc-mcp")],
        "timeout": {"startup": 60_000, "request": 300_000},
    }
    home.succeed("uninstall", "opencode")
    assert file.read_text() == text


def test_a_server_of_opencode_that_is_named_servers_is_no_second_version(home: Home) -> None:
    file = home.write(
        ".config/opencode/opencode.json",
        json.dumps({"mcp": {"servers": {"type": "local", "command": ["x"], "enabled": True}}}),
    )
    home.succeed("install", "opencode", "--no-check")
    assert json.loads(file.read_text())["mcp"]["uniqc"]["enabled"] is True


def test_codex_keeps_comments_in_the_tables_of_servers(home: Home) -> None:
    before = "model = 'x'\n[mcp_servers.other] # mine\ncommand = 'o'  # why\n\n[tui] # t\nx = 1\n"
    file = home.write(".codex/config.toml", before)
    home.succeed("install", "codex", "--no-check")
    text = file.read_text()
    assert all(line in text.splitlines() for line in before.splitlines())
    assert tomllib.loads(text)["mcp_servers"].keys() == {"other", "uniqc"}
