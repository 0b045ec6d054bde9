"""The tables of docs/tools.md, and the code and configurations of README and docs, are right."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from tests.record_documentation import options

from uniqc_mcp.cli.sample import make_sample
from uniqc_mcp.prompts import PROMPTS
from uniqc_mcp.resources import RESOURCES
from uniqc_mcp.tool_registry import TOOLS
from uniqc_store import store

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "examples" / "clients"
TOOLS_PAGE = (ROOT / "docs" / "tools.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first table under a heading of the page on tools."""
    sections = re.split(r"^##+ ", TOOLS_PAGE, flags=re.MULTILINE)
    (text,) = (part for part in sections if part.startswith(f"{heading}\n"))
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


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks in a language, of which there must be some."""
    text = (ROOT / page).read_text()
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no block of {language}"
    return found


def test_the_python_code_of_the_store_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_sample(tmp_path)
    monkeypatch.setattr(store, "DEFAULT_CACHE_DIR", tmp_path)
    for block in blocks("docs/store.md", "python"):
        exec(compile(block, "store.md", "exec"), {})  # noqa: S102 - the page's own code
        *tasks, last = capsys.readouterr().out.splitlines()
        assert tasks
        assert re.fullmatch(rf"{len(tasks)} of \d+", last)


def test_the_configuration_in_readme_matches_the_example_for_most_clients() -> None:
    (block,) = blocks("README.md", "json")
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
    known = {option.variable.strip("`") for option in options()}
    assert servers["uniqc"]["env"]
    assert set(servers["uniqc"]["env"]) <= known


def test_the_client_configurations_are_explained() -> None:
    table = (CLIENTS / "README.md").read_text()
    named = set(re.findall(r"^\| `([^`]+)` \|", table, flags=re.MULTILINE))
    assert named == {path.name for path in CLIENTS.iterdir()} - {"README.md"}
