"""The live table: its content, when it is drawn, and which lines are written."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.text import Text
from tests.server.cli.test_watch import NOW, feed_of, next_events

from uniqc_mcp.cli.columns import Row, table_lines
from uniqc_mcp.cli.watch.table import StatusTotals, Table
from uniqc_mcp.cli.watch.terminal import TerminalScreen

if TYPE_CHECKING:
    from tests.server.conftest import Cache

    from uniqc_mcp.cli.watch.feed import EventFeed


class InMemoryTable:
    """A table on an in-memory screen, with a clock that the test moves."""

    def __init__(self, cache: Cache) -> None:
        self.now = NOW
        self.output = io.StringIO()
        self.feed = feed_of(cache)
        console = Console(file=self.output, force_terminal=True, color_system=None, width=80)
        self.screen = TerminalScreen(console)
        self.table = Table(self.feed, self.screen, lambda: self.now)

    def render_next(self) -> str:
        """Render the next events and return the output."""
        self.table.render(next_events(self.feed))
        return self.take_output()

    def take_output(self) -> str:
        """Return the output since the last call."""
        text = self.output.getvalue()
        self.output.seek(0)
        self.output.truncate()
        return text

    def lines(self) -> list[str]:
        """Return the lines below the first, with single spaces."""
        lines = self.table.lines(120, 24, final=True)
        return [" ".join(line.plain.split()) for line in lines[1:]]


def ago(**age: float) -> str:
    return (NOW - timedelta(**age)).isoformat()


def test_the_table_lists_the_active_tasks_and_counts_all_by_status(cache: Cache) -> None:
    times = {"update_time": ago(seconds=5)}
    cache.write(
        {"status": "running", "submit_time": ago(hours=2), **times},
        {"status": "success", "submit_time": ago(hours=1), **times},
        {"status": "QUEUED", "submit_time": ago(hours=1), **times},
        {"status": "running", "submit_time": ago(hours=1), **times},
        {"status": "failed", "submit_time": ago(hours=3), **times},
    )
    drawn = InMemoryTable(cache)
    drawn.render_next()
    assert drawn.lines() == [
        "2 running · 1 QUEUED · 1 failed · 1 success",
        "",
        "3 active name status backend submitted heard of",
        "task-000004 running originq:WK_C180 1 h ago 5 s ago",
        "task-000003 QUEUED originq:WK_C180 1 h ago 5 s ago",
        "task-000001 running originq:WK_C180 2 h ago 5 s ago",
    ]


def test_ended_tasks_are_listed_below_the_active_ones_latest_first(cache: Cache) -> None:
    times = {"submit_time": ago(minutes=3), "update_time": ago(minutes=3)}
    cache.write({"status": "running", **times}, {"status": "running", **times})
    drawn = InMemoryTable(cache)
    drawn.render_next()
    cache.change("UPDATE tasks SET status = 'failed' WHERE task_id = 'task-000001'")
    assert "1 ended" in drawn.render_next()
    cache.change("DELETE FROM tasks WHERE task_id = 'task-000002'")
    assert "2 ended" in drawn.render_next()
    drawn.now += timedelta(minutes=1)
    lines = drawn.lines()
    assert lines[lines.index("0 active name status backend submitted heard of") :] == [
        "0 active name status backend submitted heard of",
        "No task is active.",
        "",
        "2 ended name status backend submitted ended",
        "task-000002 removed originq:WK_C180 4 min ago 1 min ago",
        "task-000001 failed originq:WK_C180 4 min ago 1 min ago",
    ]


def test_trouble_is_shown_until_it_is_over(cache: Cache) -> None:
    cache.write({"status": "running"})
    drawn = InMemoryTable(cache)
    drawn.render_next()
    held = cache.path.with_suffix(".held")
    cache.path.rename(held)
    cache.path.write_text("something else " * 100)
    assert "Trouble: " in drawn.render_next()
    assert drawn.lines()[0].startswith("Trouble: ")
    assert any(line.startswith("task-000001 running") for line in drawn.lines())
    held.rename(cache.path)
    drawn.render_next()
    assert not [line for line in drawn.lines() if "Trouble" in line]


def test_the_table_is_drawn_for_events_and_once_a_second(
    cache: Cache,
) -> None:
    cache.write({"status": "running", "update_time": ago(seconds=5)})
    drawn = InMemoryTable(cache)
    assert "5 s ago" in drawn.render_next()
    drawn.now += timedelta(seconds=0.5)
    drawn.table.render(())
    assert drawn.take_output() == ""
    drawn.now += timedelta(seconds=0.5)
    drawn.table.render(())
    output = drawn.take_output()
    assert "6 s ago" in output
    assert "uniqc tasks" not in output  # unchanged lines are not written
    cache.change("UPDATE tasks SET status = 'pending'")
    assert "pending" in drawn.render_next()


# Totals


class SteppingClock:
    """A clock that advances by a fixed step each time it is read."""

    def __init__(self, step: float) -> None:
        self.step = step
        self.now = 100.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def counts_by_status(totals: StatusTotals) -> dict[str, int]:
    return {str(group.status): group.count for group in totals.groups()}


@pytest.mark.parametrize(("step", "interval"), [(0, 5), (0.01, 5), (0.015, 6), (0.02, 8), (1, 10)])
def test_the_interval_between_counts_grows_with_their_duration(
    cache: Cache, step: float, interval: float
) -> None:
    cache.write({"status": "running"}, {"status": "success"})
    feed, clock = feed_of(cache), SteppingClock(step)
    totals = StatusTotals(feed, clock)
    assert counts_by_status(totals) == {}
    next_events(feed)
    assert counts_by_status(totals) == {"running": 1, "success": 1}
    cache.change("UPDATE tasks SET status = 'success'")
    next_events(feed)
    began = clock.now
    clock.now = began + interval - step - 0.01
    assert counts_by_status(totals) == {"running": 1, "success": 1}
    clock.now = began + interval - step + 0.01
    assert counts_by_status(totals) == {"success": 2}


def test_totals_stay_if_no_change_was_read_or_the_file_is_unreadable(
    cache: Cache,
) -> None:
    cache.write({"status": "running"})
    feed, clock = feed_of(cache), SteppingClock(0)
    totals = StatusTotals(feed, clock)
    next_events(feed)
    assert counts_by_status(totals) == {"running": 1}
    clock.now += 60
    cache.change("UPDATE tasks SET status = 'success'")
    assert counts_by_status(totals) == {"running": 1}  # the feed has not read the change
    next_events(feed)
    cache.path.write_text("something else " * 1_000)
    assert counts_by_status(totals) == {"running": 1}
    next_events(feed)
    assert feed.store_status.trouble
    assert counts_by_status(totals) == {"running": 1}


def test_totals_cover_only_the_watched_backend(cache: Cache) -> None:
    cache.write({"status": "running"}, {"backend": "ibm:ibm_fez"}, {"backend": "ibmq"})
    feed: EventFeed = feed_of(cache, backend="ibm")
    next_events(feed)
    assert counts_by_status(StatusTotals(feed)) == {"success": 1}


# Changed lines


@pytest.fixture
def screen() -> tuple[TerminalScreen, io.StringIO]:
    output = io.StringIO()
    return TerminalScreen(Console(file=output, force_terminal=True, color_system=None)), output


def test_only_changed_lines_are_written(
    screen: tuple[TerminalScreen, io.StringIO],
) -> None:
    terminal, output = screen

    def drawn(*lines: str) -> str:
        output.seek(0)
        output.truncate()
        terminal.show([Text(line) for line in lines])
        return output.getvalue()

    clear, rest = "\x1b[2J", "\x1b[0K"
    assert terminal.size == (80, 24)
    first = drawn("one", "two", "three")
    assert clear in first
    assert first.endswith(f"\x1b[1;1Hone{rest}\x1b[2;1Htwo{rest}\x1b[3;1Hthree{rest}")
    assert drawn("one", "two", "three") == ""
    assert drawn("one", "2", "three") == f"\x1b[2;1H2{rest}"
    assert drawn("one") == f"\x1b[2;1H{rest}\x1b[3;1H{rest}"
    assert drawn("one", "again") == f"\x1b[2;1Hagain{rest}"


# Columns


def row(**cells: str) -> Row:
    defaults = dict.fromkeys(("name", "status", "backend", "submitted", "last"), "x")
    return Row(**{"task_id": "task-1", **defaults, **cells})


def column_starts(rows: list[Row], width: int = 100) -> list[int]:
    """Return where each column of a table with these rows begins."""
    heading = table_lines({"1 active": ("heard of", rows)}, width)[0].plain
    names = ("1 active", "name", "status", "backend", "submitted", "heard of")
    return [heading.find(name) for name in names]


@pytest.mark.parametrize("age", ["", "7 s ago", "59 min ago"])
def test_columns_do_not_move_while_ages_grow(age: str) -> None:
    assert column_starts([row(submitted=age, last=age)]) == [0, 10, 16, 24, 33, 45]


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (100, ["name", "status", "backend", "submitted", "heard of"]),
        (71, ["name", "status", "backend", "submitted", "heard of"]),
        (70, ["name", "status", "backend", "submitted", "heard of"]),
        (69, ["name", "status", "backend", "heard of"]),
        (58, ["name", "status", "backend", "heard of"]),
        (57, ["name", "status", "heard of"]),
        (46, ["name", "status", "heard of"]),
        (45, ["status", "heard of"]),
        (33, ["status", "heard of"]),
        (32, ["status"]),
        (21, ["status"]),
        (20, []),
    ],
)
def test_columns_are_dropped_one_by_one_as_the_width_shrinks(
    width: int, columns: list[str]
) -> None:
    wide = row(task_id="t" * 40, name="n" * 40, status="s" * 16, backend="b" * 40)
    heading, line = table_lines({"1 active": ("heard of", [wide])}, width)
    shown = [name for name in ("name", "status", "backend", "submitted") if name in heading.plain]
    shown += ["heard of"] if "heard of" in heading.plain else []
    assert shown == columns
    assert heading.cell_len <= width
    assert line.cell_len == width or width > 69 or not columns


def test_spare_width_goes_to_the_backend_the_status_the_name_and_the_id() -> None:
    wide = row(task_id="t" * 40, name="n" * 40, status="s" * 16, backend="b" * 40)

    def cells(width: int) -> list[int]:
        line = table_lines({"1 active": ("heard of", [wide])}, width)[1].plain
        return [line.count(letter) for letter in "tnsb"]

    assert cells(70) == [10, 9, 8, 9]
    assert cells(101) == [10, 9, 9, 40]
    assert cells(107) == [10, 9, 16, 40]
    assert cells(137) == [10, 40, 16, 40]
    assert cells(166) == [40, 40, 16, 40]
