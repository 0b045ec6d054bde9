"""The live table: all that is active in a store, and what ended lately."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Console

from uniqc_mcp.cli.watch.ended import FinishedTasks
from uniqc_mcp.cli.watch.terminal import TerminalScreen
from uniqc_mcp.cli.watch.view import MAX_ENDED, Scene, View
from uniqc_mcp.responses.times import utc_now
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from datetime import datetime

    from rich.text import Text

    from uniqc_mcp.cli.watch.feed import Event, Feed
    from uniqc_store import Group, TaskState


@contextmanager
def on_screen(feed: Feed) -> Generator[Table]:
    """A table on this terminal. Its last state stays in view when the screen is given back."""
    console = Console(highlight=False)
    screen = TerminalScreen(console)
    table = Table(feed, screen)
    try:
        with screen:
            table.render(())  # in a large store that nobody read for long, a first look takes long
            yield table
    finally:
        width, height = screen.size
        for line in table.lines(width, height - 1, to_stay=True):
            console.print(line, soft_wrap=True)


class Table:
    """A feed as a table.

    Args:
        feed: Whose events it is told.
        screen: Where it is drawn.
        clock: What time it is.
    """

    def __init__(
        self, feed: Feed, screen: TerminalScreen, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._feed = feed
        self._screen = screen
        self._clock = clock
        self._view = View()
        self._totals = Totals(feed)
        self._ending = FinishedTasks()
        self._active: Sequence[TaskState] = ()
        self._by_status: Counter[str] = Counter()
        self._problem = ""
        self._shown: tuple[int, tuple[int, int]] | None = None

    def render(self, events: Sequence[Event]) -> None:
        """Take down what happened, and draw anew once a second, or when there is news."""
        for event in events:
            self._ending.add(event)
            self._problem = event.problem
        if events:
            active = self._feed.active.values()
            self._active = sorted(active, key=_age, reverse=True)
            self._by_status = Counter(state.status for state in active)
        size = self._screen.size
        shown = int(self._clock().timestamp()), size
        if events or shown != self._shown:
            self._shown = shown
            self._screen.show(self.lines(*size))

    def pause(self, seconds: float) -> None:
        """Wait on the screen: for keys too."""
        self._screen.pause(seconds)

    def lines(self, width: int, height: int, *, to_stay: bool = False) -> list[Text]:
        """How it looks now."""
        scene = Scene(
            path=self._feed.store.db_path,
            store_status=self._feed.store_status,
            problem=self._problem,
            backend=self._feed.filter.backend,
            by_status=self._by_status,
            groups=self._totals.groups(),
            active=self._active,
            ended=tuple(islice(self._ending, MAX_ENDED)),
            ended_total=self._ending.total,
        )
        now = self._clock()
        return self._view.lines(scene, width=width, height=height, now=now, to_stay=to_stay)


class Totals:
    """How many tasks there are by status, counted as seldom as keeps it cheap."""

    _REST = 400
    _LEAST_SECONDS = 5.0
    _MAX_SECONDS = 10.0

    def __init__(self, feed: Feed, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._feed = feed
        self._monotonic = monotonic
        self._groups: Sequence[Group] = ()
        self._counted_at: datetime | None = None
        self._due = 0.0

    def groups(self) -> Sequence[Group]:
        """As last counted: where a million tasks change all the time, some seconds ago."""
        store_status, began = self._feed.store_status, self._monotonic()
        if store_status.read_at == self._counted_at or store_status.trouble or began < self._due:
            return self._groups
        try:
            self._groups = self._feed.store.tally(self._feed.filter, by=("status",))
        except StoreError:
            return self._groups  # the feed tells of it
        self._counted_at = store_status.read_at
        now = self._monotonic()
        rest = min(max(self._LEAST_SECONDS, self._REST * (now - began)), self._MAX_SECONDS)
        self._due = now + rest
        return self._groups


def _age(state: TaskState) -> tuple[str, str]:
    return state.submit_time, state.task_id
