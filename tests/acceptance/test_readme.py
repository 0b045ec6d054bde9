"""README agrees with the server, the command and CI."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from uniqc_mcp.cli.sample import make_sample
from uniqc_mcp.prompts import PROMPTS
from uniqc_mcp.resources import RESOURCES
from uniqc_mcp.tool_registry import TOOLS
from uniqc_store import store

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "examples" / "clients"
README = (ROOT / "README.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading."""
    section = re.split(r"^## ", README, flags=re.MULTILINE)
    (text,) = (part for part in section if part.startswith(heading))
    table = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_table_of_tools_matches_the_server() -> None:
    documented = {name.strip("`"): effect for name, _, effect in rows("Tools")}
    assert documented == {tool.name: tool.effect for tool in TOOLS}


def test_the_table_of_resources_matches_the_server() -> None:
    documented = {address.strip("`") for address, _ in rows("Resources")}
    assert documented == {resource.uri for resource in RESOURCES}


def test_the_table_of_prompts_matches_the_server() -> None:
    documented = {name.strip("`") for name, _ in rows("Prompts")}
    assert documented == {prompt.name for prompt in PROMPTS}


def blocks(language: str) -> list[str]:
    """Return the code blocks in a language, of which there must be some."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
    assert found, f"README has no block of {language}"
    return found


def test_the_files_that_readme_names_exist() -> None:
    links = set(re.findall(r"\]\(([^)]*)\)", README))
    elsewhere = {link for link in links if link.startswith("https://")}
    assert links - elsewhere >= {"examples/clients", "benchmarks", "benchmarks/RESULTS.md"}
    named = set(re.findall(r"`((?:examples|benchmarks|tests|store|server|\.ci)/[\w./]+)`", README))
    assert named >= {".ci/run", "tests/soak/live_writer.py"}
    for path in links - elsewhere | named:
        assert (ROOT / path).exists(), path


def test_the_table_of_settings_matches_the_command(command: str) -> None:
    help_text = subprocess.run(
        [command, "serve", "--help"], capture_output=True, text=True, check=True
    ).stdout
    words = " ".join(help_text.split())
    settings = rows("Settings")
    assert settings
    for option, variable, _ in settings:
        assert f"{option.strip('`')} " in words
        assert f"env var: {variable.strip('`')}" in words
    assert len(settings) == words.count("env var: ")


def test_the_commands_in_readme_are_run_by_ci() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    assert "python -m pip install -e '.[dev]' && python -m pytest" in README
    assert "python -m pip install -q -e '.[dev]' && python -m pytest" in ci
    assert "python -m pip install . && uniqc-mcp demo" in README
    assert "uniqc-mcp demo" in ci


def test_the_python_code_in_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_sample(tmp_path)
    monkeypatch.setattr(store, "DEFAULT_CACHE_DIR", tmp_path)
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - the README's own code
        *tasks, last = capsys.readouterr().out.splitlines()
        assert tasks
        assert re.fullmatch(rf"{len(tasks)} of \d+", last)


def test_the_configuration_in_readme_matches_the_example_for_most_clients() -> None:
    (block,) = blocks("json")
    given = json.loads((CLIENTS / "mcp_servers.json").read_text())
    (server,) = given["mcpServers"].values()
    assert json.loads(block) == {"mcpServers": {"uniqc": {"command": server["command"]}}}


@pytest.mark.parametrize("name", sorted(path.name for path in CLIENTS.glob("*.[jt]*")))
def test_the_client_configurations_name_the_command_and_known_variables(
    name: str, command: str
) -> None:
    text = (CLIENTS / name).read_text()
    config = tomllib.loads(text) if name.endswith(".toml") else json.loads(text)
    ((_, servers),) = config.items()
    assert servers["uniqc"]["command"] == Path(command).name
    known = {variable.strip("`") for _, variable, _ in rows("Settings")}
    assert servers["uniqc"]["env"]
    assert set(servers["uniqc"]["env"]) <= known


def test_the_client_configurations_are_explained() -> None:
    table = (CLIENTS / "README.md").read_text()
    named = set(re.findall(r"^\| `([^`]+)` \|", table, flags=re.MULTILINE))
    assert named == {path.name for path in CLIENTS.iterdir()} - {"README.md"}
