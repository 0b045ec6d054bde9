"""The commands that print the answers of tools: what they print, and how they fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.server.cli.test_commands import run

from uniqc_mcp.cli.answers.words import for_command_line
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from tests.server.conftest import Cache


def test_get_prints_the_answer_of_the_tool_as_text_or_structure(cache: Cache) -> None:
    cache.write({"status": "failed", "error_message": "no such qubit"}, version=5)
    answer = ReadTools(TaskStore(cache.directory, read_only=True)).get_task(task_id="task-000001")
    options = ["--cache-dir", str(cache.directory)]
    shown = run("get", "task-000001", *options).output
    assert shown.splitlines()[:-1] == answer.text().splitlines()[:-1]
    structured = json.loads(run("get", "task-000001", "--json", *options).output)
    assert structured["task"] == answer.structured()["task"]


@pytest.mark.parametrize("command", ["get", "plot"])
def test_an_unknown_task_is_an_error_in_the_words_of_the_command_line(
    cache: Cache, command: str
) -> None:
    cache.write({"status": "running"})
    result = run(command, "nothing-like-it", "--cache-dir", str(cache.directory))
    assert result.exit_code == 1
    assert result.output == (
        'Error: No task has the id "nothing-like-it". uniqc-mcp list with --status any shows ids.\n'
    )


@pytest.mark.parametrize("options", [["get"], ["get", "x", "--outcomes", "51"], ["plot", "--by"]])
def test_a_wrong_command_line_exits_with_2(options: list[str]) -> None:
    assert run(*options).exit_code == 2


def test_a_file_that_is_not_uniqcs_is_an_error(cache: Cache) -> None:
    cache.directory.mkdir(exist_ok=True)
    cache.path.write_text("something else " * 100)
    result = run("get", "task-000001", "--cache-dir", str(cache.directory))
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")


ARGUMENTS = ("status", "archived", "submitted_after", "name_contains")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("archived=include lists them.", "--archived include lists them."),
        ("submitted_after must be a date", "--submitted-after must be a date"),
        ("list_tasks with status=any", "uniqc-mcp list with --status any"),
        ("its status is unknown; it is archived", "its status is unknown; it is archived"),
        ('No task "status=any" or "a\\" submitted_after".',) * 2,
    ],
)
def test_arguments_are_named_as_options_outside_quotes(text: str, expected: str) -> None:
    assert for_command_line(text, ARGUMENTS) == expected
