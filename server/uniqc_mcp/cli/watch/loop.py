"""Following a store on a terminal or in a pipe: what ``uniqc-mcp watch`` does."""

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

from uniqc_mcp.cli.watch.feed import Feed
from uniqc_mcp.cli.watch.lines import json_line, plain_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path
    from typing import TextIO

    from uniqc_mcp.cli.watch.feed import Event
    from uniqc_store import TaskStore

TIMED_OUT = 124
"""The exit status where the time is up, as that of ``timeout``."""

# As of a process that the signal ended. Windows has no SIGPIPE.
_INTERRUPTED = 128 + signal.SIGINT
_NOBODY_READS = 128 + 13

SECONDS_BETWEEN_POLLS = 0.25
_MAX_SECONDS_BETWEEN_POLLS = 1.0
_REST = 400
"""Times that a round took, to rest after it: while others write on and on, 1/400 of a core."""

ExitReason = Literal["idle", "timed out"]


class Renderer(Protocol):
    """How it is shown."""

    def render(self, events: Sequence[Event]) -> None:
        """Show what happened; told of nothing, show the time pass."""

    def pause(self, seconds: float) -> None:
        """Wait for so long, or for less."""


def watch(
    store: TaskStore, *, as_json: bool, backend: str, until_idle: bool, timeout: int | None
) -> int:
    """Show what happens until something ends it. The exit status.

    It is 0 where no task is active any more, or where somebody who did not wait for that has
    seen enough; ``TIMED_OUT`` where the time was up; and what a shell gives for the signal where
    one came before what was waited for.
    """
    feed = Feed(store, backend=backend)
    _take_any_letter(sys.stdout)
    try:
        with _interrupted_once(), _renderer(feed, as_json=as_json) as renderer:
            outcome = follow(feed, renderer, until_idle=until_idle, timeout=timeout)
    except KeyboardInterrupt:
        return _INTERRUPTED if until_idle else 0
    except BrokenPipeError:
        # Such as `| head`: who reads has enough. What is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS if until_idle else 0
    if outcome == "idle":
        return 0
    active = len(feed.active)
    still = f"; {active:,} {'task is' if active == 1 else 'tasks are'} active" if until_idle else ""
    sys.stderr.write(f"The {timeout} s are over{still}.\n")
    return TIMED_OUT


def follow(
    feed: Feed,
    renderer: Renderer,
    *,
    until_idle: bool,
    timeout: float | None,
    monotonic: Callable[[], float] = time.monotonic,
) -> ExitReason:
    """Tell of what happens, until no task is active or the time is up, where that ends it."""
    ends_at = float("inf") if timeout is None else monotonic() + timeout
    while True:
        began = monotonic()
        renderer.render(feed.events())
        if until_idle and feed.is_idle():
            return "idle"
        now = monotonic()
        if now >= ends_at:
            return "timed out"
        rest = max(SECONDS_BETWEEN_POLLS, _REST * (now - began))
        renderer.pause(min(rest, _MAX_SECONDS_BETWEEN_POLLS, ends_at - now))


# How it is shown


class Lines:
    """Each event as lines, as it happens."""

    def __init__(
        self, output: TextIO, path: Path, *, as_json: bool, pause: Callable[[float], None]
    ) -> None:
        self._output = output
        self._path = path
        self._as_json = as_json
        self._pause = pause

    def render(self, events: Sequence[Event]) -> None:
        for event in events:
            one = [json_line(event, self._path)] if self._as_json else None
            for line in one or plain_lines(event, self._path):
                self._output.write(f"{line}\n")
        self._output.flush()

    def pause(self, seconds: float) -> None:
        self._pause(seconds)


def _take_any_letter(output: TextIO) -> None:
    """Write those that the locale lacks in another way: a task's name must not end it."""
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(errors="backslashreplace")


def _renderer(feed: Feed, *, as_json: bool) -> AbstractContextManager[Renderer]:
    if not as_json and _is_screen(sys.stdout):
        from uniqc_mcp.cli.watch.table import on_screen  # noqa: PLC0415 - rich, for a table alone

        return on_screen(feed)
    path, pause = feed.store.db_path, _pause_of(sys.stdout)
    return nullcontext(Lines(sys.stdout, path, as_json=as_json, pause=pause))


def _is_screen(output: TextIO) -> bool:
    return output.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def _pause_of(output: TextIO) -> Callable[[float], None]:
    """A way to wait that ends once nobody can read any more what is written."""
    try:
        mode = os.fstat(output.fileno()).st_mode
    except OSError:
        return time.sleep
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) or not hasattr(select, "poll"):
        return time.sleep
    poll = select.poll()
    poll.register(output, 0)

    def pause(seconds: float) -> None:
        if any(seen & (select.POLLERR | select.POLLHUP) for _, seen in poll.poll(seconds * 1000)):
            raise BrokenPipeError

    return pause


@contextmanager
def _interrupted_once() -> Generator[None]:
    """SIGINT and SIGTERM end it alike, and not again while the terminal is given back."""

    def interrupt(*_: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    # A shell has those ignore SIGINT that it starts in the background.
    before = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM)
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN
    }
    try:
        for number in before:
            signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
