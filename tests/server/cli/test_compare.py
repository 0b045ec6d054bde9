"""``uniqc-mcp compare`` prints what compare_tasks answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.server.cli.test_commands import run

from uniqc_mcp.comparing.tools import CompareTools
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.conftest import Cache

CIRCUIT = "QINIT 1\nCREG 1\nH q[0]\nMEASURE q[0], c[0]"


@pytest.fixture
def directory(cache: Cache) -> Path:
    """Return a cache with four runs of one circuit; the last two share a name."""
    runs = [{"0": 480, "1": 520}, {"0": 510, "1": 490}, {"0": 250, "1": 750}, {"0": 1000}]
    cache.write(
        *[
            {
                "shots": 1000,
                "result_json": json.dumps(counts),
                "metadata_json": json.dumps(
                    {"source_ir": CIRCUIT, "task_name": "bell" if place > 1 else "coin"}
                ),
            }
            for place, counts in enumerate(runs)
        ],
        version=5,
    )
    return cache.directory


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["task-000001", "task-000003"], {"task_ids": ["task-000001", "task-000003"]}),
        (["--name", "bell"], {"name": "bell"}),
        (["--newest", "3"], {"newest": 3}),
        ([], {}),
    ],
)
def test_it_prints_the_answer_of_the_tool(
    directory: Path, arguments: list[str], asked: dict[str, object]
) -> None:
    answer = CompareTools(TaskStore(directory, read_only=True)).compare_tasks(**asked)  # type: ignore[arg-type]
    options = [*arguments, "--cache-dir", str(directory)]
    shown = run("compare", *options).output
    without_time = [line for line in answer.text().splitlines() if " Read " not in line]
    assert without_time
    assert [line for line in shown.splitlines() if " Read " not in line] == without_time
    structured = json.loads(run("compare", "--json", *options).output)
    del structured["store"]
    assert structured == {
        key: value for key, value in answer.structured().items() if key != "store"
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["task-000001"], "Give 2 to 6 TASKS, not 1."),
        ([f"task-{number}" for number in range(7)], "Give 2 to 6 TASKS, not 7."),
        (["task-000001", "task-000002", "--name", "bell"], "Give TASKS or --name, not both."),
        (["--name", ""], "Invalid value for --name: it is empty"),
        (["--newest", "7"], "7 is not in the range 2<=x<=6"),
        (["task-000001", "task-000001"], "task-000001"),
    ],
)
def test_a_wrong_command_line_exits_with_2(
    directory: Path, arguments: list[str], said: str
) -> None:
    result = run("compare", *arguments, "--cache-dir", str(directory))
    assert result.exit_code == 2
    assert said in result.output


def test_an_unknown_task_exits_with_1_and_is_named(directory: Path) -> None:
    result = run("compare", "task-000001", "nobody-at-all", "--cache-dir", str(directory))
    assert result.exit_code == 1
    assert "nobody-at-all" in result.output
