"""The live table of the active tasks in a store and of those that finished lately."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from uniqc_mcp.cli.columns import wrap
from uniqc_mcp.cli.watch.controls import HELP, Controls
from uniqc_mcp.cli.watch.finished_tasks import FinishedTask, FinishedTasks
from uniqc_mcp.cli.watch.terminal import TerminalScreen, broken_pipe_if_gone
from uniqc_mcp.cli.watch.view import MAX_FINISHED_ROWS, Scene, frame_lines
from uniqc_mcp.errors import RequestError, explain_store_error
from uniqc_mcp.responses.times import utc_now
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from datetime import datetime

    from uniqc_mcp.cli.watch.events import Event
    from uniqc_mcp.cli.watch.feed import EventFeed
    from uniqc_store import Group, TaskState, TaskStore


@contextmanager
def live_table(feed: EventFeed) -> Generator[Table]:
    """Yield a table on this terminal. Its last state stays in view after the screen is restored."""
    console = Console(highlight=False)
    screen = TerminalScreen(console)
    table = Table(feed, screen)
    with broken_pipe_if_gone():
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
        self._controls = Controls()
        self._active: Sequence[TaskState] = ()
        self._finished_in_view: Sequence[FinishedTask] = ()
        self._task_lines: Sequence[str] = ()
        self._by_status: Counter[str] = Counter()
        self._problem = ""
        self._drawn: tuple[int, tuple[int, int]] | None = None

    def render(self, events: Sequence[Event]) -> None:
        """Record events, and draw the table if there are any or a second has passed."""
        for event in events:
            self._finished.add(event)
            self._problem = event.problem
        if events:
            self._by_status = Counter(state.status for state in self._feed.active.values())
            self._arrange()
        second_and_size = int(self._clock().timestamp()), self._screen.size
        if events or second_and_size != self._drawn:
            self._drawn = second_and_size
            self._draw()

    def pause(self, seconds: float) -> None:
        """Wait on the screen, and do what the keys mean that are pressed meanwhile.

        Raises:
            KeyboardInterrupt: A key ended the watch.
        """
        keys = self._screen.pause(seconds)
        _, height = self._screen.size
        for key in keys:
            ids = [state.task_id for state in self._active]
            ids += [one.task.task_id for one in self._finished_in_view]
            self._controls.press(key, ids, rows=height)
            self._arrange()
        if keys:
            self._draw()

    def lines(self, width: int, height: int, *, final: bool = False) -> list[Text]:
        """Return the lines of the table, or of the page over it, as they are now."""
        controls = self._controls
        if controls.page in ("task", "help") and not final:
            return self._page_lines(width, height)
        scene = Scene(
            path=self._feed.store.db_path,
            store_status=self._feed.store_status,
            problem=self._problem,
            backend=self._feed.filter.backend,
            by_status=self._by_status,
            groups=self._totals.groups(),
            active=self._active,
            hidden=len(self._feed.active) - len(self._active),
            finished=self._finished_in_view,
            finished_total=self._finished.total,
            without_job=self._feed.without_job,
            sort=controls.sort,
            filter_text=controls.filter_text,
            types_filter=controls.page == "filter",
            chosen="" if final else controls.chosen,
        )
        return frame_lines(scene, width=width, height=height, now=self._clock(), final=final)

    def _arrange(self) -> None:
        """Sort and filter the tasks again, and read the task that is shown."""
        controls = self._controls
        self._active = controls.arranged(self._feed.active.values())
        matching = (one for one in self._finished if controls.matches(one.task))
        self._finished_in_view = tuple(islice(matching, MAX_FINISHED_ROWS))
        if controls.page == "task":
            self._task_lines = _task_text(self._feed.store, controls.chosen)

    def _draw(self) -> None:
        self._screen.show(self.lines(*self._screen.size))

    def _page_lines(self, width: int, height: int) -> list[Text]:
        """Return the part of the help, or of a task, that is scrolled to."""
        texts = HELP if self._controls.page == "help" else self._task_lines
        lines = [line for text in texts for line in wrap(text, width)]
        room = max(1, height - 2)
        self._controls.scroll = max(0, min(self._controls.scroll, len(lines) - room))
        shown = lines[self._controls.scroll :][:room]
        rest = len(lines) - self._controls.scroll - len(shown)
        foot = "Esc goes back  q ends" + (f"  {rest:,} lines below" if rest else "")
        filler = [""] * (room - len(shown))
        return [Text(line, no_wrap=True) for line in [*shown, *filler, "", foot]][:height]


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


def _task_text(store: TaskStore, task_id: str) -> list[str]:
    """Return the lines of what ``get_task`` answers, or the reason why it can't."""
    from uniqc_mcp.tasks.tools import ReadTools  # noqa: PLC0415 - 0.25 s of every watch

    try:
        return ReadTools(store).get_task(task_id=task_id).text().splitlines()
    except RequestError as error:
        return str(error).splitlines()
    except StoreError as error:
        return explain_store_error(error).splitlines()
