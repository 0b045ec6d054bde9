"""The commands that print the answers of tools."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from uniqc_mcp.cli.answers.destination import Destination
from uniqc_mcp.cli.answers.listing import read_list, tab_separated, terminal_lines
from uniqc_mcp.cli.answers.stats import fields_of_groups, table_of_groups
from uniqc_mcp.cli.answers.tool_options import arguments_of, given, options_for
from uniqc_mcp.cli.answers.words import for_command_line
from uniqc_mcp.cli.failures import quiet_broken_pipe
from uniqc_mcp.cli.options import cache_dir_option, json_option
from uniqc_mcp.cli.output import echo
from uniqc_mcp.comparing import FEWEST, MOST
from uniqc_mcp.errors import InvalidArgumentError, RequestError, explain_store_error
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import InvalidValueError, StoreError, TaskStore

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from uniqc_mcp.cli.answers.plot import PlotOrder
    from uniqc_mcp.responses.base import Answer
    from uniqc_mcp.tasks.models import TaskList

_MAX_OUTCOMES: Final = 50
_MAX_BARS: Final = 4_096
_BARS: Final = 16
_LIMIT: Final = 30
_ARGUMENTS: Final = {*arguments_of(ReadTools.list_tasks), *arguments_of(ReadTools.get_task)}


@click.command("list")
@cache_dir_option
@json_option
@options_for(ReadTools.list_tasks, without=("limit", "cursor"))
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=_LIMIT,
    show_default=True,
    help="Most tasks, however many pages that takes.",
)
def list_(cache_dir: Path, *, limit: int, as_json: bool, **filters: Any) -> None:
    """List tasks, newest first; without options the active ones.

    On a terminal it is a table. In a pipe it is a line for each task with tabs between task_id,
    status, backend, shots, submitted_at, updated_at, name, error and note; what else there is to
    say goes to stderr.
    """
    with _answering():
        answer = read_list(_tools(cache_dir), given(filters), limit=limit)
        destination = Destination.of_stdout()
        if as_json:
            echo(_as_json(answer.structured()))
        elif destination.is_terminal:
            for line in terminal_lines(_with_told_notes(answer), destination.width):
                echo(destination.line(line))
        else:
            _print_fields(tab_separated(answer.tasks))
            _remark(answer.more, *answer.store.notes)


@click.command()
@cache_dir_option
@json_option
@options_for(ReadTools.summarize_tasks)
def stats(cache_dir: Path, *, as_json: bool, **options: Any) -> None:
    """Summarize groups of tasks: how many succeeded, shots, seconds to the last touch.

    Without options all tasks, by backend. In a pipe it is a line for each group with tabs between
    its labels, tasks, finished, succeeded, shots, median, 90 % and longest seconds, oldest, newest.
    """
    with _answering():
        answer = _tools(cache_dir).summarize_tasks(**given(options))
        destination = Destination.of_stdout()
        if as_json:
            echo(_as_json(answer.structured()))
        elif destination.is_terminal:
            total, *_ = answer.text().splitlines()
            for line in (total, *table_of_groups(answer, destination.width), *answer.store.notes):
                echo(_told(line))
        else:
            _print_fields(fields_of_groups(answer))
            _remark(*answer.store.notes)


@click.command()
@cache_dir_option
@json_option
@click.option(
    "--outcomes",
    type=click.IntRange(min=0, max=_MAX_OUTCOMES),
    default=8,
    show_default=True,
    help="Outcomes to show, most frequent first.",
)
@click.argument("task")
def get(cache_dir: Path, task: str, *, outcomes: int, as_json: bool) -> None:
    """Show one task whole: why it failed, its most frequent outcomes, its platform jobs.

    TASK is uniqc's or a platform's id, the first 6 or more characters of one, or a name.
    """
    with _answering():
        answer = _tools(cache_dir).get_task(task_id=task, outcomes=outcomes)
        _print(answer, as_json=as_json)


@click.command()
@cache_dir_option
@json_option
@click.option("--name", help="In place of TASKS: the newest tasks of this name.")
@click.option(
    "--newest",
    type=click.IntRange(min=FEWEST, max=MOST),
    default=FEWEST,
    show_default=True,
    help="How many of the newest tasks, where no TASKS are given.",
)
@click.argument("tasks", nargs=-1)
def compare(
    cache_dir: Path, tasks: tuple[str, ...], *, name: str | None, newest: int, as_json: bool
) -> None:
    """Compare two to six tasks: what differs, outcomes side by side, distances and chance.

    TASKS are as for `get`. Without any, the newest tasks are compared.
    """
    from uniqc_mcp.comparing.tools import CompareTools  # noqa: PLC0415 - 0.02 s of a list

    if name == "":
        empty = "it is empty; give it a value, or leave it out."
        raise click.BadParameter(empty, param_hint="--name")
    if tasks and name is not None:
        raise click.UsageError("Give TASKS or --name, not both.")
    if tasks and not FEWEST <= len(tasks) <= MOST:
        raise click.UsageError(f"Give {FEWEST} to {MOST} TASKS, not {len(tasks)}.")
    with _answering():
        comparing = CompareTools(TaskStore(cache_dir, read_only=True))
        answer = comparing.compare_tasks(task_ids=tasks, name=name or "", newest=newest)
        _print(answer, as_json=as_json)


@click.command()
@cache_dir_option
@json_option
@click.option(
    "--by",
    "order",
    type=click.Choice(["count", "bits"]),
    default="count",
    show_default=True,
    help="The most frequent outcomes, or all in the order of their bits.",
)
@click.option(
    "--bars",
    "most_bars",
    type=click.IntRange(min=2, max=_MAX_BARS),
    default=_BARS,
    show_default=True,
    help="The most bars of a circuit. By bits, more outcomes share bars.",
)
@click.option(
    "--circuit",
    "place",
    type=click.IntRange(min=0),
    metavar="N",
    help="Only this circuit of a batch, counted from 0.",
)
@click.argument("task")
def plot(
    cache_dir: Path,
    task: str,
    *,
    order: PlotOrder,
    most_bars: int,
    place: int | None,
    as_json: bool,
) -> None:
    """Draw the outcomes of a task as a histogram, a circuit of a batch after the other.

    TASK is as for `get`. The longest bar is the most frequent outcome.
    """
    from uniqc_mcp.cli.answers.plot import plot_as_json, read_plot  # noqa: PLC0415 - 0.02 s of a list

    with _answering():
        store = TaskStore(cache_dir, read_only=True)
        plotted = read_plot(store, task, order=order, most_bars=most_bars, place=place)
        if as_json:
            echo(plot_as_json(plotted))
        else:
            echo("\n".join(plotted.lines(Destination.of_stdout())))


COMMANDS: Final = {str(command.name): command for command in (compare, get, list_, plot, stats)}


def _tools(cache_dir: Path) -> ReadTools:
    return ReadTools(TaskStore(cache_dir, read_only=True))


def _with_told_notes(answer: TaskList) -> TaskList:
    """Return a list whose notes name options."""
    notes = [*map(_told, answer.store.notes)]
    return answer.model_copy(update={"store": answer.store.model_copy(update={"notes": notes})})


def _print(answer: Answer, *, as_json: bool) -> None:
    echo(_as_json(answer.structured()) if as_json else answer.text())


def _print_fields(lines: Iterable[str]) -> None:
    for line in lines:
        echo(line)


def _remark(*notes: str) -> None:
    """Write what a script's reader should know to stderr, so that the fields stay alone."""
    for note in filter(None, notes):
        click.echo(_told(note), err=True)


def _as_json(structured: dict[str, Any]) -> str:
    return json.dumps(structured, indent=2)


@contextmanager
def _answering() -> Generator[None]:
    """Turn what goes wrong into a sentence on stderr: status 2 for a bad option, else 1."""
    try:
        with quiet_broken_pipe():
            yield
    except (InvalidArgumentError, InvalidValueError) as error:
        raise click.UsageError(_told(str(error)), click.get_current_context()) from error
    except StoreError as error:
        raise click.ClickException(explain_store_error(error)) from error
    except RequestError as error:
        raise click.ClickException(_told(str(error))) from error


def _told(text: str) -> str:
    return for_command_line(text, _ARGUMENTS)
