"""``uniqc-mcp list`` and ``stats``: one code path with the tools, on a terminal and in a pipe."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import mcp
import pytest
from rich.cells import cell_len
from tests.server.cli.test_commands import run
from tests.server.test_imports import loaded_by

from uniqc_mcp.cli.answers import bars, commands, listing, plot
from uniqc_mcp.cli.answers.commands import COMMANDS
from uniqc_mcp.cli.answers.destination import Destination
from uniqc_mcp.cli.answers.listing import FIELDS, MORE, notes_of_pages, read_list, terminal_lines
from uniqc_mcp.cli.answers.stats import table_of_groups
from uniqc_mcp.cli.answers.tool_options import arguments_of, options_for
from uniqc_mcp.results import summary
from uniqc_mcp.tasks.filter_arguments import FilterArguments
from uniqc_mcp.tasks.shown_page import RECENT_ONLY
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from click.testing import Result
    from tests.server.conftest import Cache


def command(cache: Cache, *arguments: str) -> Result:
    return run(*arguments, "--cache-dir", str(cache.directory))


def rows_of(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return [line.split("\t") for line in result.stdout.splitlines()]


def tools(cache: Cache) -> ReadTools:
    return ReadTools(TaskStore(cache.directory, read_only=True))


# Options


@pytest.mark.parametrize(
    ("name", "tool", "own"),
    [
        ("list", ReadTools.list_tasks, {"limit", "cursor"}),
        ("stats", ReadTools.summarize_tasks, set[str]()),
    ],
)
def test_each_argument_of_a_tool_is_an_option_with_its_description(
    name: str, tool: Any, own: set[str]
) -> None:
    options = {parameter.name: parameter for parameter in COMMANDS[name].params}
    arguments = arguments_of(tool)
    assert arguments.keys() >= FilterArguments.__annotations__.keys()
    for argument in arguments.keys() - own:
        assert options[argument].opts == [f"--{argument.replace('_', '-')}"]
    help_text = " ".join(run(name, "--help").output.split())
    assert "As --submitted-after, but exclusive." in help_text
    assert "submitted_after" not in help_text


def test_an_argument_of_a_type_without_an_option_is_an_error() -> None:
    def tool(*, limits: Annotated[dict[str, int], "unknown"]) -> None: ...

    with pytest.raises(TypeError):
        options_for(tool)(lambda: None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["list", "--status", "lost"], "'lost' is not one of"),
        (["list", "--backend", ""], "'--backend': it is empty"),
        (["list", "--except-backend", ""], "'--except-backend': it is empty"),
        (["list", "--submitted-after", "soon"], "--submitted-after must be a date or time"),
        (["list", "--status", "failed", "--not-heard-for", "6h"], "--not-heard-for is for active"),
        (["list", "--limit", "0"], "'--limit'"),
        (["list", "--submitted_after", "7d"], "No such option"),
        (["stats", *3 * ["--group-by", "day"]], "'--group-by': give it 2 times at most"),
    ],
)
def test_a_wrong_option_exits_with_2_and_names_the_option(
    cache: Cache, options: list[str], message: str
) -> None:
    cache.write({})
    result = command(cache, *options)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""


# In a pipe


def test_in_a_pipe_a_list_is_fields_between_tabs(cache: Cache) -> None:
    hostile = "a\tb\nc \x1b[31m"
    cache.write(
        {"status": "failed", "error_message": hostile, "shots": 1200},
        {"status": "running", "metadata_json": json.dumps({"task_name": hostile})},
        version=5,
    )
    result = command(cache, "list", "--status", "any")
    running, failed = rows_of(result)
    assert len(running) == len(failed) == len(FIELDS)
    assert failed[:4] == ["task-000001", "failed", "originq:WK_C180", "1200"]
    assert "\x1b" not in result.stdout
    assert datetime.fromisoformat(failed[FIELDS.index("submitted_at")]).tzinfo == UTC
    assert running[FIELDS.index("name")].startswith("a b⏎c ")


def test_filters_are_those_of_the_tool(cache: Cache) -> None:
    cache.write(
        {"status": "failed", "backend": "ibm:ibm_fez"},
        {"status": "cancelled"},
        {"status": "failed"},
        {"status": "running"},
    )
    found = rows_of(
        command(
            cache, *("list", "--status", "failed", "--status", "cancelled"),
            *("--except-backend", "ibm", "--order", "oldest"),
        )
    )  # fmt: skip
    assert [row[0] for row in found] == ["task-000002", "task-000003"]
    assert [row[0] for row in rows_of(command(cache, "list"))] == ["task-000004"]


def test_a_list_reads_as_many_pages_as_the_limit_needs(cache: Cache) -> None:
    cache.write(*[{"status": "running"}] * 230)
    all_tasks = command(cache, "list", "--limit", "1000")
    assert [row[0] for row in rows_of(all_tasks)] == [f"task-{n:06}" for n in range(230, 0, -1)]
    assert all_tasks.stderr == ""
    some = command(cache, "list", "--limit", "150")
    assert len(rows_of(some)) == 150
    assert some.stderr == f"{MORE}\n"
    structured = json.loads(command(cache, "list", "--json", "--limit", "150").stdout)
    assert (structured["total"], structured["shown"], structured["more"]) == (230, 150, MORE)
    assert "next_cursor" not in structured
    assert len(structured["tasks"]) == 150


def test_a_page_without_room_for_its_tasks_is_followed_by_the_others(cache: Cache) -> None:
    error = {"status": "failed", "error_message": "量子" * 400}
    cache.write(*[error] * 90, version=5)
    pages = tools(cache).list_tasks(status=("failed",), limit=90)
    assert pages.shown < 90  # else this tests nothing
    result = command(cache, "list", "--status", "failed", "--limit", "90")
    assert len(rows_of(result)) == 90
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("cursor", "way"), [("", "come after"), ("next", "come with a larger --limit, after")]
)
def test_notes_on_pages_name_no_cursor(cache: Cache, cursor: str, way: str) -> None:
    cache.write({"status": "running"})
    page = tools(cache).list_tasks()
    noted = page.model_copy(
        update={
            "store": page.store.model_copy(update={"notes": [RECENT_ONLY, "Kept."]}),
            "next_cursor": cursor,
        }
    )
    recent, kept = notes_of_pages([noted, noted])
    assert f"{way} the recent ones" in recent
    assert "next_cursor" not in recent
    assert kept == "Kept."


def test_nothing_found_is_no_error_and_stderr_says_what_there_is(cache: Cache) -> None:
    cache.write({"status": "success"})
    result = command(cache, "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Tasks in the cache that do not match: 1.\n"


def test_stats_in_a_pipe_are_the_rows_of_the_tool(cache: Cache) -> None:
    cache.write({"status": "failed"}, {"backend": "ibm:ibm_fez"}, {"status": "running"})
    result = command(cache, "stats", "--group-by", "backend", "--group-by", "status")
    answer = tools(cache).summarize_tasks(group_by=("backend", "status"))
    shown = [["" if cell is None else str(cell) for cell in row] for row in answer.rows]
    assert rows_of(result) == shown
    assert "no run time" in result.stderr
    structured = json.loads(command(cache, "stats", "--json").stdout)
    assert structured["rows"] == tools(cache).summarize_tasks().structured()["rows"]


# On a terminal


@pytest.mark.parametrize("width", [30, 44, 80, 140])
def test_rows_fit_the_terminal_with_wide_characters(cache: Cache, width: int) -> None:
    name = json.dumps({"task_name": "量子相位估计" * 4})
    cache.write(
        {"status": "failed", "error_message": "错误" * 60, "metadata_json": name},
        {"status": "running", "metadata_json": name},
        version=5,
    )
    answer = read_list(tools(cache), {"status": ("any",)}, limit=10)
    lines = [*terminal_lines(answer, width)]
    assert max(line.cell_len for line in lines) <= width
    text = "\n".join(line.plain for line in lines)
    assert 'error: "错误' in text
    assert "量子" in text
    heading = next(line.plain for line in lines if line.plain.startswith("task"))
    starts = {
        cell_len(line.plain[: line.plain.index(word)])
        for line, word in ((line, word) for line in lines for word in ("failed ", "running "))
        if word in line.plain and "  error" not in line.plain and "tasks" not in line.plain
    }
    assert starts == {cell_len(heading[: heading.index("status")])}


def test_a_long_table_of_groups_fits_the_terminal(cache: Cache) -> None:
    cache.write(*({"backend": f"originq:{'W' * number}"} for number in (4, 40, 90)))
    summary = tools(cache).summarize_tasks()
    for width in (40, 60, 100, 200):
        lines = [*table_of_groups(summary, width)]
        assert len(lines) == 4
        assert max(map(cell_len, lines)) <= width
        assert lines[0].startswith("backend")
    heading = next(table_of_groups(summary, 200))
    assert heading.split()[-2:] == ["oldest", "newest"]


def test_colours_are_those_of_the_status_and_only_where_wanted(cache: Cache) -> None:
    cache.write({"status": "running"})
    _, heading, row = terminal_lines(read_list(tools(cache), {}, limit=1), 400)
    colored = Destination(is_terminal=True, has_colors=True)
    assert "\x1b[36mrunning\x1b[0m" in colored.line(row)
    assert colored.line(heading).startswith("\x1b[1mtask")
    assert Destination().line(row) == row.plain.rstrip()
    assert colored.line(row).replace("\x1b[36m", "").replace("\x1b[0m", "") == row.plain.rstrip()


def test_a_list_needs_no_sdk_and_no_module_of_the_plot() -> None:
    loaded = loaded_by(f"import {commands.__name__}")
    assert {commands.__name__, listing.__name__} <= loaded
    assert not loaded & {mcp.__name__, plot.__name__, bars.__name__, summary.__name__}


def test_the_help_of_the_group_names_all_commands() -> None:
    output = run("--help").output
    for name in (*COMMANDS, "watch", "doctor"):
        assert f"\n  {name} " in output
