"""The end of a command at SIGINT or SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

_GRACE: Final = 1.5
"""Seconds for the work to end by itself. Then the process ends, which loses nothing."""


def run_until_signalled(work: Callable[[Event], None]) -> None:
    """Run a function until it returns, or until SIGINT or SIGTERM.

    Args:
        work: Called on a thread, with an event that a signal sets. If it is still busy a moment
            later, as in a request that nobody answers, the process ends with status 0.

    Raises:
        BaseException: The function raised it.
    """
    # A queue, as a handler may interrupt this thread while that holds the lock of an event.
    news: SimpleQueue[BaseException | None] = SimpleQueue()
    stop = Event()

    def run() -> None:
        try:
            work(stop)
        except BaseException as error:  # raised again below, on the main thread
            news.put(error)
        else:
            news.put(None)

    def end(_number: int, _frame: FrameType | None) -> None:
        news.put(None)

    thread = Thread(target=run, daemon=True)
    with handled(end):
        thread.start()
        error = news.get()
        stop.set()
        thread.join(_GRACE)
    if thread.is_alive():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    if error is not None:
        raise error


@contextmanager
def handled(handle: Callable[[int, FrameType | None], object]) -> Generator[None]:
    """Call a function at SIGINT and SIGTERM, until the context is left.

    A process that a shell starts in the background ignores SIGINT, and goes on doing so.
    """
    before = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM)
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN
    }
    try:
        for number in before:
            signal.signal(number, handle)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
