"""What registries and clients install the server by agrees with the server and with their rules."""

from __future__ import annotations

import base64
import json
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from uniqc_mcp import __version__
from uniqc_mcp.cli.commands import cli
from uniqc_mcp.tool_registry import TOOLS

ROOT = Path(__file__).parents[1]
DISTRIBUTION = ROOT / "distribution"
README = (ROOT / "README.md").read_text()
BUNDLE = DISTRIBUTION / "mcpb"
PLUGIN = DISTRIBUTION / "claude"
SERVER = {"command": "uvx", "args": ["uniqc-mcp"]}


def read(*path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DISTRIBUTION.joinpath(*path).read_text())
    return found


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    """Check a directory by skillsaw, which has the schemas with it and asks no network."""
    command = [sys.executable, "-m", "skillsaw", "lint", "--strict", "--no-plugins"]
    return subprocess.run(
        [*command, str(directory)], capture_output=True, text=True, timeout=180, check=False
    )


@pytest.mark.parametrize("directory", [DISTRIBUTION, PLUGIN])
def test_the_rules_of_registries_and_plugins_are_kept(directory: Path) -> None:
    done = lint(directory)
    assert done.returncode == 0, done.stdout
    assert "All checks passed!" in done.stdout


def test_what_breaks_a_rule_is_noticed(tmp_path: Path) -> None:
    copy = shutil.copytree(DISTRIBUTION, tmp_path / "distribution")
    skill = copy / "claude" / "skills" / "quantum-tasks" / "SKILL.md"
    for file, before, after in (
        (copy / "server.json", '"transport"', '"transports"'),
        (skill, "name: quantum-tasks", "name: Quantum-tasks"),
    ):
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))
    done = lint(copy)
    assert done.returncode == 1
    assert "(mcp-registry-server-json-valid)" in done.stdout
    assert "(agentskill-name)" in done.stdout


def test_all_versions_are_that_of_the_package() -> None:
    registry, bundle = read("server.json"), read("mcpb", "manifest.json")
    environment = tomllib.loads((BUNDLE / "pyproject.toml").read_text())["project"]
    plugin = read("claude", ".claude-plugin", "plugin.json")
    extension = read("gemini", "gemini-extension.json")
    for described in (registry, *registry["packages"], bundle, environment, plugin, extension):
        assert described["version"] == __version__
    assert environment["dependencies"] == [f"uniqc-mcp=={__version__}"]
    for starter in (plugin, extension):
        (server,) = starter["mcpServers"].values()
        assert (server["command"], server["args"]) == ("uvx", [f"uniqc-mcp@{__version__}"])


def test_the_readme_has_the_name_of_the_registry() -> None:
    assert re.findall(r"mcp-name: (\S+)", README) == [read("server.json")["name"]]


def test_the_variables_are_those_of_the_command() -> None:
    known = {parameter.envvar for parameter in cli.commands["serve"].params}
    (package,) = read("server.json")["packages"]
    assert {each["name"] for each in package["environmentVariables"]} <= known
    assert read("mcpb", "manifest.json")["server"]["mcp_config"]["env"].keys() <= known


def test_the_bundle_starts_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = read("mcpb", "manifest.json")["server"]
    assert server["mcp_config"]["args"][-1] == server["entry_point"]
    monkeypatch.setattr(sys, "argv", ["server.py", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(BUNDLE / server["entry_point"]), run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"uniqc-mcp, version {__version__}\n"


def test_the_skill_names_every_tool_and_no_other() -> None:
    skill = (PLUGIN / "skills" / "quantum-tasks" / "SKILL.md").read_text()
    named = set(re.findall(r"`((?:[a-z]+_)+(?:tasks?|cleared|clear))`", skill))
    assert named == {tool.name for tool in TOOLS}


def decoded(text: str) -> Any:
    return json.loads(base64.b64decode(text, validate=True))


def test_the_links_of_the_readme_add_the_server() -> None:
    found: list[str] = re.findall(r"[a-z]+://[^\s)?]+/install[^\s)?]*\?[^\s)]+", README)
    links = {
        urlsplit(link).netloc: parse_qs(urlsplit(link).query, strict_parsing=True) for link in found
    }
    code, cursor = links["insiders.vscode.dev"], links["cursor.com"]
    assert (code["name"], json.loads(code["config"][0])) == (["uniqc"], SERVER)
    assert (cursor["name"], decoded(cursor["config"][0])) == (["uniqc"], SERVER)
    assert decoded(links["mcp"]["servers"][0]) == {"mcpServers": {"uniqc": SERVER}}
    assert len(links) == 3
