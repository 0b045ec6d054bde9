"""The loop of ``uniqc-mcp watch``: polls a store and renders its events until a reason to exit."""

from __future__ import annotations

import io
import os
import select
import signal
import stat
import sys
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal, Protocol

from uniqc_mcp.cli.failures import BROKEN_PIPE
from uniqc_mcp.cli.output import check_stdout, discard, told_if_unwritable
from uniqc_mcp.cli.signals import handled
from uniqc_mcp.cli.watch.endings import Endings
from uniqc_mcp.cli.watch.feed import EventFeed
from uniqc_mcp.cli.watch.lines import json_line, plain_lines
from uniqc_mcp.responses.text import plural
from uniqc_mcp.safety.display import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path
    from typing import TextIO

    from uniqc_mcp.cli.watch.events import Event
    from uniqc_store import TaskStore

NOT_ALL_SUCCEEDED = 1
"""The exit status where one is asked for and a task ended otherwise than with success."""

NOTHING_MATCHES = 2
"""The exit status where no task was ever on the backend, as of a wrong option."""

TIMED_OUT = 124
"""The exit status after a timeout, as of ``timeout`` from coreutils."""

# As a shell reports a process that the signal ended.
_INTERRUPTED = 128 + signal.SIGINT

SECONDS_BETWEEN_POLLS = 0.25
_MAX_SECONDS_BETWEEN_POLLS = 1.0
_PAUSE_RATIO = 400
"""Pause after a round as a multiple of its time: 1/400 of a core, for rounds of up to 2.5 ms."""

ExitReason = Literal["idle", "timed out", "nothing matches"]


class Renderer(Protocol):
    """A way to show events."""

    def render(self, events: Sequence[Event]) -> None:
        """Show new events; without any, update what depends on the time."""

    def pause(self, seconds: float) -> None:
        """Wait for at most this time."""


def watch(
    store: TaskStore,
    *,
    as_json: bool,
    backend: str,
    until_idle: bool,
    exit_status: bool,
    timeout: int | None,
) -> int:
    """Show the events of a store until there is a reason to exit, and return the exit status.

    The status is 0 when no task is active, or when the user ends a watch that had no goal. With
    `exit_status` it is ``NOT_ALL_SUCCEEDED`` if a task that ended meanwhile did not succeed. It is
    ``TIMED_OUT`` after the timeout, and ``NOTHING_MATCHES`` where no task was ever on the backend
    of a watch until none is active. If a signal or a closed pipe comes before the goal, it is the
    status that a shell reports for that signal.
    """
    check_stdout()
    feed, endings = EventFeed(store, backend=backend), Endings()
    _escape_unencodable(sys.stdout)
    try:
        with _interrupted_once(), _renderer(feed, as_json=as_json) as renderer:
            reason = follow(feed, renderer, until_idle=until_idle, timeout=timeout, endings=endings)
    except KeyboardInterrupt:
        return _INTERRUPTED if until_idle else 0
    except BrokenPipeError:
        discard(sys.stdout)  # the reader has left, such as `| head`
        return BROKEN_PIPE if until_idle else 0
    if reason == "idle":
        return _status_of(endings) if exit_status else 0
    if reason == "nothing matches":
        sys.stderr.write(f"Error: {_why_nothing_matches(feed)}\n")
        return NOTHING_MATCHES
    active = len(feed.active)
    verb = "is" if active == 1 else "are"
    still_active = f"; {active:,} {plural('task', active)} {verb} active" if until_idle else ""
    sys.stderr.write(f"The {timeout} s are over{still_active}.\n")
    return TIMED_OUT


def follow(
    feed: EventFeed,
    renderer: Renderer,
    *,
    until_idle: bool,
    timeout: float | None,
    endings: Endings | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> ExitReason:
    """Render events until no task is active, if that is the goal, or until the timeout.

    The ends of tasks are added to `endings`.
    """
    ends_at = float("inf") if timeout is None else monotonic() + timeout
    while True:
        began = monotonic()
        events = feed.events()
        if endings is not None:
            endings.add(events)
        renderer.render(events)
        if until_idle and feed.is_idle():
            return "idle" if feed.has_matched() else "nothing matches"
        now = monotonic()
        if now >= ends_at:
            return "timed out"
        pause = max(SECONDS_BETWEEN_POLLS, _PAUSE_RATIO * (now - began))
        renderer.pause(min(pause, _MAX_SECONDS_BETWEEN_POLLS, ends_at - now))


# Renderers


class Lines:
    """A renderer that writes each event as lines."""

    def __init__(
        self, output: TextIO, path: Path, *, as_json: bool, pause: Callable[[float], None]
    ) -> None:
        """Write the events of the store at a path to a stream."""
        self._output = output
        self._path = path
        self._as_json = as_json
        self._pause = pause

    def render(self, events: Sequence[Event]) -> None:
        """Write the lines of the events, and flush."""
        with told_if_unwritable():
            for event in events:
                for line in self._lines_of(event):
                    self._output.write(f"{line}\n")
            self._output.flush()

    def pause(self, seconds: float) -> None:
        """Wait, and raise BrokenPipeError if the reader leaves meanwhile."""
        self._pause(seconds)

    def _lines_of(self, event: Event) -> list[str]:
        if self._as_json:
            return [json_line(event, self._path)]
        return plain_lines(event, self._path)


def _status_of(endings: Endings) -> int:
    """Return the exit status for the ends of tasks, and write what failed to stderr."""
    if not (failure := endings.failure()):
        return 0
    sys.stderr.write(f"Error: {failure}\n")
    return NOT_ALL_SUCCEEDED


def _why_nothing_matches(feed: EventFeed) -> str:
    """Return what a list says where no task is on the backend."""
    from uniqc_mcp.tasks.filters import notes_on_filter  # noqa: PLC0415 - 0.17 s of every watch

    notes = feed.store.read(lambda snapshot: notes_on_filter(snapshot, feed.filter, found=False))
    return " ".join(notes) or f"No task is on backend {quoted(feed.filter.backend)}."


def _escape_unencodable(output: TextIO) -> None:
    """Escape characters that the locale lacks, so that no task name raises an error."""
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(errors="backslashreplace")


def _renderer(feed: EventFeed, *, as_json: bool) -> AbstractContextManager[Renderer]:
    if not as_json and _is_screen(sys.stdout):
        from uniqc_mcp.cli.watch.table import live_table  # noqa: PLC0415 - 0.04 s of every watch in a pipe

        return live_table(feed)
    path, pause = feed.store.db_path, _pause_of(sys.stdout)
    return nullcontext(Lines(sys.stdout, path, as_json=as_json, pause=pause))


def _is_screen(output: TextIO) -> bool:
    return output.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def _pause_of(output: TextIO) -> Callable[[float], None]:
    """Return a function that waits, and raises BrokenPipeError once the reader has left."""
    try:
        mode = os.fstat(output.fileno()).st_mode
    except OSError:
        return time.sleep
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) or not hasattr(select, "poll"):
        return time.sleep
    poll = select.poll()
    poll.register(output, 0)

    def pause(seconds: float) -> None:
        if any(found & (select.POLLERR | select.POLLHUP) for _, found in poll.poll(seconds * 1000)):
            raise BrokenPipeError

    return pause


@contextmanager
def _interrupted_once() -> Generator[None]:
    """Raise KeyboardInterrupt at the first SIGINT or SIGTERM, and ignore later ones.

    A second signal would interrupt the restoring of the terminal.
    """

    def interrupt(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    with handled(interrupt):
        yield
