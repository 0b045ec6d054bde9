"""Each row of the table of clients: its file, the shape of its entry, and the way back."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from uniqc_mcp.cli.install.clients import CLIENTS
from uniqc_mcp.cli.install.editing.documents import parsed
from uniqc_mcp.cli.install.machine import Machine, Platform

if TYPE_CHECKING:
    from tests.server.cli.install.conftest import Home

COMMAND = "COMMAND"
ARGS = ["--max-wait", "45"]
PLAIN = {"command": COMMAND, "args": ARGS}
STDIO = {"type": "stdio", **PLAIN}

WRITTEN: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("claude-code", "project"): ("project/.mcp.json", {"mcpServers": {"uniqc": STDIO}}),
    ("claude-desktop", "user"): (
        "home/.config/Claude/claude_desktop_config.json",
        {"mcpServers": {"uniqc": PLAIN}},
    ),
    ("codex", "user"): (
        "home/.codex/config.toml",
        {"mcp_servers": {"uniqc": PLAIN | {"startup_timeout_sec": 20, "tool_timeout_sec": 300}}},
    ),
    ("codex", "project"): (
        "project/.codex/config.toml",
        {"mcp_servers": {"uniqc": PLAIN | {"startup_timeout_sec": 20, "tool_timeout_sec": 300}}},
    ),
    ("gemini", "user"): (
        "home/.gemini/settings.json",
        {"mcpServers": {"uniqc": PLAIN | {"timeout": 600_000}}},
    ),
    ("gemini", "project"): (
        "project/.gemini/settings.json",
        {"mcpServers": {"uniqc": PLAIN | {"timeout": 600_000}}},
    ),
    ("qwen", "user"): (
        "home/.qwen/settings.json",
        {"mcpServers": {"uniqc": PLAIN | {"timeout": 600_000}}},
    ),
    ("qwen", "project"): (
        "project/.qwen/settings.json",
        {"mcpServers": {"uniqc": PLAIN | {"timeout": 600_000}}},
    ),
    ("opencode", "user"): (
        "home/.config/opencode/opencode.jsonc",
        {
            "mcp": {
                "uniqc": {
                    "type": "local",
                    "command": [COMMAND, *ARGS],
                    "enabled": True,
                    "timeout": 300_000,
                }
            }
        },
    ),
    ("opencode", "project"): (
        "project/opencode.json",
        {
            "mcp": {
                "uniqc": {
                    "type": "local",
                    "command": [COMMAND, *ARGS],
                    "enabled": True,
                    "timeout": 300_000,
                }
            }
        },
    ),
    ("copilot", "user"): (
        "home/.copilot/mcp-config.json",
        {"mcpServers": {"uniqc": {"type": "local", **PLAIN, "tools": ["*"], "timeout": 300_000}}},
    ),
    ("cursor", "user"): ("home/.cursor/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
    ("cursor", "project"): ("project/.cursor/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
    ("vscode", "user"): ("home/.config/Code/User/mcp.json", {"servers": {"uniqc": STDIO}}),
    ("vscode", "project"): ("project/.vscode/mcp.json", {"servers": {"uniqc": STDIO}}),
    ("windsurf", "user"): (
        "home/.codeium/windsurf/mcp_config.json",
        {"mcpServers": {"uniqc": PLAIN}},
    ),
    ("zed", "user"): (
        "home/.config/zed/settings.json",
        {"context_servers": {"uniqc": {"source": "custom", **PLAIN}}},
    ),
    ("zed", "project"): (
        "project/.zed/settings.json",
        {"context_servers": {"uniqc": {"source": "custom", **PLAIN}}},
    ),
    ("goose", "user"): (
        "home/.config/goose/config.yaml",
        {
            "extensions": {
                "uniqc": {
                    "enabled": True,
                    "type": "stdio",
                    "name": "uniqc",
                    "description": "Quantum tasks",
                    "cmd": COMMAND,
                    "args": ARGS,
                    "timeout": 300,
                }
            }
        },
    ),
    ("cline", "user"): (
        "home/.cline/data/settings/cline_mcp_settings.json",
        {"mcpServers": {"uniqc": {"transport": STDIO}}},
    ),
    ("cline-vscode", "user"): (
        (
            "home/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/"
            "cline_mcp_settings.json"
        ),
        {"mcpServers": {"uniqc": PLAIN | {"timeout": 300, "disabled": False}}},
    ),
    ("droid", "user"): (
        "home/.factory/mcp.json",
        {"mcpServers": {"uniqc": STDIO | {"disabled": False}}},
    ),
    ("droid", "project"): (
        "project/.factory/mcp.json",
        {"mcpServers": {"uniqc": STDIO | {"disabled": False}}},
    ),
    ("amp", "user"): ("home/.config/amp/settings.json", {"amp.mcpServers": {"uniqc": PLAIN}}),
    ("auggie", "user"): ("home/.augment/settings.json", {"mcpServers": {"uniqc": STDIO}}),
    ("auggie", "project"): ("project/.augment/settings.json", {"mcpServers": {"uniqc": STDIO}}),
    ("junie", "user"): ("home/.junie/mcp/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
    ("junie", "project"): ("project/.junie/mcp/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
    ("kiro", "user"): ("home/.kiro/settings/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
    ("kiro", "project"): ("project/.kiro/settings/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
}
"""The file of each client and scope that are written by a file, and what is in it afterwards."""

COMMENTED = {
    "json": "",
    "json with comments": "// mine\n",
    "jsonc": "// mine\n",
    "toml": "# mine\n",
    "yaml": "# mine\n",
}

ELSEWHERE = {
    "claude-desktop": (
        "Library/Application Support/Claude/claude_desktop_config.json",
        "AppData/Roaming/Claude/claude_desktop_config.json",
    ),
    "vscode": (
        "Library/Application Support/Code/User/mcp.json",
        "AppData/Roaming/Code/User/mcp.json",
    ),
    "cline-vscode": (
        (
            "Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/"
            "cline_mcp_settings.json"
        ),
        (
            "AppData/Roaming/Code/User/globalStorage/saoudrizwan.claude-dev/settings/"
            "cline_mcp_settings.json"
        ),
    ),
    "zed": (".config/zed/settings.json", "AppData/Roaming/Zed/settings.json"),
    "goose": (".config/goose/config.yaml", "AppData/Roaming/Block/goose/config/config.yaml"),
}
"""The files on macOS and Windows, of clients where they are not as on Linux."""


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
