"""The live table: what it shows of a store, when it is drawn, and what of it is drawn anew."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.text import Text
from tests.server.cli.test_watch import NOW, feed_of, told

from uniqc_mcp.cli.watch.columns import Row, table_lines
from uniqc_mcp.cli.watch.table import StatusTotals, Table
from uniqc_mcp.cli.watch.terminal import TerminalScreen

if TYPE_CHECKING:
    from tests.server.conftest import Cache

    from uniqc_mcp.cli.watch.feed import EventFeed


class Drawn:
    """A table on a screen that is kept in memory, and a clock that the test moves."""

    def __init__(self, cache: Cache) -> None:
        self.now = NOW
        self.written = io.StringIO()
        self.feed = feed_of(cache)
        console = Console(file=self.written, force_terminal=True, color_system=None, width=80)
        self.table = Table(self.feed, TerminalScreen(console), lambda: self.now)

    def news(self) -> str:
        """What is written for what happens next."""
        self.table.render(told(self.feed))
        return self.taken()

    def taken(self) -> str:
        """What was written since the last time."""
        text = self.written.getvalue()
        self.written.seek(0)
        self.written.truncate()
        return text

    def lines(self) -> list[str]:
        """How it looks, without the line that names the file, in single spaces."""
        lines = self.table.lines(120, 24, final=True)
        return [" ".join(line.plain.split()) for line in lines[1:]]


def ago(**age: float) -> str:
    return (NOW - timedelta(**age)).isoformat()


def test_it_lists_the_active_tasks_newest_first_and_counts_all_by_status(cache: Cache) -> None:
    times = {"update_time": ago(seconds=5)}
    cache.write(
        {"status": "running", "submit_time": ago(hours=2), **times},
        {"status": "success", "submit_time": ago(hours=1), **times},
        {"status": "QUEUED", "submit_time": ago(hours=1), **times},
        {"status": "running", "submit_time": ago(hours=1), **times},
        {"status": "failed", "submit_time": ago(hours=3), **times},
    )
    drawn = Drawn(cache)
    drawn.news()
    assert drawn.lines() == [
        "2 running · 1 QUEUED · 1 failed · 1 success",
        "",
        "3 active name status backend submitted heard of",
        "task-000004 running originq:WK_C180 1 h ago 5 s ago",
        "task-000003 QUEUED originq:WK_C180 1 h ago 5 s ago",
        "task-000001 running originq:WK_C180 2 h ago 5 s ago",
    ]


def test_what_ends_goes_down_to_those_that_ended_the_last_first(cache: Cache) -> None:
    times = {"submit_time": ago(minutes=3), "update_time": ago(minutes=3)}
    cache.write({"status": "running", **times}, {"status": "running", **times})
    drawn = Drawn(cache)
    drawn.news()
    cache.change("UPDATE tasks SET status = 'failed' WHERE task_id = 'task-000001'")
    assert "1 ended" in drawn.news()
    cache.change("DELETE FROM tasks WHERE task_id = 'task-000002'")
    assert "2 ended" in drawn.news()
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
    drawn = Drawn(cache)
    drawn.news()
    held = cache.path.with_suffix(".held")
    cache.path.rename(held)
    cache.path.write_text("something else " * 100)
    assert "Trouble: " in drawn.news()
    assert drawn.lines()[0].startswith("Trouble: ")
    assert any(line.startswith("task-000001 running") for line in drawn.lines())
    held.rename(cache.path)
    drawn.news()
    assert not [line for line in drawn.lines() if "Trouble" in line]


def test_it_is_drawn_when_there_is_news_and_when_a_second_is_over_and_else_not(
    cache: Cache,
) -> None:
    cache.write({"status": "running", "update_time": ago(seconds=5)})
    drawn = Drawn(cache)
    assert "5 s ago" in drawn.news()
    drawn.now += timedelta(seconds=0.5)
    drawn.table.render(())
    assert drawn.taken() == ""
    drawn.now += timedelta(seconds=0.5)
    drawn.table.render(())
    said = drawn.taken()
    assert "6 s ago" in said
    assert "uniqc tasks" not in said  # as it was before
    cache.change("UPDATE tasks SET status = 'pending'")
    assert "pending" in drawn.news()


# How many there are in all


class Ticking:
    """A clock that moves whenever it is read, as if what is timed took so long."""

    def __init__(self, took: float) -> None:
        self.took = took
        self.now = 100.0

    def __call__(self) -> float:
        self.now += self.took
        return self.now


def counted(totals: StatusTotals) -> dict[str, int]:
    return {str(group.status): group.count for group in totals.groups()}


@pytest.mark.parametrize(("took", "rest"), [(0, 5), (0.01, 5), (0.015, 6), (0.02, 8), (1, 10)])
def test_tasks_are_counted_again_after_a_rest_that_is_as_long_as_counting_is_dear(
    cache: Cache, took: float, rest: float
) -> None:
    cache.write({"status": "running"}, {"status": "success"})
    feed, clock = feed_of(cache), Ticking(took)
    totals = StatusTotals(feed, clock)
    assert counted(totals) == {}
    told(feed)
    assert counted(totals) == {"running": 1, "success": 1}
    cache.change("UPDATE tasks SET status = 'success'")
    told(feed)
    began = clock.now
    clock.now = began + rest - took - 0.01
    assert counted(totals) == {"running": 1, "success": 1}
    clock.now = began + rest - took + 0.01
    assert counted(totals) == {"success": 2}


def test_tasks_are_not_counted_again_where_nothing_was_read_or_nothing_can_be(
    cache: Cache,
) -> None:
    cache.write({"status": "running"})
    feed, clock = feed_of(cache), Ticking(0)
    totals = StatusTotals(feed, clock)
    told(feed)
    assert counted(totals) == {"running": 1}
    clock.now += 60
    cache.change("UPDATE tasks SET status = 'success'")
    assert counted(totals) == {"running": 1}  # the feed has not seen it
    told(feed)
    cache.path.write_text("something else " * 1_000)
    assert counted(totals) == {"running": 1}
    told(feed)
    assert feed.store_status.trouble
    assert counted(totals) == {"running": 1}


def test_totals_are_those_of_the_backend_that_is_watched(cache: Cache) -> None:
    cache.write({"status": "running"}, {"backend": "ibm:ibm_fez"}, {"backend": "ibmq"})
    feed: EventFeed = feed_of(cache, backend="ibm")
    told(feed)
    assert counted(StatusTotals(feed)) == {"success": 1}


# What is drawn anew


@pytest.fixture
def screen() -> tuple[TerminalScreen, io.StringIO]:
    written = io.StringIO()
    return TerminalScreen(Console(file=written, force_terminal=True, color_system=None)), written


def test_only_the_lines_that_are_others_than_before_are_written(
    screen: tuple[TerminalScreen, io.StringIO],
) -> None:
    terminal, written = screen

    def drawn(*lines: str) -> str:
        written.seek(0)
        written.truncate()
        terminal.show([Text(line) for line in lines])
        return written.getvalue()

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


def row(**what: str) -> Row:
    given = dict.fromkeys(("name", "status", "backend", "submitted", "last"), "x")
    return Row(**{"task_id": "task-1", **given, **what})


def starts(rows: list[Row], width: int = 100) -> list[int]:
    """Where each column of a table with these rows begins."""
    heading = table_lines({"1 active": ("heard of", rows)}, width)[0].plain
    names = ("1 active", "name", "status", "backend", "submitted", "heard of")
    return [heading.find(name) for name in names]


@pytest.mark.parametrize("age", ["", "7 s ago", "59 min ago"])
def test_a_table_does_not_move_while_ages_tick(age: str) -> None:
    assert starts([row(submitted=age, last=age)]) == [0, 10, 16, 24, 33, 45]


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
        (34, ["status", "heard of"]),
        (33, ["status"]),
        (22, ["status"]),
        (21, []),
    ],
)
def test_columns_give_way_one_after_the_other_where_there_is_no_room(
    width: int, columns: list[str]
) -> None:
    wide = row(task_id="t" * 40, name="n" * 40, status="s" * 16, backend="b" * 40)
    heading, line = table_lines({"1 active": ("heard of", [wide])}, width)
    shown = [name for name in ("name", "status", "backend", "submitted") if name in heading.plain]
    shown += ["heard of"] if "heard of" in heading.plain else []
    assert shown == columns
    assert heading.cell_len <= width
    assert line.cell_len == width or width > 69 or not columns


def test_room_that_is_left_goes_to_the_backend_the_status_the_name_and_then_the_id() -> None:
    wide = row(task_id="t" * 40, name="n" * 40, status="s" * 16, backend="b" * 40)

    def cells(width: int) -> list[int]:
        line = table_lines({"1 active": ("heard of", [wide])}, width)[1].plain
        return [line.count(letter) for letter in "tnsb"]

    assert cells(70) == [10, 9, 8, 9]
    assert cells(101) == [10, 9, 9, 40]
    assert cells(107) == [10, 9, 16, 40]
    assert cells(137) == [10, 40, 16, 40]
    assert cells(166) == [40, 40, 16, 40]
