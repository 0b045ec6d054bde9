"""The live table of the active tasks in a store and of those that finished lately."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Console

from uniqc_mcp.cli.watch.finished_tasks import FinishedTasks
from uniqc_mcp.cli.watch.terminal import TerminalScreen
from uniqc_mcp.cli.watch.view import MAX_FINISHED_ROWS, Scene, frame_lines
from uniqc_mcp.responses.times import utc_now
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from datetime import datetime

    from rich.text import Text

    from uniqc_mcp.cli.watch.events import Event
    from uniqc_mcp.cli.watch.feed import EventFeed
    from uniqc_store import Group, TaskState


@contextmanager
def live_table(feed: EventFeed) -> Generator[Table]:
    """Yield a table on this terminal. Its last state stays in view after the screen is restored."""
    console = Console(highlight=False)
    screen = TerminalScreen(console)
    table = Table(feed, screen)
    try:
        with screen:
            table.render(())  # the first read of a large store takes long: say so at once
            yield table
    finally:
        width, height = screen.size
        for line in table.lines(width, height - 1, final=True):
            console.print(line, soft_wrap=True)


class Table:
    """A renderer that draws the events of a feed as a table."""

    def __init__(
        self, feed: EventFeed, screen: TerminalScreen, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Draw the state of a feed on a screen, with ages by a clock."""
        self._feed = feed
        self._screen = screen
        self._clock = clock
        self._totals = StatusTotals(feed)
        self._finished = FinishedTasks()
        self._active: Sequence[TaskState] = ()
        self._by_status: Counter[str] = Counter()
        self._problem = ""
        self._drawn: tuple[int, tuple[int, int]] | None = None

    def render(self, events: Sequence[Event]) -> None:
        """Record events, and draw the table if there are any or a second has passed."""
        for event in events:
            self._finished.add(event)
            self._problem = event.problem
        if events:
            active = self._feed.active.values()
            self._active = sorted(active, key=_submitted, reverse=True)
            self._by_status = Counter(state.status for state in active)
        size = self._screen.size
        second_and_size = int(self._clock().timestamp()), size
        if events or second_and_size != self._drawn:
            self._drawn = second_and_size
            self._screen.show(self.lines(*size))

    def pause(self, seconds: float) -> None:
        """Wait on the screen, which also reads keys."""
        self._screen.pause(seconds)

    def lines(self, width: int, height: int, *, final: bool = False) -> list[Text]:
        """Return the lines of the table as it is now."""
        scene = Scene(
            path=self._feed.store.db_path,
            store_status=self._feed.store_status,
            problem=self._problem,
            backend=self._feed.filter.backend,
            by_status=self._by_status,
            groups=self._totals.groups(),
            active=self._active,
            finished=tuple(islice(self._finished, MAX_FINISHED_ROWS)),
            finished_total=self._finished.total,
            without_job=self._feed.without_job,
        )
        return frame_lines(scene, width=width, height=height, now=self._clock(), final=final)


class StatusTotals:
    """The number of tasks by status, counted again only at intervals.

    A count of a large store takes long. The interval is ``_PAUSE_RATIO`` times as long.
    """

    _PAUSE_RATIO = 400
    _MIN_SECONDS = 5.0
    _MAX_SECONDS = 10.0

    def __init__(self, feed: EventFeed, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Count the tasks of a feed's store; nothing is counted yet."""
        self._feed = feed
        self._monotonic = monotonic
        self._groups: Sequence[Group] = ()
        self._counted_state: datetime | None = None
        self._next_count_at = 0.0

    def groups(self) -> Sequence[Group]:
        """Return the counts, at most ``_MAX_SECONDS`` old while the store is readable."""
        store_status, began = self._feed.store_status, self._monotonic()
        is_current = store_status.read_at == self._counted_state
        if is_current or store_status.trouble or began < self._next_count_at:
            return self._groups
        try:
            self._groups = self._feed.store.tally(self._feed.filter, by=("status",))
        except StoreError:
            return self._groups  # the feed reports it
        self._counted_state = store_status.read_at
        now = self._monotonic()
        pause = max(self._MIN_SECONDS, self._PAUSE_RATIO * (now - began))
        self._next_count_at = now + min(pause, self._MAX_SECONDS)
        return self._groups


def _submitted(state: TaskState) -> tuple[str, str]:
    return state.submit_time, state.task_id
