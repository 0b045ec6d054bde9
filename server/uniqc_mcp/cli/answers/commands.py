"""The commands that print the answers of tools."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from uniqc_mcp.cli.answers.destination import Destination
from uniqc_mcp.cli.answers.plot import plot_as_json, read_plot
from uniqc_mcp.cli.answers.words import for_command_line
from uniqc_mcp.cli.failures import quiet_broken_pipe, store_errors
from uniqc_mcp.cli.options import cache_dir_option, json_option
from uniqc_mcp.cli.output import echo
from uniqc_mcp.errors import InvalidArgumentError, RequestError
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import InvalidValueError, TaskStore

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from uniqc_mcp.cli.answers.plot import PlotOrder
    from uniqc_mcp.responses.base import Answer

_MAX_OUTCOMES: Final = 50
_MAX_BARS: Final = 4_096
_BARS: Final = 16


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
    with _answering():
        store = TaskStore(cache_dir, read_only=True)
        plotted = read_plot(store, task, order=order, most_bars=most_bars, place=place)
        if as_json:
            echo(plot_as_json(plotted))
        else:
            echo("\n".join(plotted.lines(Destination.of_stdout())))


COMMANDS: Final = {command.name: command for command in (get, plot)}


def _tools(cache_dir: Path) -> ReadTools:
    return ReadTools(TaskStore(cache_dir, read_only=True))


def _print(answer: Answer, *, as_json: bool) -> None:
    echo(_as_json(answer.structured()) if as_json else answer.text())


def _as_json(structured: dict[str, Any]) -> str:
    return json.dumps(structured, indent=2)


@contextmanager
def _answering() -> Generator[None]:
    """Turn what goes wrong into a sentence on stderr: status 2 for a bad option, else 1."""
    try:
        with store_errors(), quiet_broken_pipe():
            yield
    except (InvalidArgumentError, InvalidValueError) as error:
        raise click.UsageError(_sentence(error), click.get_current_context()) from error
    except RequestError as error:
        raise click.ClickException(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    return for_command_line(str(error), ("status", "task_id", "name_contains"))
