"""The commands of docs/lab.md work in their order, and the examples start what there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML
from tests.lab.postgres import service_role

from uniqc_mcp.cli.commands import cli

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.lab.postgres import Postgres

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "lab"
PAGE = (ROOT / "docs" / "lab.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


def test_the_operators_commands_work_in_their_order(postgres: Postgres) -> None:
    address = postgres.address(postgres.create())
    run = 0
    for line in COMMANDS:
        words = shlex.split(line.replace("uniqc_lab", service_role()))
        if words[:3] == ["uniqc-mcp", "lab", "serve"]:
            continue  # tests/lab/serving/test_processes.py runs it
        done = CliRunner().invoke(cli, words[1:], env={"UNIQC_MCP_LAB_DATABASE": address})
        assert done.exit_code == 0, (line, done.output)
        run += 1
    assert run == len(COMMANDS) - 1 == 4


def started_by_examples() -> Iterator[Sequence[str]]:
    """Yield the words after ``uniqc-mcp`` of each command in the examples."""
    compose = YAML(typ="safe").load((EXAMPLES / "compose.yaml").read_text())
    for service in compose["services"].values():
        if "command" in service:
            yield service["command"]
    for unit in EXAMPLES.glob("*.service"):
        (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
        program, *words = shlex.split(line)
        assert program.endswith("/uniqc-mcp")
        yield words


@pytest.mark.parametrize("words", [*started_by_examples()], ids=lambda words: " ".join(words[:2]))
def test_an_example_starts_a_command_with_options_that_it_has(
    words: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNIQC_MCP_LAB_DATABASE", "postgresql://somewhere/lab")
    command: click.Command = cli
    rest = [*words]
    while isinstance(command, click.Group):
        name, *rest = rest
        found = command.get_command(click.Context(command), name)
        assert found is not None, words
        command = found
    assert command.make_context(command.name, rest).params
